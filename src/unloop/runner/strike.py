"""Firing strikes at the channels of a host that is up right now."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from unloop.channels.base import Deadline, Target
from unloop.channels.mapping import unusable
from unloop.channels.strike.base import Landed, Strike
from unloop.channels.strike.boot import SECONDS as BOOT_SECONDS
from unloop.channels.strike.exchange import BeforeProof
from unloop.channels.strike.registry import library_strike_for, strike_for
from unloop.errors import (
    AccessDenied,
    ChannelError,
    DeadlineExceeded,
    InputError,
    LogonRefused,
    LogonUndecided,
    ProtocolError,
    Unsupported,
    UntrustedPeer,
)
from unloop.model.host import Endpoint, Host
from unloop.model.order import Order
from unloop.model.power import BootIdentity
from unloop.model.report import RemedyReport, Verdict
from unloop.runner.gate import Proof
from unloop.runner.logon import credentials_of, some, with_any
from unloop.runner.tools import Tools
from unloop.secrets.secret import Credential

_BEST = (
    Verdict.LANDED,
    Verdict.IN_USE,
    Verdict.SENT,
    Verdict.SUSPICIOUS,
    Verdict.NOT_APPLICABLE,
    Verdict.ALREADY_GOOD,
    Verdict.NO_MATCH,
    Verdict.FAILED,
)
"""Which report of several counts. After an order of ours was sent, "nothing there" elsewhere proves nothing; that the
very file is held open does: whatever was sent meets the same."""


@dataclass(frozen=True, slots=True)
class Struck:
    """What one strike came to: the host's report, or the error; None for both when it was cut off. Times of the loop."""

    channel: str
    began: float
    ended: float
    report: RemedyReport | None = None
    boot: BootIdentity | None = None
    error: ChannelError | None = None
    step: str = ""

    @property
    def came_to(self) -> str:
        """One word or line on it."""
        if self.report is not None:
            return str(self.report.verdict)
        return "cut off" if self.error is None else f"{type(self.error).__name__}: {self.error.message}"


@dataclass(frozen=True, slots=True)
class Salvo:
    """Every strike of one window."""

    strikes: tuple[Struck, ...] = ()

    @property
    def best(self) -> Struck | None:
        """The strike whose report counts, or None when no host reported."""
        reported = [struck for struck in self.strikes if struck.report is not None]
        return min(reported, key=_rank, default=None)

    @property
    def failures(self) -> Mapping[str, ChannelError]:
        """The last error of each channel that gave no report."""
        reported = {struck.channel for struck in self.strikes if struck.report is not None}
        errors = {struck.channel: struck.error for struck in self.strikes if struck.error is not None}
        return {channel: error for channel, error in errors.items() if channel not in reported}

    def failed_with(self, *kinds: type[ChannelError]) -> str:
        """The channels whose failure is of these kinds, separated by spaces."""
        return " ".join(channel for channel, error in self.failures.items() if isinstance(error, kinds))

    @property
    def slow(self) -> str:
        """Channels that cost time and gave nothing: they are tried last in the next window."""
        return self.failed_with(DeadlineExceeded, ProtocolError, LogonUndecided)

    @property
    def refused(self) -> str:
        """Channels that will not let us in, however often we ask."""
        return self.failed_with(*FINAL)

    @property
    def summary(self) -> str:
        """One line on every failure."""
        return "; ".join(str(error) for error in self.failures.values())


def _rank(struck: Struck) -> tuple[int, bool]:
    """The better report comes first; of two that come to the same, the one that tells what became of each file."""
    if struck.report is None:
        return len(_BEST), True
    return _BEST.index(struck.report.verdict), not struck.report.actions


MARGIN = 0.25
"""Seconds by which an exchange ends before the time of its strike is up, so that what it knows by then gets home."""
FINAL = (LogonRefused, AccessDenied, UntrustedPeer, Unsupported)
"""Errors that another try does not mend."""


def striking_endpoints(host: Host, order: Order) -> tuple[Endpoint, ...]:
    """The endpoints whose channel can strike and can carry this order, in the inventory's order."""
    found = []
    for endpoint in host.endpoints:
        strike = strike_for(endpoint.channel)
        if strike is not None and (strike.can_carry(order) or _library_for(endpoint.channel, order) is not None):
            found.append(endpoint)
    return tuple(found)


def _library_for(channel: str, order: Order) -> type[Strike] | None:
    """The strike by libraries, where the channel has one that can carry an order."""
    library = library_strike_for(channel)
    return library if library is not None and library.can_carry(order) else None


