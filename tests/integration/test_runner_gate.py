"""Accounts are not burned: who logs on when many hosts want the same account at once, and what the store keeps of it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from unloop.clock import SystemClock
from unloop.errors import AccessDenied, ChannelError, ConnectionLost, LogonRefused, LogonUndecided
from unloop.runner.gate import Gate, Proof
from unloop.secrets.secret import Credential, Secret
from unloop.store import accounts
from unloop.store.database import Database, open_database

DOMAIN = Credential("fix", "CORP\\fix", Secret("canary"), "corp\\fix", is_local=False)


def local(host: str) -> Credential:
    """The local account of one host."""
    return Credential("admin", "Administrator", Secret("canary"), f"{host}\\administrator")


@pytest.fixture
def store(tmp_path: Path) -> Database:
    """An empty store."""
    database = open_database(f"sqlite:///{tmp_path / 'unloop.db'}")
    yield database
    database.close()


def gate_of(store: Database, owner: str = "one") -> Gate:
    """A gate as an engine has it."""

    async def in_store(work: Callable[[], object]) -> object:
        return await asyncio.to_thread(work)

    return Gate(store, in_store, SystemClock(), owner=owner)


class Host:
    """A host that answers log-ons with an error, or with nothing wrong, and counts how many came at once."""

    def __init__(self, error: type[ChannelError] | None = None) -> None:
        self.error, self.tries, self.at_once, self.most = error, 0, 0, 0

    async def work(self, credential: Credential) -> str:
        """One log-on."""
        self.tries += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0.01)
        self.at_once -= 1
        if self.error is not None:
            raise self.error("no")
        return "in"


async def storm(gate: Gate, host: Host, *, hosts: int, seconds: float = 5) -> list[object]:
    """So many windows open at once, all with the domain's account."""
    work = (gate.log_on([DOMAIN], host.work, seconds=seconds) for _ in range(hosts))
    return list(await asyncio.gather(*work, return_exceptions=True))


def run(work: Awaitable[list[object]]) -> list[object]:
    """Run it on a loop of its own."""

    async def bounded() -> list[object]:
        return await asyncio.wait_for(work, 60)

    return asyncio.run(bounded())


def test_a_wrong_password_with_500_windows_open_is_shown_once(store: Database) -> None:
    """One log-on fails; nobody else tries, whichever host wanted to."""
    host = Host(LogonRefused)
    results = run(storm(gate_of(store), host, hosts=500))

    assert (host.tries, {type(result) for result in results}) == (1, {LogonRefused})
    assert accounts.stopped(store)[0][0] == "corp\\fix"


def test_an_account_that_nobody_can_judge_is_tried_twice_in_all(store: Database) -> None:
    """Without a domain controller the budget is two, over all hosts."""
    host = Host(LogonUndecided)
    results = run(storm(gate_of(store), host, hosts=100))

    assert (host.tries, {type(result) for result in results}) == (2, {LogonUndecided})


def test_the_first_proof_opens_the_account_to_all(store: Database) -> None:
    """One at a time until it is proven, then all at once."""
    host = Host()
    results = run(storm(gate_of(store), host, hosts=50))

    assert (host.tries, set(results)) == (50, {"in"})
    assert host.most > 10


def test_a_local_account_is_proven_as_often_as_its_host_breaks_off(store: Database) -> None:
    """A host that crashes in the middle of every log-on spends nothing: nobody else has its account."""
    host = Host(ConnectionLost)
    work = [gate_of(store).log_on([local("ws-1")], host.work, seconds=5) for _ in range(8)]

    async def one_by_one() -> list[object]:
        return [await asyncio.gather(one, return_exceptions=True) for one in work]

    run(one_by_one())
    assert host.tries == 8


def test_proofs_that_nobody_answers_are_bounded_over_all_hosts(store: Database) -> None:
    """Each may have been judged wrong without a word: four in a row, one at a time, and then the account waits."""
    host = Host(ConnectionLost)
    results = run(storm(gate_of(store), host, hosts=8))

    assert (host.tries, host.most) == (4, 1)
    assert [type(result) for result in results].count(LogonUndecided) == 4


def test_a_host_that_broke_off_after_it_had_let_us_in_has_proven_the_account(store: Database) -> None:
    """Its crash says nothing against the account, and all others may log on at once."""
    gate, host = gate_of(store), Host()

    async def crash(_: Credential, proof: Proof) -> str:
        await proof.send()
        proof.is_answered = True
        raise ConnectionLost("crashed")

    async def first_it_crashes() -> list[object]:
        crashed = await asyncio.gather(gate.attempt([DOMAIN], crash, seconds=5), return_exceptions=True)
        return [*crashed, *await storm(gate, host, hosts=20)]

    assert len(run(first_it_crashes())) == 21
    assert host.most > 10


