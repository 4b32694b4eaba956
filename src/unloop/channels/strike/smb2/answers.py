"""What the host's answers hold ([MS-SMB2] 2.2.10 to 2.2.38, [MS-FSCC] 2.4.10); every parser raises ProtocolError."""

import struct
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from unloop.channels.strike.smb2.wire import Answer, decoded, moment_of
from unloop.errors import ProtocolError

_CREATED = struct.Struct("<HBBIQQQQQQII16s")
_TREE = struct.Struct("<HBBIII")
_BUFFER = struct.Struct("<HHI")
_DATA = struct.Struct("<HBBI")
_CONTROL = struct.Struct("<HHI16sIIII")
_ENTRY = struct.Struct("<IIQQQQQQII")
_IS_DIRECTORY = 0x10
_MADE = 2
_FORBIDDEN = frozenset("\\/\0")


class Opened(NamedTuple):
    """What CREATE opened. ``is_new``: it was made by that."""

    file: bytes
    size: int
    modified: datetime
    is_directory: bool
    is_new: bool


class Listed(NamedTuple):
    """One entry of a directory."""

    name: str
    size: int
    modified: datetime
    is_directory: bool


@dataclass(frozen=True, slots=True)
class Tree:
    """A share that is open. ``wants_seal``: it takes sealed requests only."""

    number: int
    is_disk: bool
    wants_seal: bool


def tree(answer: Answer) -> Tree:
    """TREE_CONNECT."""
    _, kind, _, flags, _, _ = answer.unpack(_TREE)
    return Tree(answer.tree_id, is_disk=kind == 1, wants_seal=bool(flags & 0x8000))


def opened(answer: Answer) -> Opened:
    """CREATE."""
    _, _, _, action, _, _, written, _, _, size, attributes, _, file = answer.unpack(_CREATED)
    return Opened(file, size, moment_of(written), bool(attributes & _IS_DIRECTORY), action == _MADE)


def data_read(answer: Answer) -> bytes:
    """READ."""
    _, start, _, length = answer.unpack(_DATA)
    return answer.buffer(start, length)


def controlled(answer: Answer) -> bytes:
    """IOCTL."""
    *_, start, length = answer.unpack(_CONTROL)
    return answer.buffer(start, length)


def listed(answer: Answer) -> list[Listed]:
    """QUERY_DIRECTORY, without ``.`` and ``..``."""
    _, start, length = answer.unpack(_BUFFER)
    data = answer.buffer(start, length)
    found: list[Listed] = []
    place = 0
    try:
        while True:
            following, _, _, _, written, _, size, _, attributes, length = _ENTRY.unpack_from(data, place)
            begin = place + _ENTRY.size
            if begin + length > len(data) or (following and following < _ENTRY.size + length):
                raise ProtocolError("the host's listing is garbled")
            name = decoded(data[begin : begin + length])
            if name not in {".", ".."}:
                if not name or not _FORBIDDEN.isdisjoint(name):
                    raise ProtocolError("the host's listing holds what is no name")
                found.append(Listed(name, size, moment_of(written), bool(attributes & _IS_DIRECTORY)))
            if not following:
                return found
            place += following
    except struct.error as error:
        raise ProtocolError("the host's listing is cut short") from error


def written(answer: Answer) -> int:
    """WRITE: how much."""
    count: int = answer.unpack(_BUFFER)[2]
    return count
