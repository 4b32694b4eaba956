"""The requests of a remedy, as bodies without headers ([MS-SMB2] 2.2.9 to 2.2.39, [MS-FSCC] 2.4)."""

import struct
from typing import NamedTuple

from unloop.channels.strike.smb2.wire import HEADER_SIZE, Command, encoded

BLOCK = 65536
"""Bytes per request: what one credit pays for ([MS-SMB2] 3.1.5.2)."""
CURRENT = b"\xff" * 16
"""The file of the request before, within a compound; no file at all, for a control code."""

READ_DATA, WRITE_DATA, APPEND_DATA, READ_ATTRIBUTES, RIGHT_TO_DELETE = 0x1, 0x2, 0x4, 0x80, 0x10000
READING = READ_DATA | READ_ATTRIBUTES
"""To read a file, and to list a directory."""
MOVING = RIGHT_TO_DELETE | READ_ATTRIBUTES
MOVING_FLUSHED = MOVING | WRITE_DATA | APPEND_DATA
"""Only who may write may flush ([MS-SMB2] 3.3.5.11)."""
OPEN, CREATE, OPEN_IF = 1, 2, 3
DIRECTORY, FILE = 0x1, 0x40
FILE_THROUGH = FILE | 0x2
DELETE_ON_CLOSE = 0x1000
VALIDATE = 0x00140204
"""FSCTL_VALIDATE_NEGOTIATE_INFO."""

_SHARE_ALL = 7
_NORMAL = 0x80
_IMPERSONATION = 2
_DIRECTORY_INFORMATION, _RENAME_INFORMATION = 1, 10
_SHORTEST_RENAME = 24
"""Windows wants as many bytes as the structure with its padding has, however short the name."""
_CREATE = struct.Struct("<HBBIQQIIIIIHHII")
_QUERY = struct.Struct("<HBBI16sHHI")
_READ = struct.Struct("<HBBIQ16sIIIHH")
_WRITE = struct.Struct("<HHIQ16sIIHHI")
_SET = struct.Struct("<HBBIHHI16s")
_WITH_FILE = struct.Struct("<HHI16s")
_IOCTL = struct.Struct("<HHI16sIIIIIIII")


class Request(NamedTuple):
    """One request. ``file_at``: where the file it works on stands in the body, 0 for none."""

    command: Command
    body: bytes
    step: str
    file_at: int = 0

    def on(self, file: bytes) -> "Request":
        """The same request on a file of that id."""
        at = self.file_at
        return self._replace(body=self.body[:at] + file + self.body[at + 16 :]) if at else self


def tree_connect(path: str) -> Request:
    """Open a share."""
    name = encoded(path)
    return Request(Command.TREE_CONNECT, struct.pack("<HHHH", 9, 0, HEADER_SIZE + 8, len(name)) + name, "tree")


def create(name: bytes, access: int, options: int, step: str, disposition: int = OPEN) -> Request:
    """Open or make a file or a directory; everybody else may go on with it."""
    attributes = _NORMAL if disposition == CREATE and options & FILE else 0
    start = HEADER_SIZE + _CREATE.size
    fields = (_IMPERSONATION, 0, 0, access, attributes, _SHARE_ALL, disposition, options, start, len(name), 0, 0)
    return Request(Command.CREATE, _CREATE.pack(57, 0, 0, *fields) + (name or bytes(8)), step)


def query_directory(pattern: bytes, step: str) -> Request:
    """The next entries of a directory that is open."""
    start = HEADER_SIZE + _QUERY.size
    body = _QUERY.pack(33, _DIRECTORY_INFORMATION, 0, 0, CURRENT, start, len(pattern), BLOCK) + pattern
    return Request(Command.QUERY_DIRECTORY, body, step, 8)


def read(offset: int, length: int, step: str) -> Request:
    """A part of a file that is open; the answer's data may begin right behind its fixed part."""
    return Request(Command.READ, _READ.pack(49, 80, 0, length, offset, CURRENT, 0, 0, 0, 0, 0) + b"\0", step, 16)


def write(offset: int, data: bytes) -> Request:
    """Write a part of a file that is open."""
    start = HEADER_SIZE + _WRITE.size
    return Request(Command.WRITE, _WRITE.pack(49, start, len(data), offset, CURRENT, 0, 0, 0, 0, 0) + data, "write", 16)


def rename(name: bytes) -> Request:
    """Rename what is open, within the share; replaces nothing."""
    data = (struct.pack("<B7xQI", 0, 0, len(name)) + name).ljust(_SHORTEST_RENAME, b"\0")
    start = HEADER_SIZE + _SET.size
    body = _SET.pack(33, 1, _RENAME_INFORMATION, len(data), start, 0, 0, CURRENT) + data
    return Request(Command.SET_INFO, body, "move", 16)


def flush() -> Request:
    """Bring what is open through to the disk."""
    return Request(Command.FLUSH, _WITH_FILE.pack(24, 0, 0, CURRENT), "flush", 8)


def close(step: str = "close") -> Request:
    """Close what is open."""
    return Request(Command.CLOSE, _WITH_FILE.pack(24, 0, 0, CURRENT), step, 8)


def validate(offer: bytes) -> Request:
    """Have the host say again, signed, what it said in the negotiation ([MS-SMB2] 3.2.5.5)."""
    start = HEADER_SIZE + _IOCTL.size
    body = _IOCTL.pack(57, 0, VALIDATE, CURRENT, start, len(offer), 0, 0, 0, 24, 1, 0) + offer
    return Request(Command.IOCTL, body, "validate", 0)
