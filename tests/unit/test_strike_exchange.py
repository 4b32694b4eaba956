"""Carrying out an exchange on an open connection: messages, pauses, a connection that breaks, a deadline that passes."""

import asyncio
from collections import deque
from collections.abc import Callable

import pytest

from unloop.channels.base import Deadline
from unloop.channels.strike.exchange import PROOF, Exchange, Messages, Pause, converse
from unloop.errors import ConnectionLost, DeadlineExceeded, LogonRefused, ProtocolError


class Line:
    """A connection that answers from a list; afterwards the host has closed, or says nothing for ever."""

    def __init__(self, *arriving: bytes, is_silent: bool = False) -> None:
        self.sent: list[bytes] = []
        self._arriving, self._is_silent = deque(arriving), is_silent

    async def send(self, data: bytes) -> None:
        """Note what is sent."""
        self.sent.append(data)

    async def receive(self) -> bytes:
        """The next piece."""
        if not self._arriving and self._is_silent:
            await asyncio.Event().wait()
        return self._arriving.popleft() if self._arriving else b""


class Letters:
    """Every byte is a message; a question mark can't become one."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> None:
        """Take bytes."""
        self._buffer += data

    def next(self) -> bytes | None:
        """One byte."""
        first, self._buffer = self._buffer[:1], self._buffer[1:]
        if first == b"?":
            raise ProtocolError("no message")
        return first or None


class Scripted(Exchange[str]):
    """An exchange whose messages a function gives."""

    def __init__(self, script: Callable[[], Messages[str]]) -> None:
        self._script = script

    def messages(self) -> Messages[str]:
        """The script."""
        return self._script()


def carried_out(line: Line, script: Callable[[], Messages[str]], *, seconds: float = 20.0) -> str:
    """What an exchange came to."""
    return asyncio.run(converse(line, Scripted(script), Letters(), Deadline.after(seconds)))


def test_messages_go_back_and_forth_and_b_empty_waits_for_one_more() -> None:
    """What is yielded is sent, what arrives is sent in, however it is cut; b'' sends nothing; the end is the result."""

    def script() -> Messages[str]:
        first = yield b"one"
        second = yield b""
        third = yield b"two"
        return (first + second + third).decode()

    line = Line(b"ab", b"c")
    assert carried_out(line, script) == "abc"
    assert line.sent == [b"one", b"two"]


def test_a_pause_sends_and_takes_nothing() -> None:
    """After a pause the exchange goes on with b'', and what had arrived is still there."""

    def script() -> Messages[str]:
        nothing = yield Pause(0.0)
        return (nothing + (yield b"one")).decode()

    line = Line(b"a")
    assert carried_out(line, script) == "a"
    assert line.sent == [b"one"]


@pytest.mark.parametrize("arriving", [b"", b"?"])
def test_what_breaks_the_connection_is_raised_where_the_exchange_waits(arriving: bytes) -> None:
    """An exchange may return what it knows when its connection ends, or what arrives makes no sense."""

    def script() -> Messages[str]:
        try:
            yield b"one"
        except (ConnectionLost, ProtocolError) as error:
            return type(error).__name__
        return "answered"

    assert carried_out(Line(arriving), script) == ("ProtocolError" if arriving else "ConnectionLost")


def test_what_an_exchange_does_not_catch_comes_out() -> None:
    """An exchange that says nothing of a broken connection raises the error."""

    def script() -> Messages[str]:
        yield b"one"
        return ""

    with pytest.raises(ConnectionLost):
        carried_out(Line(), script)


def test_a_broken_connection_is_asked_nothing_more() -> None:
    """An exchange that wants to go on after its connection broke ends with that error, and nothing more is sent."""

    def script() -> Messages[str]:
        while True:
            try:
                yield b"again"
            except ConnectionLost:
                continue

    line = Line()
    with pytest.raises(ConnectionLost):
        carried_out(line, script)
    assert line.sent == [b"again"]


@pytest.mark.parametrize("waiting", [b"one", Pause(60.0)])
def test_the_deadline_is_raised_where_the_exchange_waits(waiting: bytes | Pause) -> None:
    """A silent host, and a pause, end with the deadline; the exchange may still say what it knows."""

    def script() -> Messages[str]:
        try:
            yield waiting
        except DeadlineExceeded:
            return "too late"
        return "in time"

    assert carried_out(Line(is_silent=True), script, seconds=0.01) == "too late"


def test_whoever_keeps_the_order_is_asked_right_before_the_proof() -> None:
    """What comes before the proof is sent without asking; the proof is sent after the answer."""
    line = Line(b"a", b"b")
    seen: list[list[bytes]] = []

    def script() -> Messages[str]:
        yield b"hello"
        yield PROOF
        yield b"proof"
        return "in"

    async def turn() -> None:
        seen.append(list(line.sent))

    ended = asyncio.run(converse(line, Scripted(script), Letters(), Deadline.after(5), turn))

    assert (ended, seen, line.sent) == ("in", [[b"hello"]], [b"hello", b"proof"])


def test_a_proof_that_is_forbidden_is_never_sent() -> None:
    """The exchange ends with the error of whoever forbade it."""
    line = Line(b"a")

    def script() -> Messages[str]:
        yield PROOF
        yield b"proof"
        return "in"

    async def turn() -> None:
        raise LogonRefused("the account was refused before")

    with pytest.raises(LogonRefused):
        asyncio.run(converse(line, Scripted(script), Letters(), Deadline.after(5), turn))
    assert line.sent == []
