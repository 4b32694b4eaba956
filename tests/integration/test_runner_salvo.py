"""Strikes side by side in one window: who wins, who is cut off, and what is written down of each."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from servers import free_port
from unloop.errors import ConnectionLost, LogonRefused
from unloop.model.host import Endpoint
from unloop.model.report import ActionReport, ActionStatus, RemedyReport, Verdict
from unloop.race.prober import Prober
from unloop.race.rhythm import Rhythm
from unloop.race.turns import Turns
from unloop.race.watch import Watch
from unloop.rehearsal.fleet import tarpit
from unloop.rehearsal.gate import Gate
from unloop.runner.landing import Landing
from unloop.runner.salvo import TRIES, fire_all
from unloop.runner.strike import Salvo, Struck

ADDRESS = "127.0.0.63"
QUICK = Rhythm(hot=0.02, warm=0.05, cold=0.2)


@dataclass
class Scripted:
    """A shot that takes its time and then says what it was told to say."""

    name: str
    says: Verdict | type[Exception] | None
    """None: it waits until its connection is taken away, and then says that its order was sent."""
    after: float = 0.0
    commits: bool = True
    """Whether its account's proof is under way as long as it waits."""
    fired: list[float] = field(default_factory=list)

    @property
    def endpoint(self) -> Endpoint:
        """Where it fires."""
        return Endpoint(self.name, ADDRESS)

    @property
    def is_committed(self) -> bool:
        """As it was made."""
        return self.commits

    async def prepare(self) -> None:
        """Nothing has to be got ready."""

    async def fire(self, sock: socket.socket | None) -> Struck:
        """Say it."""
        loop = asyncio.get_running_loop()
        self.fired.append(loop.time())
        assert sock is not None
        with sock:
            if self.says is None:
                await loop.sock_recv(sock, 1)
                return self._struck(report=RemedyReport(Verdict.SENT))
            await asyncio.sleep(self.after)
            if isinstance(self.says, Verdict):
                return self._struck(report=RemedyReport(self.says))
            return self._struck(error=self.says("no"))

    def cut_off(self, began: float) -> Struck:
        """What is left of it."""
        return self._struck()

    def _struck(self, **more: object) -> Struck:
        now = asyncio.get_running_loop().time()
        return Struck(self.name, now, now, **more)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def host(*names: str) -> AsyncIterator[tuple[dict[str, Gate], Watch]]:
    """A host that is up with these ports, and a watch on it."""
    doors = {name: (ADDRESS, free_port(ADDRESS)) for name in names}
    gates = {name: Gate(*door, tarpit) for name, door in doors.items()}
    prober = Prober(keep=0.06)
    for gate in gates.values():
        gate.open()
    try:
        async with Watch(prober, doors, QUICK) as watch:
            yield gates, watch
    finally:
        prober.close()
        for gate in gates.values():
            gate.close()
        await asyncio.sleep(0)


def fire(*shots: Scripted, seconds: float = 10, then: Callable[[dict[str, Gate]], None] | None = None) -> Salvo:
    """Fire these shots in one window; ``then`` happens to the host a moment later."""

    async def run() -> Salvo:
        async with host(*(shot.name for shot in shots)) as (gates, watch):
            loop = asyncio.get_running_loop()
            first = await watch.next_open(until=loop.time() + 10)
            assert first is not None
            if then is not None:
                loop.call_later(0.2, then, gates)
            landing = Landing({shot.name: shot for shot in shots})
            until = loop.time() + seconds
            return await fire_all(watch, landing, first, Turns(8), by=until, until=until)

    return asyncio.run(asyncio.wait_for(run(), 20))


def verdicts(salvo: Salvo) -> dict[str, str]:
    """What each channel came to at last."""
    return {struck.channel: struck.came_to for struck in salvo.strikes}


