"""Streams in memory: what a program needs that unpacks another one (MemoryStream, DeflateStream, StreamReader)."""

import zlib
from collections.abc import Callable, Mapping
from typing import ClassVar

from unloop.rehearsal.powershell.enumerations import number_in
from unloop.rehearsal.powershell.errors import NetError, NotUnderstood
from unloop.rehearsal.powershell.members import Members, Method, methods
from unloop.rehearsal.powershell.state import LONGEST, Session, limit
from unloop.rehearsal.powershell.values import EnumValue, Instance, Value, inward

COMPRESSION_MODE: Mapping[str, int] = {"Decompress": 0, "Compress": 1}
MODE_NAME = "System.IO.Compression.CompressionMode"


class MemoryStream(Instance):
    """System.IO.MemoryStream over bytes that do not change."""

    type_name: ClassVar[str] = "System.IO.MemoryStream"

    def __init__(self, content: bytes) -> None:
        self._content = content

    def rest(self) -> bytes:
        """What is left to read."""
        found, self._content = self._content, b""
        return found


class DeflateStream(Instance):
    """System.IO.Compression.DeflateStream, which unpacks."""

    type_name: ClassVar[str] = "System.IO.Compression.DeflateStream"

    def __init__(self, packed: MemoryStream) -> None:
        self._packed = packed

    def rest(self) -> bytes:
        """What is left to read: raw deflate (RFC 1951), bounded; raises NetError."""
        reader = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            found = reader.decompress(self._packed.rest(), LONGEST)
        except zlib.error as error:
            what = "Block length does not match with its complement."
            raise NetError("System.IO.InvalidDataException", what) from error
        if reader.unconsumed_tail:
            raise limit("a stream that is too long for a simulated host")
        return found


class StreamReader(Instance):
    """System.IO.StreamReader, of UTF-8."""

    type_name: ClassVar[str] = "System.IO.StreamReader"

    def __init__(self, source: MemoryStream | DeflateStream) -> None:
        self.source = source


def memory_stream(value: Value) -> MemoryStream:
    """A cast: bytes go to the constructor."""
    if isinstance(value, MemoryStream):
        return value
    if not isinstance(value, bytearray):
        raise NotUnderstood("a MemoryStream of anything but bytes")
    return MemoryStream(bytes(value))


def compression_mode(value: Value) -> EnumValue:
    """A cast to the enumeration."""
    number = number_in(value, COMPRESSION_MODE, MODE_NAME, "cast")
    return EnumValue(MODE_NAME, next(name for name, known in COMPRESSION_MODE.items() if known == number), number)


def _deflate(_: object, packed: Value, mode: Value) -> DeflateStream:
    if not isinstance(packed, MemoryStream) or not isinstance(mode, EnumValue) or mode.number:
        raise NotUnderstood("a DeflateStream that does anything but unpack what is in memory")
    return DeflateStream(packed)


def _reader(_: object, stream: Value) -> StreamReader:
    if not isinstance(stream, MemoryStream | DeflateStream):
        raise NotUnderstood("a StreamReader of such a stream")
    return StreamReader(stream)


def _read_to_end(session: Session, reader: StreamReader) -> str:
    found = reader.source.rest()
    session.budget.spend(len(found))
    return inward(found.decode("utf-8-sig", "replace"))


MAKERS: Mapping[tuple[str, int], Callable[..., Value]] = {
    (DeflateStream.type_name, 2): _deflate,
    (StreamReader.type_name, 1): _reader,
}
"""Constructors by type and count of arguments; they get the call first."""
CASTS: Mapping[str, Callable[[Value], Value]] = {
    MemoryStream.type_name: memory_stream,
    MODE_NAME: compression_mode,
}
READER = Members(methods=methods(Method("ReadToEnd", _read_to_end, (0,))))
NAMES = (MemoryStream.type_name, DeflateStream.type_name, StreamReader.type_name, MODE_NAME)