def test_who_is_denied_has_logged_on(store: Database) -> None:
    """A host that lets us in but not to the file has proven the account."""
    host = Host(AccessDenied)
    run(storm(gate_of(store), host, hosts=20))

    assert host.most > 1


def test_local_accounts_are_asked_for_before_the_window(store: Database) -> None:
    """Once it is prepared, a log-on looks into the store no more before it is tried."""
    asked: list[str] = []

    async def test() -> list[object]:
        gate = gate_of(store)
        await gate.prepare([local("a"), local("b")], seconds=60)
        questions = gate._ask

        async def counted(credential: Credential, *, ttl: float) -> object:
            asked.append(credential.account)
            return await questions(credential, ttl=ttl)

        gate._ask = counted  # type: ignore[method-assign, assignment]
        return [await gate.log_on([local(name)], Host().work, seconds=5) for name in "ab"]

    assert (run(test()), asked) == (["in", "in"], [])


def test_the_next_credential_is_tried_when_one_is_refused(store: Database) -> None:
    """The order of the inventory holds; a refused account is not tried a second time."""
    seen: list[str] = []

    async def work(credential: Credential) -> str:
        seen.append(credential.account)
        if credential.is_local:
            raise LogonRefused("no")
        return "in"

    async def test() -> list[object]:
        gate = gate_of(store)
        return [await gate.log_on([local("a"), DOMAIN], work, seconds=5) for _ in range(2)]

    assert (run(test()), seen) == (["in", "in"], ["a\\administrator", "corp\\fix", "corp\\fix"])


def test_a_host_that_keeps_silent_before_the_proof_keeps_nobody_waiting(store: Database) -> None:
    """The account's turn is taken when it is to be proven, not when a connection is there; no proof, no failed log-on."""

    async def silent(_credential: Credential, _proof: Proof) -> str:
        await asyncio.sleep(30)
        return "never"

    async def test() -> list[object]:
        gate = gate_of(store)
        tarpit = asyncio.create_task(gate.attempt([local("a")], silent, seconds=5))
        await asyncio.sleep(0)
        beside = await gate.log_on([local("a")], Host().work, seconds=5)
        tarpit.cancel()
        await asyncio.wait([tarpit])
        return [beside, accounts.stopped(store)]

    assert run(test()) == ["in", ()]


def test_two_workers_never_prove_one_account_at_once(store: Database) -> None:
    """The store keeps the turn between processes: the second waits for the first one's proof."""
    host = Host()

    async def test() -> list[object]:
        gates = [gate_of(store, owner) for owner in ("one", "two")]
        return list(await asyncio.gather(*(gate.log_on([DOMAIN], host.work, seconds=5) for gate in gates)))

    assert (run(test()), host.most) == (["in", "in"], 1)


def test_an_account_that_nobody_could_judge_hinders_until_its_time_is_up(store: Database) -> None:
    """After two tries no reset makes sense, unless another account may be tried; half an hour later it counts anew."""
    gate = gate_of(store)

    async def asked() -> list[object]:
        before = await gate.hindrance([DOMAIN])
        for _ in range(2):
            await asyncio.gather(gate.log_on([DOMAIN], Host(LogonUndecided).work, seconds=5), return_exceptions=True)
        return [before, await gate.hindrance([DOMAIN]), await gate.hindrance([local("a"), DOMAIN])]

    assert run(asked()) == ["", "nobody could judge account corp\\fix; it is tried again later", ""]
    now = SystemClock().now().timestamp() + 1801
    budget = accounts.Budget()
    for turn in (accounts.Turn.GO, accounts.Turn.GO, accounts.Turn.SPENT):
        found = accounts.ask(store, "corp\\fix", owner="one", budget=budget, now=now, ttl=1)
        assert found is turn
        accounts.tell(store, "corp\\fix", result="undecided", detail="", now=now)


def test_a_local_account_that_somebody_else_held_is_asked_for_again(store: Database) -> None:
    """Told to wait before the window, a worker that has taken the host over may log on once the other has let go."""
    now = SystemClock().now().timestamp()
    accounts.ask(store, "a\\administrator", owner="dead", budget=accounts.Budget(), now=now, ttl=300)
    gate = gate_of(store)

    async def again() -> list[object]:
        await gate.prepare([local("a")], seconds=60)
        accounts.tell(store, "a\\administrator", result="unused", detail="", now=now)
        return [await gate.log_on([local("a")], Host().work, seconds=5)]

    assert run(again()) == ["in"]
