"""Whose turn it is to log on: accounts are not burned (design section 7, rule 6).

Per account at most one unproven log-on is in flight. Within a process the gate keeps the order; over all workers the
store does, for accounts that more than one host has. A local account belongs to one host, whose lease we hold, so it
is asked for once, before the window, and costs no look at the store in it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from unloop.clock import Clock
from unloop.errors import AccessDenied, ChannelError, LogonRefused, LogonUndecided, NotFound
from unloop.secrets.secret import Credential
from unloop.store import accounts
from unloop.store.accounts import Budget, Turn
from unloop.store.database import Database

T = TypeVar("T")
POLL = 0.2
"""Seconds between two looks at an account that somebody else is proving."""
_WHY_NOT = {
    Turn.WAIT: "account {account} waits for a log-on elsewhere to be proven",
    Turn.SPENT: "nobody could judge account {account}; it is tried again later",
}
_LOGGED_ON = (AccessDenied, NotFound)
"""Errors that only somebody who is logged on gets to hear."""


@dataclass(eq=False)
class _Account:
    turn: Turn | None = None
    """GO: proven, or ours to prove. STOPPED: refused before. None: not asked yet."""
    is_proven: bool = False
    detail: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class _Proven(Exception):
    """The account was proven while we waited for our turn."""


class _NoTurn(LogonUndecided):
    """Our turn did not come."""

    def __init__(self, turn: Turn, credential: Credential) -> None:
        super().__init__(_WHY_NOT[turn].format(account=credential.account))


class Gate:
    """The accounts of one process. Used by one event loop."""

    def __init__(
        self,
        database: Database,
        in_store: Callable[[Callable[[], object]], Awaitable[object]],
        clock: Clock,
        *,
        owner: str,
    ) -> None:
        self._database, self._in_store, self._clock, self._owner = database, in_store, clock, owner
        self._accounts: dict[str, _Account] = {}

    async def prepare(self, credentials: Iterable[Credential], *, seconds: float) -> None:
        """Ask for local accounts before they are needed; the turn is ours for so long at least."""
        for credential in credentials:
            account = self._account(credential)
            if credential.is_local and account.turn is None:
                account.turn = await self._ask(credential, ttl=seconds)

    async def log_on(
        self, credentials: Iterable[Credential], work: Callable[[Credential], Awaitable[T]], *, seconds: float
    ) -> T:
        """Do work that logs on, with the first credential whose turn it is within the time; raises ChannelError.

        LogonRefused means that every credential was refused, now or before; LogonUndecided that none got its turn.
        """
        last: ChannelError = LogonRefused("the account was refused before")
        for credential in credentials:
            try:
                return await self._with(credential, work, seconds=seconds)
            except (LogonRefused, _NoTurn) as error:
                last = error
        raise LogonUndecided(last.message) if isinstance(last, _NoTurn) else last

    async def _with(self, credential: Credential, work: Callable[[Credential], Awaitable[T]], *, seconds: float) -> T:
        account = self._account(credential)
        if not account.is_proven:
            try:
                return await self._prove(credential, account, work, seconds=seconds)
            except _Proven:
                pass
        return await self._work(credential, account, work)

    async def _prove(
        self,
        credential: Credential,
        account: _Account,
        work: Callable[[Credential], Awaitable[T]],
        *,
        seconds: float,
    ) -> T:
        """Do the work alone, while the account is not proven; raises _Proven when somebody else was faster."""
        try:
            async with asyncio.timeout(seconds):
                await account.lock.acquire()
        except TimeoutError:
            raise _NoTurn(Turn.WAIT, credential) from None
        try:
            if account.is_proven:
                raise _Proven
            turn = await self._turn(credential, account, seconds=seconds)
            if turn is Turn.STOPPED:
                raise LogonRefused("the account was refused before")
            if turn is not Turn.GO:
                raise _NoTurn(turn, credential)
            return await self._work(credential, account, work)
        finally:
            account.lock.release()

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
            account.turn = turn
        return turn

    async def _work(self, credential: Credential, account: _Account, work: Callable[[Credential], Awaitable[T]]) -> T:
        try:
            result = await work(credential)
        except ChannelError as error:
            await self._tell(credential, account, *_meaning(error))
            raise
        except BaseException:
            await self._tell(credential, account, "unused", "")
            raise
        await self._tell(credential, account, "proven", "")
        return result

    async def _tell(self, credential: Credential, account: _Account, result: str, detail: str) -> None:
        if account.is_proven and result != "refused":
            return
        account.is_proven = result == "proven"
        if result == "refused":
            account.turn, account.detail = Turn.STOPPED, detail
        elif result == "undecided":
            account.turn = None
        answer = partial(
            accounts.tell,
            self._database,
            credential.account,
            result=result,
            detail=detail,
            now=self._clock.now().timestamp(),
        )
        await asyncio.shield(asyncio.ensure_future(self._in_store(answer)))

    async def _ask(self, credential: Credential, *, ttl: float) -> Turn:
        question = partial(
            accounts.ask,
            self._database,
            credential.account,
            owner=self._owner,
            budget=Budget(),
            now=self._clock.now().timestamp(),
            ttl=ttl,
        )
        return Turn(str(await self._in_store(question)))

    def _account(self, credential: Credential) -> _Account:
        return self._accounts.setdefault(credential.account, _Account())


def _meaning(error: ChannelError) -> tuple[str, str]:
    """What an error tells of the account, and why."""
    if isinstance(error, LogonRefused):
        return "refused", str(error)
    if isinstance(error, LogonUndecided):
        return "undecided", str(error)
    return ("proven", "") if isinstance(error, _LOGGED_ON) else ("unused", "")
