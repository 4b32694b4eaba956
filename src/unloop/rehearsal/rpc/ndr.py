"""Network data representation, little-endian and of 32 bits (C706, chapter 14), as much as our interfaces need."""

import struct

from unloop.rehearsal.rpc.pdu import Fault, FaultStatus

HANDLE_LENGTH = 20
POINTER = 0x20000
"""A referent of ours: any number but zero will do."""


class Reader:
    """What a call carries, piece by piece; whatever does not fit is a fault of the caller's."""

    def __init__(self, stub: bytes) -> None:
        self._stub, self._place = stub, 0

    def number(self) -> int:
        """An unsigned long."""
        self._align(4)
        return int.from_bytes(self._take(4), "little")

    def short(self) -> int:
        """An unsigned short."""
        self._align(2)
        return int.from_bytes(self._take(2), "little")

    def handle(self) -> bytes:
        """A context handle."""
        self._align(4)
        return self._take(HANDLE_LENGTH)

    def text(self, longest: int) -> str:
        """A conformant and varying string of UTF-16 with its end (14.3.4.2); at most so many characters, end included."""
        room, start, length = self.number(), self.number(), self.number()
        if start or not 0 < length <= room or length > longest:
            raise Fault(FaultStatus.BAD_STUB_DATA)
        try:
            text = self._take(2 * length).decode("utf-16-le")
        except UnicodeDecodeError as error:
            raise Fault(FaultStatus.BAD_STUB_DATA) from error
        if not text.endswith("\0"):
            raise Fault(FaultStatus.BAD_STUB_DATA)
        return text.partition("\0")[0]

    def optional_text(self, longest: int) -> str | None:
        """A string behind a unique pointer."""
        return self.text(longest) if self.number() else None

    def optional_number(self) -> int | None:
        """A number behind a unique pointer."""
        return self.number() if self.number() else None

    def optional_bytes(self, longest: int) -> bytes | None:
        """A conformant array of bytes behind a unique pointer."""
        if not self.number():
            return None
        length = self.number()
        if length > longest:
            raise Fault(FaultStatus.BAD_STUB_DATA)
        return self._take(length)

    def _align(self, size: int) -> None:
        self._place += -self._place % size

    def _take(self, length: int) -> bytes:
        piece = self._stub[self._place : self._place + length]
        if len(piece) < length:
            raise Fault(FaultStatus.BAD_STUB_DATA)
        self._place += length
        return piece


def numbers(*values: int) -> bytes:
    """Unsigned longs."""
    return struct.pack(f"<{len(values)}I", *values)


def text(value: str) -> bytes:
    """A conformant and varying string of UTF-16 with its end, filled up to four bytes."""
    encoded = (value + "\0").encode("utf-16-le", "surrogatepass")
    count = len(encoded) // 2
    return numbers(count, 0, count) + encoded + bytes(-len(encoded) % 4)


def array(value: bytes) -> bytes:
    """A conformant array of bytes, filled up to four bytes."""
    return numbers(len(value)) + value + bytes(-len(value) % 4)
