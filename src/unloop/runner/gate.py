"""Whose turn it is to log on: accounts are not burned (design section 7, rule 6).

Per account at most one unproven log-on is in flight, from the moment before its proof is sent: a host that keeps silent
before it has seen the proof keeps nobody waiting. Within a process the gate keeps the order; over all workers the
store does, for accounts that more than one host has. A local account belongs to one host, whose lease we hold, so it
is asked for once, before the window, and costs no look at the store in it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from unloop.clock import Clock
from unloop.errors import (
    AccessDenied,
    ChannelError,
    ConnectionLost,
    DeadlineExceeded,
    LogonRefused,
    LogonUndecided,
    NotFound,
    ProtocolError,
)
from unloop.log import get_logger
from unloop.runner.together import LINGER, InStore, Together
from unloop.secrets.secret import Credential
from unloop.store import accounts
from unloop.store.accounts import Budget, Told, Turn
from unloop.store.database import Database

logger = get_logger(__name__)

T = TypeVar("T")
POLL = 0.2
"""Seconds between two looks at an account that somebody else is proving."""
_WHY_NOT = {
    Turn.WAIT: "account {account} waits for a log-on elsewhere to be proven",
    Turn.SPENT: "nobody could judge account {account}; it is tried again later",
}
_REFUSED = "the account was refused before"
_LASTING = frozenset({Turn.GO, Turn.STOPPED})
"""Answers that still hold in the window; whoever has to wait asks again then."""
FORGIVEN = 5.0
"""Seconds after which a stopped account is asked for again: an operator may have allowed it meanwhile."""
_AGAINST = frozenset({"refused", "undecided", "unanswered"})
"""Results that count against an account."""
_LOGGED_ON = (AccessDenied, NotFound)
"""Errors that only somebody who is logged on gets to hear."""


@dataclass(eq=False)
class _Account:
    turn: Turn | None = None
    """GO: proven, or ours to prove. STOPPED: refused before, as of ``asked_at``. None: not asked yet."""
    asked_at: float = 0.0
    is_proven: bool = False
    detail: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


_BROKE_OFF = (ConnectionLost, DeadlineExceeded, ProtocolError)
"""Errors that leave open what the host made of the proof."""


@dataclass(slots=True)
class Proof:
    """One proof of an account, for whoever does the work of logging on with it."""

    turn: "Callable[[Proof], Awaitable[None]]"
    is_answered: bool = False
    """Whether the host has let us in, whatever came of the work then."""
    is_sent: bool = field(default=False, init=False)
    is_alone: bool = field(default=False, init=False)
    """Whether it is the only one that may be under way."""

    async def send(self) -> None:
        """Wait for the turn of the account; raises ChannelError when it does not come, or when the account is stopped."""
        await self.turn(self)


class _NoTurn(LogonUndecided):
    """Our turn did not come."""

    def __init__(self, turn: Turn, credential: Credential) -> None:
        super().__init__(_WHY_NOT[turn].format(account=credential.account))


class Gate:
    """The accounts of one process. Used by one event loop."""

    def __init__(
        self,
        database: Database,
        in_store: InStore,
        clock: Clock,
        *,
        owner: str,
    ) -> None:
        self._database, self._clock, self._owner = database, clock, owner
        self._accounts: dict[str, _Account] = {}
        self._asked: Together[tuple[str, float], Turn] = Together(self._ask_all, in_store)
        self._looked: Together[str, Turn] = Together(self._look_all, in_store, linger=LINGER)
        self._told: Together[Told, None] = Together(self._tell_all, in_store)
        self._told_later: Together[Told, None] = Together(self._tell_all, in_store, linger=LINGER)

    async def prepare(self, credentials: Iterable[Credential], *, seconds: float) -> None:
        """Ask for local accounts before they are needed; the turn is ours for so long at least."""
        for credential in credentials:
            account = self._account(credential)
            if credential.is_local and account.turn is None:
                turn = await self._ask(credential, ttl=seconds)
                if turn in _LASTING:
                    self._note(account, turn)

    async def hindrance(self, credentials: Sequence[Credential]) -> str:
        """Why none of these accounts may be tried for now, '' when one may, or when trying again would not help."""
        names = [credential.account for credential in credentials]
        turns = await asyncio.gather(*map(self._looked.put, names))
        spent = [name for name, turn in zip(names, turns, strict=True) if turn is Turn.SPENT]
        if not spent or not set(turns) <= {Turn.SPENT, Turn.STOPPED}:
            return ""
        return _WHY_NOT[Turn.SPENT].format(account=spent[0])

    async def log_on(
        self, credentials: Iterable[Credential], work: Callable[[Credential], Awaitable[T]], *, seconds: float
    ) -> T:
        """Do work that logs on at once; as ``attempt``."""

        async def at_once(credential: Credential, proof: Proof) -> T:
            await proof.send()
            return await work(credential)

        return await self.attempt(credentials, at_once, seconds=seconds)

    async def attempt(
        self, credentials: Iterable[Credential], work: Callable[[Credential, Proof], Awaitable[T]], *, seconds: float
    ) -> T:
        """Do work that logs on, with the first credential whose turn comes within the time; raises ChannelError.

        The work waits for its turn when it comes to the proof. LogonRefused means that every credential was refused,
        now or before; LogonUndecided that none got its turn.
        """
        last: ChannelError = LogonRefused(_REFUSED)
        for credential in credentials:
            account = self._account(credential)
            if account.turn is Turn.STOPPED:
                continue
            try:
                return await self._with(credential, account, work, seconds=seconds)
            except (LogonRefused, _NoTurn) as error:
                last = error
        raise LogonUndecided(last.message) if isinstance(last, _NoTurn) else last

    async def _with(
        self,
        credential: Credential,
        account: _Account,
        work: Callable[[Credential, Proof], Awaitable[T]],
        *,
        seconds: float,
    ) -> T:
        proof = Proof(partial(self._prove, credential, account, seconds=seconds))
        try:
            result = await work(credential, proof)
        except BaseException as error:
            await self._tell(credential, account, proof, *_meaning(error, proof, credential))
            raise
        await self._tell(credential, account, proof, "proven", "")
        return result

    async def _prove(self, credential: Credential, account: _Account, proof: Proof, *, seconds: float) -> None:
        """Let a proof be sent: at once where the account is proven, alone while it is not."""
        if not account.is_proven and not proof.is_alone:
            await self._alone(credential, account, proof, seconds=seconds)
        proof.is_sent = True

    async def _alone(self, credential: Credential, account: _Account, proof: Proof, *, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await account.lock.acquire()
        except TimeoutError:
            raise _NoTurn(Turn.WAIT, credential) from None
        if account.is_proven:
            account.lock.release()
            return
        proof.is_alone = True
        turn = await self._turn(credential, account, seconds=seconds)
        if turn is Turn.STOPPED:
            raise LogonRefused(_REFUSED)
        if turn is not Turn.GO:
            raise _NoTurn(turn, credential)

    async def _turn(self, credential: Credential, account: _Account, *, seconds: float) -> Turn:
        if account.turn is not None and (credential.is_local or account.turn is Turn.STOPPED):
            return account.turn
        end = self._clock.monotonic() + seconds
        while True:
            turn = await self._ask(credential, ttl=seconds + 5.0)
            if turn is not Turn.WAIT or self._clock.monotonic() >= end:
                break
            await self._clock.sleep(POLL)
        if turn is Turn.STOPPED or (turn is Turn.GO and credential.is_local):
            self._note(account, turn)
        return turn

    async def _tell(self, credential: Credential, account: _Account, proof: Proof, result: str, detail: str) -> None:
        """Note what the host's answer means for the account, let the next one on, and tell the store.

        Nobody waits for the store to hear of a success; of anything that counts against the account it hears first.
        """
        is_news = proof.is_sent and (not account.is_proven or result == "refused")
        if is_news:
            account.is_proven = result == "proven"
            if result == "refused":
                self._note(account, Turn.STOPPED)
                account.detail = detail
            elif result in _AGAINST:
                account.turn = None
        told = Told(credential.account, result, detail)
        try:
            if is_news and result in _AGAINST:
                await self._told.put(told)
        finally:
            if proof.is_alone:
                account.lock.release()
        if is_news and result not in _AGAINST:
            self._told_later.post(told).add_done_callback(_heed)

    async def flush(self) -> None:
        """Wait until the store knows everything that was to be told."""
        await self._told_later.flush()

    async def _ask(self, credential: Credential, *, ttl: float) -> Turn:
        return await self._asked.put((credential.account, ttl))

    def _ask_all(self, asked: Sequence[tuple[str, float]]) -> Sequence[Turn]:
        names, ttl = [name for name, _ in asked], max(seconds for _, seconds in asked)
        now, budget = self._clock.now().timestamp(), Budget()
        return accounts.ask_all(self._database, names, owner=self._owner, budget=budget, now=now, ttl=ttl)

    def _look_all(self, names: Sequence[str]) -> Sequence[Turn]:
        now = self._clock.now().timestamp()
        return accounts.look(self._database, names, owner=self._owner, budget=Budget(), now=now)

    def _tell_all(self, told: Sequence[Told]) -> Sequence[None]:
        accounts.tell_all(self._database, told, now=self._clock.now().timestamp())
        return [None] * len(told)

    def _account(self, credential: Credential) -> _Account:
        account = self._accounts.setdefault(credential.account, _Account())
        if account.turn is Turn.STOPPED and self._clock.monotonic() - account.asked_at > FORGIVEN:
            account.turn = None
        return account

    def _note(self, account: _Account, turn: Turn) -> None:
        account.turn, account.asked_at = turn, self._clock.monotonic()


def _heed(told: "asyncio.Future[None]") -> None:
    """What could not be told is known to be unproven: it is proven again."""
    error = None if told.cancelled() else told.exception()
    if error is not None:
        logger.warning("the store was not told of a log-on", extra={"reason": str(error)})


def _meaning(error: BaseException, proof: Proof, credential: Credential) -> tuple[str, str]:
    """What an error tells of the account, and why.

    A proof that nobody answered may have been judged wrong all the same. That counts against accounts that more than one
    host has: a local one is at stake on its own host only, which may well crash in the middle of every log-on.
    """
    if isinstance(error, LogonRefused):
        return "refused", str(error)
    if isinstance(error, LogonUndecided):
        return "undecided", str(error)
    if proof.is_answered or isinstance(error, _LOGGED_ON):
        return "proven", ""
    broke_off = not isinstance(error, ChannelError) or isinstance(error, _BROKE_OFF)
    return ("unanswered", str(error)) if broke_off and not credential.is_local else ("unused", "")