def test_what_the_quicker_channel_lands_in_time_the_other_does_not_do_as_well() -> None:
    """The first channel of a landing has a lead, also when the other one's door is seen first."""
    other = Scripted("winrm", Verdict.LANDED)
    salvo = fire(Scripted("smb", Verdict.LANDED, after=0.02), other)

    assert (verdicts(salvo), other.fired) == ({"smb": "landed"}, [])


def test_a_channel_that_is_slow_to_land_loses_its_lead() -> None:
    """The other one is fired beside it, and lands first."""
    salvo = fire(Scripted("smb", Verdict.LANDED, after=5), Scripted("winrm", Verdict.LANDED))

    assert verdicts(salvo) == {"smb": "cut off", "winrm": "landed"}


def test_no_host_is_struck_twice_at_once_while_another_waits() -> None:
    """A quicker channel that is slow today keeps its lead as long as somebody waits for a turn."""
    other = Scripted("winrm", Verdict.LANDED)
    slow = Scripted("smb", Verdict.LANDED, after=0.5)

    async def run() -> Salvo:
        async with host("smb", "winrm") as (_, watch):
            first = await watch.next_open(until=asyncio.get_running_loop().time() + 10)
            assert first is not None
            turns, until = Turns(2), asyncio.get_running_loop().time() + 10
            async with turns.take(by=until):
                ours = asyncio.create_task(
                    fire_all(watch, Landing({"smb": slow, "winrm": other}), first, turns, by=until, until=until)
                )
                await asyncio.sleep(0.05)
                waiting = asyncio.create_task(_turn(turns, until + 1))
                await asyncio.sleep(0.2)
            salvo = await ours
            await waiting
            return salvo

    assert verdicts(asyncio.run(asyncio.wait_for(run(), 20))) == {"smb": "landed"}
    assert other.fired == []


async def _turn(turns: Turns, by: float) -> None:
    """Another host's strike."""
    async with turns.take(by=by):
        pass


def test_the_first_landing_wins_and_the_others_are_cut_off() -> None:
    """Both are fired; when one lands the other is ended, and both are written down."""
    slow = Scripted("winrm", Verdict.LANDED, after=30)
    salvo = fire(Scripted("smb", Verdict.LANDED, after=0.3), slow)

    assert verdicts(salvo) == {"smb": "landed", "winrm": "cut off"}
    assert (len(slow.fired), salvo.best and salvo.best.channel) == (1, "smb")


def test_who_still_waits_for_the_account_is_called_off_when_another_lands() -> None:
    """In the moment in which the account is proven the other channel could go on, and is not let."""
    waiting = Scripted("winrm", Verdict.LANDED, after=0.3, commits=False)
    salvo = fire(Scripted("smb", Verdict.LANDED, after=0.3), waiting)

    assert verdicts(salvo) == {"smb": "landed", "winrm": "cut off"}


def test_an_order_that_was_sent_outweighs_nothing_there_elsewhere() -> None:
    """After our own order "no such file" over another channel proves nothing."""
    salvo = fire(Scripted("winrm", Verdict.SENT), Scripted("smb", Verdict.NO_MATCH, after=0.2))

    assert verdicts(salvo) == {"winrm": "sent", "smb": "no_match"}
    assert salvo.best is not None
    assert salvo.best.report == RemedyReport(Verdict.SENT)


def test_nothing_there_waits_for_who_is_at_work() -> None:
    """A channel that finds the file gone must not win over the one that is just moving it."""
    salvo = fire(Scripted("smb", Verdict.NO_MATCH, after=0.2), Scripted("winrm", Verdict.LANDED, after=0.4))

    assert salvo.best is not None
    assert salvo.best.channel == "winrm"


def test_a_window_that_closes_ends_everything_and_what_was_sent_is_known() -> None:
    """When the host goes down the connections are taken away, and a strike says what it had sent by then."""
    salvo = fire(
        Scripted("winrm", None),
        Scripted("smb", Verdict.LANDED, after=60),
        then=lambda gates: [gate.shut() for gate in gates.values()] and None,
    )

    assert verdicts(salvo) == {"winrm": "sent", "smb": "cut off"}