def target_of(host: Host, endpoint: Endpoint, credential: Credential | None) -> Target:
    """The channel's view of one endpoint."""
    return Target(host.name, endpoint.address, endpoint.port, credential, endpoint.options)


async def in_time(fire: Callable[[Deadline], Awaitable[Landed]], *, seconds: float) -> Landed:
    """Fire within so many seconds: the exchange ends before we do, and tells what it knows by then.

    The question for the boot has a time of its own after a landing. Raises DeadlineExceeded.
    """
    deadline = Deadline.after(max(seconds - MARGIN, seconds / 2))
    try:
        async with asyncio.timeout(seconds + BOOT_SECONDS):
            return await fire(deadline)
    except TimeoutError:
        raise DeadlineExceeded("no answer came within the time allowed") from None


@dataclass(slots=True)
class Shot:
    """A strike on one endpoint, with everything ready that can be before the port opens."""

    tools: Tools
    host: Host
    order: Order
    endpoint: Endpoint
    _credentials: tuple[Credential, ...] = field(init=False)
    _strikes: dict[str, Strike] = field(default_factory=dict, init=False)
    _step: str = field(default="", init=False)
    is_committed: bool = field(default=False, init=False)
    """Whether the host may have heard the account's proof."""

    def __post_init__(self) -> None:
        self._credentials = credentials_of(self.tools, self.host, self.endpoint)

    async def prepare(self) -> None:
        """Get ready for the window: whose turn it is, what is sent first, and what the log-on needs of others."""
        seconds = self.tools.options.watch + self.tools.options.strike
        await self.tools.gate.prepare(self._credentials, seconds=seconds)
        with suppress(ChannelError):  # it is raised again when the window is open and somebody listens
            if self._credentials and self._strike(self._credentials[0]).has_ticket_to_get:
                await with_any(self.tools, self._credentials, self._get_ticket)

    async def fire(self, sock: socket.socket | None) -> Struck:
        """Strike over a connection that is open, or over one of its own; closes the socket in any case."""
        loop, began = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        given = [sock]

        async def work(credential: Credential, proof: Proof) -> Landed:
            async def commit() -> None:
                await proof.send()
                self.is_committed = True

            try:
                return await self._land(credential, given.pop() if given else None, commit)
            finally:
                proof.is_answered = self._strike(credential).has_logged_on

        try:
            credentials, seconds = some(self._credentials), self.tools.options.strike
            report, boot = await self.tools.gate.attempt(credentials, work, seconds=seconds)
        except ChannelError as error:
            channel = self.endpoint.channel
            found = error if error.host else type(error)(error.message, host=self.host.name, channel=channel)
            return Struck(channel, began, loop.time(), error=found, step=self._step)
        finally:
            if given and given[0] is not None:
                given[0].close()
        return Struck(self.endpoint.channel, began, loop.time(), report, boot, step=self._step)

    def cut_off(self, began: float) -> Struck:
        """What is left of a strike that was cancelled."""
        return Struck(self.endpoint.channel, began, asyncio.get_running_loop().time(), step=self._step)

    async def _get_ticket(self, credential: Credential) -> None:
        await self._strike(credential).prepare(Deadline.after(self.tools.options.strike))

    async def _land(self, credential: Credential, sock: socket.socket | None, prove: BeforeProof) -> Landed:
        strike = self._strike(credential)
        strike.step = ""
        return await in_time(
            lambda deadline: self._fire(strike, sock, deadline, prove), seconds=self.tools.options.strike
        )

    async def _fire(self, strike: Strike, sock: socket.socket | None, deadline: Deadline, prove: BeforeProof) -> Landed:
        """Fire our own strike; what it can't do safely the library's does, over a connection of its own."""
        library = None if strike.can_carry(self.order) else _library_for(strike.channel, self.order)
        if library is not None:
            return await library(strike.target, self.order).fire(sock, deadline, prove)
        try:
            return await strike.fire(sock, deadline, prove)
        except Unsupported:
            library = _library_for(strike.channel, self.order)
            if library is None:
                raise
            return await library(strike.target, self.order).fire(None, deadline, prove)
        finally:
            self._step = strike.step

    def _strike(self, credential: Credential) -> Strike:
        if credential.name not in self._strikes:
            made = strike_for(self.endpoint.channel)
            if made is None:
                raise ProtocolError("this channel can't strike", host=self.host.name, channel=self.endpoint.channel)
            try:
                self._strikes[credential.name] = made(target_of(self.host, self.endpoint, credential), self.order)
            except InputError as error:
                raise unusable(error) from error
        return self._strikes[credential.name]
