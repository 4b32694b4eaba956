"""An exchange of messages with a host, without IO, and the shell that carries one out on an open connection.

An exchange is a generator: it yields the bytes to send (b'' to wait for one more message), is sent the next whole message,
and returns what it came to. Instead of bytes it may yield a Pause, or PROOF before what proves the account. Everything that
needs no host is done before it is started.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, Protocol, TypeVar

from unloop.channels.base import Deadline
from unloop.errors import ChannelError, ConnectionLost, DeadlineExceeded, LogonUndecided

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is sent and nothing is waited for, for so many seconds; it is answered with b''."""

    seconds: float


class Proof(Enum):
    """What is sent next proves the account, and may count as a failed log-on; it is answered with b''."""

    PROOF = auto()


PROOF = Proof.PROOF
NO_TURN = "another log-on of this account was not proven within the time allowed"
Outgoing = bytes | Pause | Proof
Messages = Generator[Outgoing, bytes, ResultT]
BeforeProof = Callable[[], Awaitable[None]]
"""Awaited before an account is proven to a host: it may wait for its turn, and raises ChannelError to forbid it."""


async def at_once() -> None:
    """Nobody is asked before an account is proven."""


@dataclass(slots=True)
class InFlight:
    """What is in flight now. The parts of an exchange say it here, and need not know the exchange: a circle would keep all
    of it in memory until the collector comes by.
    """

    step: str = "connect"

    def __call__(self, step: str) -> None:
        """Say so."""
        self.step = step


class Exchange(ABC, Generic[ResultT]):
    """One exchange; used once."""

    def __init__(self) -> None:
        self.in_flight = InFlight()

    @property
    def step(self) -> str:
        """What is in flight, for whoever finds the window closed over it."""
        return self.in_flight.step

    @abstractmethod
    def messages(self) -> Messages[ResultT]:
        """The exchange itself; raises ChannelError without host and channel. Unsupported means that nothing was changed.

        A connection that breaks, and a deadline that passes, are raised where it waits: it may catch that and return what
        it knows by then, but it can ask nothing more.
        """


class Framer(Protocol):
    """Cuts what arrives into messages."""

    def feed(self, data: bytes) -> None:
        """Take bytes as they come."""
        ...

    def next(self) -> bytes | None:
        """The next whole message, or None while it is not whole; raises ProtocolError for what can't become one."""
        ...


class Link(Protocol):
    """An open connection."""

    async def send(self, data: bytes) -> None:
        """Send everything; raises ConnectionLost."""
        ...

    async def receive(self) -> bytes:
        """What has arrived, at least one byte; b'' when the host has closed. Raises ConnectionLost."""
        ...


async def converse(
    link: Link,
    exchange: Exchange[ResultT],
    framer: Framer,
    deadline: Deadline,
    before_proof: BeforeProof = at_once,
) -> ResultT:
    """Carry an exchange out, every wait bounded by the deadline; raises ChannelError."""
    messages = exchange.messages()
    try:
        outgoing = next(messages)
        while True:
            try:
                if outgoing is PROOF:
                    await allowed(before_proof, deadline)
                    answer = b""
                else:
                    answer = await _in_time(link, framer, outgoing, deadline)
            except ChannelError as error:
                messages.throw(error)
                raise
            outgoing = messages.send(answer)
    except StopIteration as end:
        result: ResultT = end.value
        return result
    finally:
        messages.close()


async def allowed(before_proof: BeforeProof, deadline: Deadline) -> None:
    """Wait until the account may be proven; raises LogonUndecided when that does not come to be in time."""
    try:
        async with asyncio.timeout(deadline.left()):
            await before_proof()
    except TimeoutError as error:
        raise LogonUndecided(NO_TURN) from error


async def _in_time(link: Link, framer: Framer, outgoing: bytes | Pause, deadline: Deadline) -> bytes:
    try:
        async with asyncio.timeout(deadline.left()):
            if isinstance(outgoing, Pause):
                await asyncio.sleep(outgoing.seconds)
                return b""
            if outgoing:
                await link.send(outgoing)
            return await _message(link, framer)
    except TimeoutError as error:
        raise DeadlineExceeded("no answer came within the time allowed") from error


async def _message(link: Link, framer: Framer) -> bytes:
    while (message := framer.next()) is None:
        data = await link.receive()
        if not data:
            raise ConnectionLost("the host closed the connection")
        framer.feed(data)
    return message