def test_a_connection_that_breaks_is_tried_again_and_not_for_ever() -> None:
    """The same door is struck anew as long as it opens, a bounded number of times."""
    shot = Scripted("smb", ConnectionLost)
    salvo = fire(shot)

    assert (len(shot.fired), salvo.best) == (TRIES, None)
    assert set(salvo.failures) == {"smb"}


def test_a_refusal_is_not_tried_again() -> None:
    """An account that was refused is not tried a second time in the window, and the other channel goes on."""
    refused = Scripted("smb", LogonRefused)
    salvo = fire(refused, Scripted("winrm", Verdict.LANDED, after=0.2))

    assert (len(refused.fired), salvo.refused, salvo.best and salvo.best.channel) == (1, "smb", "winrm")


def test_a_held_file_counts_more_than_an_order_that_was_only_sent() -> None:
    """Whatever was sent meets the same holder, so nobody waits for the proof of it."""
    salvo = fire(Scripted("smb", Verdict.IN_USE, after=0.1), Scripted("winrm", Verdict.SENT))

    assert salvo.best is not None
    assert salvo.best.channel == "smb"


def test_of_two_equal_reports_the_one_with_evidence_counts() -> None:
    """A program over WinRM tells its verdict alone; what SMB says names the file."""
    action = ActionReport("quarantine_file", ActionStatus.IN_USE, "x.sys: in use")
    told, bare = (RemedyReport(Verdict.IN_USE, actions) for actions in ((action,), ()))
    salvo = Salvo((Struck("winrm", 0.0, 1.0, bare), Struck("smb", 0.0, 1.0, told)))

    assert salvo.best is not None
    assert salvo.best.channel == "smb"


def test_a_failure_of_one_channel_leaves_the_field_to_the_other() -> None:
    """A file that SMB can't move may still be moved by a program."""
    salvo = fire(Scripted("smb", Verdict.FAILED), Scripted("winrm", Verdict.LANDED, after=0.3))

    assert salvo.best is not None
    assert salvo.best.channel == "winrm"


def test_whoever_ends_a_salvo_is_heard_in_every_moment_of_its_end() -> None:
    """A salvo that is told to end while it tidies up after a landing ends, and does not go on as if nobody had said so."""

    async def told_after(steps: int) -> bool:
        shot = Scripted("smb", Verdict.LANDED)
        async with host("smb", "winrm") as (gates, watch):
            gates["winrm"].shut()
            loop = asyncio.get_running_loop()
            first = await watch.next_open(until=loop.time() + 10)
            assert first is not None
            landing, until = Landing({"smb": shot}), loop.time() + 10
            salvo = asyncio.create_task(fire_all(watch, landing, first, Turns(8), by=until, until=until))
            while not shot.fired:
                await asyncio.sleep(0)
            for _ in range(steps):
                await asyncio.sleep(0)
            is_asked = salvo.cancel()
            await asyncio.wait({salvo})
            return salvo.cancelled() is is_asked

    assert [asyncio.run(told_after(steps)) for steps in range(12)] == [True] * 12


def test_a_door_on_which_nothing_is_to_land_is_let_be() -> None:
    """It is watched for signs of life alone: it opens, nothing is fired at it, and the others are not kept."""

    async def run() -> Salvo:
        async with host("smb", "ssh") as (_, watch):
            loop = asyncio.get_running_loop()
            until, shot = loop.time() + 10, Scripted("smb", Verdict.LANDED, after=0.2)
            first = await watch.next_open(until=until)
            while first is not None and first.channel != "smb":
                first.sock.close()
                first = await watch.next_open(until=until)
            assert first is not None
            return await fire_all(watch, Landing({"smb": shot}), first, Turns(8), by=until, until=until)

    assert verdicts(asyncio.run(asyncio.wait_for(run(), 20))) == {"smb": "landed"}
