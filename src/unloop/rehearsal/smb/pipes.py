"""Named pipes of the share IPC$: messages to a server behind them, and its answers ([MS-SMB2] 3.3.5.9, 3.3.5.15.5)."""

import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from unloop.rehearsal.rpc.pdu import Broken
from unloop.rehearsal.smb.status import Refused, Status

TRANSCEIVE, WAIT = 0x0011C017, 0x00110018
"""FSCTL_PIPE_TRANSCEIVE and FSCTL_PIPE_WAIT ([MS-FSCC] 2.3)."""
_LARGEST_BACKLOG = 1024 * 1024


class PipeServer(Protocol):
    """Who serves a pipe: bytes in, messages out. It raises Broken when the peer is not to be understood."""

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that answer what has come in."""

    def lost(self) -> None:
        """The pipe is closed."""


MakeServer = Callable[[], PipeServer]


@dataclass(slots=True)
class Pipe:
    """An open pipe, and the messages that wait in it. One that was broken answers nothing any more."""

    server: PipeServer
    messages: deque[bytes] = field(default_factory=deque)
    is_broken: bool = False

    def write(self, data: bytes) -> None:
        """A message of the client's; raises Refused."""
        self._demand_whole()
        if sum(map(len, self.messages)) > _LARGEST_BACKLOG:
            raise Refused(Status.INSUFFICIENT_RESOURCES)
        try:
            self.messages += self.server.feed(data)
        except Broken as error:
            self.is_broken = True
            self.messages.clear()
            raise Refused(Status.PIPE_DISCONNECTED) from error

    def read(self, room: int) -> tuple[bytes, bool]:
        """A message, or as much of it as there is room for, and whether more of it waits; raises Refused."""
        self._demand_whole()
        if not self.messages:
            # Nothing is on its way: the server has answered all that it was sent, so nobody could wait for more.
            raise Refused(Status.PIPE_EMPTY)
        message = self.messages.popleft()
        if len(message) > room:
            self.messages.appendleft(message[room:])
            return message[:room], True
        return message, False

    def transceive(self, data: bytes, room: int) -> tuple[bytes, bool]:
        """Write a message and read one ([MS-FSCC] 2.3.45); raises Refused."""
        self._demand_whole()
        if self.messages:
            raise Refused(Status.PIPE_BUSY)
        self.write(data)
        return self.read(room)

    def close(self) -> None:
        """The client lets go of it."""
        self.is_broken = True
        self.server.lost()

    def _demand_whole(self) -> None:
        if self.is_broken:
            raise Refused(Status.PIPE_DISCONNECTED)


def control_answer(code: int, file_id: bytes, data: bytes) -> bytes:
    """The body of an IOCTL's answer ([MS-SMB2] 2.2.32)."""
    return struct.pack("<HHI16sIIIIII", 49, 0, code, file_id, 112, 0, 112, len(data), 0, 0) + data
