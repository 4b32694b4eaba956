"""Carrying an exchange out on a bare socket: what can't be sent at once goes in order, whatever is answered meanwhile."""

import asyncio
import socket
import threading

import pytest

from unloop.channels.base import Deadline
from unloop.channels.strike.drive import drive
from unloop.channels.strike.exchange import Exchange, Messages
from unloop.errors import ConnectionLost

LONG = bytes(range(256)) * 16_384


class Bytewise:
    """Every byte is a message."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> None:
        """Take bytes."""
        self._buffer += data

    def next(self) -> bytes | None:
        """One byte."""
        first, self._buffer = self._buffer[:1], self._buffer[1:]
        return first or None


class Hasty(Exchange[bytes]):
    """Sends a long message, and two more for the answers to it."""

    def messages(self) -> Messages[bytes]:
        """The messages."""
        first = yield LONG
        second = yield b"two"
        return first + second + (yield b"three")


def carried_out(ours: socket.socket) -> bytes:
    """What the exchange comes to; closes the socket."""
    ours.setblocking(False)
    with ours:
        return asyncio.run(drive(ours, Hasty(), Bytewise(), Deadline.after(20)))


def test_a_host_that_answers_before_it_has_read_gets_every_byte_in_order() -> None:
    """Two answers arrive while most of the first message is still to be sent."""
    ours, theirs = socket.socketpair()
    wanted, received = LONG + b"twothree", bytearray()

    def host() -> None:
        theirs.sendall(b"ab")
        while len(received) < len(wanted) and (data := theirs.recv(65536)):
            received.extend(data)
        theirs.sendall(b"c")

    thread = threading.Thread(target=host)
    with theirs:
        thread.start()
        try:
            assert carried_out(ours) == b"abc"
        finally:
            ours.close()
            thread.join(timeout=20)
    assert bytes(received) == wanted


def test_a_connection_that_breaks_under_what_is_left_to_send_is_lost() -> None:
    """A host that resets the connection in the middle of a message ends the exchange with that."""
    ours, theirs = socket.socketpair()

    def host() -> None:
        theirs.recv(10)
        theirs.close()

    thread = threading.Thread(target=host)
    thread.start()
    try:
        with pytest.raises(ConnectionLost):
            carried_out(ours)
    finally:
        thread.join(timeout=20)
