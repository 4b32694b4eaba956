"""An exchange of messages with a host, without IO, and the shell that carries one out on an open connection.

An exchange is a generator: it yields the bytes to send (b'' to wait for one more message), is sent the next whole message,
and returns what it came to. Everything that needs no host is done before it is started.
"""

from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import Generic, Protocol, TypeVar

from unloop.channels.base import Deadline
from unloop.errors import ConnectionLost

ResultT = TypeVar("ResultT")
Messages = Generator[bytes, bytes, ResultT]


class Exchange(ABC, Generic[ResultT]):
    """One exchange; used once. ``step`` names what is in flight, for whoever finds the window closed over it."""

    step: str = "connect"

    @abstractmethod
    def messages(self) -> Messages[ResultT]:
        """The exchange itself; raises ChannelError without host and channel. Unsupported means that nothing was changed."""


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


async def converse(link: Link, exchange: Exchange[ResultT], framer: Framer, deadline: Deadline) -> ResultT:
    """Carry an exchange out; raises ChannelError. The caller bounds the time of each wait by the deadline too."""
    messages = exchange.messages()
    try:
        outgoing = next(messages)
        while True:
            deadline.left()
            if outgoing:
                await link.send(outgoing)
            outgoing = messages.send(await _message(link, framer))
    except StopIteration as end:
        result: ResultT = end.value
        return result
    finally:
        messages.close()


async def _message(link: Link, framer: Framer) -> bytes:
    while (message := framer.next()) is None:
        data = await link.receive()
        if not data:
            raise ConnectionLost("the host closed the connection")
        framer.feed(data)
    return message
