"""A host's SFTP server without a network: files in a dict, answers in the order of the requests, flights counted."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from unloop.channels.sftp_talk import Course, SftpTalks, Talk

T = TypeVar("T")
OK, EOF, MISSING, DENIED, FAILURE, UNSUPPORTED = 0, 1, 2, 3, 4, 8
VERSION = struct.pack(">IBI", 5, 2, 3)
FILE, DIRECTORY = 0o100644, 0o040755


def text(data: bytes) -> bytes:
    """A string as SFTP writes it."""
    return struct.pack(">I", len(data)) + data


def packet(kind: int, number: int, body: bytes) -> bytes:
    """One packet."""
    return struct.pack(">IBI", len(body) + 5, kind, number) + body


def status(number: int, code: int) -> bytes:
    """How a request ended."""
    return packet(101, number, struct.pack(">I", code) + text(b"said so") + text(b""))


def attributes(mode: int, size: int, modified: int) -> bytes:
    """What a file is: size, owner, mode and times."""
    return struct.pack(">IQIIIII", 0x0F, size, 0, 0, mode, modified, modified)


@dataclass
class SftpHost:
    """Files by path, None for a directory. ``done`` names every request that changed or synced something, in order."""

    files: dict[bytes, bytes | None] = field(default_factory=dict)
    modified: int = 1_721_363_400
    page: int = 2
    knows_sync: bool = True
    done: list[tuple[str, bytes]] = field(default_factory=list)
    handles: dict[bytes, bytes] = field(default_factory=dict)
    listed: dict[bytes, list[bytes]] = field(default_factory=dict)
    opened: int = 0
    _buffer: bytes = b""

    def feed(self, data: bytes) -> bytes:
        """The answers to whatever is whole by now."""
        self._buffer += data
        answer = b""
        while len(self._buffer) >= 4 and len(self._buffer) >= 4 + (length := struct.unpack_from(">I", self._buffer)[0]):
            kind, number, body = self._buffer[4], self._buffer[5:9], self._buffer[9 : 4 + length]
            self._buffer = self._buffer[4 + length :]
            answer += VERSION if kind == 1 else self._answer(kind, struct.unpack(">I", number)[0], body)
        return answer

    def _answer(self, kind: int, number: int, body: bytes) -> bytes:
        first, rest = _text(body)
        kinds: dict[int, Callable[[int, bytes, bytes], bytes]] = {
            3: self._open,
            4: self._close,
            5: self._read,
            6: self._write,
            7: self._look,
            11: self._open_directory,
            12: self._list,
            13: self._remove,
            14: self._make_directory,
            15: self._remove_directory,
            18: self._rename,
            200: self._sync,
        }
        return kinds[kind](number, first, rest)

    def _handle(self, number: int, path: bytes) -> bytes:
        self.opened += 1
        handle = b"h%d" % self.opened
        self.handles[handle] = path
        return packet(102, number, text(handle))

    def _open(self, number: int, path: bytes, rest: bytes) -> bytes:
        creates = struct.unpack_from(">I", rest)[0] & 0x08
        if creates and self._parent(path) not in self.files:
            return status(number, MISSING)
        if creates and path in self.files:
            return status(number, FAILURE)
        if creates:
            self.files[path] = b""
        return self._handle(number, path) if path in self.files else status(number, MISSING)

    def _close(self, number: int, handle: bytes, rest: bytes) -> bytes:
        return status(number, OK if self.handles.pop(handle, None) is not None else FAILURE)

    def _read(self, number: int, handle: bytes, rest: bytes) -> bytes:
        offset, length = struct.unpack(">QI", rest)
        part = (self.files[self.handles[handle]] or b"")[offset : offset + length]
        return packet(103, number, text(part)) if part else status(number, EOF)

    def _write(self, number: int, handle: bytes, rest: bytes) -> bytes:
        path, (offset,) = self.handles[handle], struct.unpack_from(">Q", rest)
        part, _ = _text(rest[8:])
        self.files[path] = (self.files[path] or b"")[:offset].ljust(offset, b"\0") + part
        return status(number, OK)

    def _look(self, number: int, path: bytes, rest: bytes) -> bytes:
        return packet(105, number, self._attributes(path)) if path in self.files else status(number, MISSING)

    def _attributes(self, path: bytes) -> bytes:
        content = self.files[path]
        return attributes(DIRECTORY if content is None else FILE, len(content or b""), self.modified)

    def _open_directory(self, number: int, path: bytes, rest: bytes) -> bytes:
        if path not in self.files:
            return status(number, MISSING)
        answer = self._handle(number, path)
        below = [name for name in self.files if name != path and self._parent(name) == path]
        self.listed[b"h%d" % self.opened] = sorted(below)
        return answer

    def _list(self, number: int, handle: bytes, rest: bytes) -> bytes:
        some, self.listed[handle] = self.listed[handle][: self.page], self.listed[handle][self.page :]
        if not some:
            return status(number, EOF)
        lines = b"".join(text(path.rpartition(b"/")[2]) + text(b"-rw") + self._attributes(path) for path in some)
        return packet(104, number, struct.pack(">I", len(some)) + lines)

    def _remove(self, number: int, path: bytes, rest: bytes) -> bytes:
        if self.files.get(path) is None:
            return status(number, MISSING)
        del self.files[path]
        return self._did(number, "remove", path)

    def _make_directory(self, number: int, path: bytes, rest: bytes) -> bytes:
        if path in self.files:
            return status(number, FAILURE)
        if self._parent(path) not in self.files:
            return status(number, MISSING)
        self.files[path] = None
        return self._did(number, "mkdir", path)

    def _remove_directory(self, number: int, path: bytes, rest: bytes) -> bytes:
        if any(self._parent(name) == path for name in self.files if name != path):
            return status(number, FAILURE)
        del self.files[path]
        return self._did(number, "rmdir", path)

    def _rename(self, number: int, source: bytes, rest: bytes) -> bytes:
        goal, _ = _text(rest)
        if source not in self.files or self._parent(goal) not in self.files:
            return status(number, MISSING)
        if goal in self.files:
            return status(number, FAILURE)
        self.files[goal] = self.files.pop(source)
        return self._did(number, "rename", goal)

    def _sync(self, number: int, name: bytes, rest: bytes) -> bytes:
        handle, _ = _text(rest)
        if name != b"fsync@openssh.com" or not self.knows_sync:
            return status(number, UNSUPPORTED)
        return self._did(number, "sync", self.handles[handle])

    def _did(self, number: int, what: str, path: bytes) -> bytes:
        self.done.append((what, path))
        return status(number, OK)

    @staticmethod
    def _parent(path: bytes) -> bytes:
        return path.rpartition(b"/")[0] or b"/"


def _text(body: bytes) -> tuple[bytes, bytes]:
    length = struct.unpack_from(">I", body)[0]
    return body[4 : 4 + length], body[4 + length :]


@dataclass
class Line:
    """A session with a host. ``flights`` counts how often something was sent that had to be waited for."""

    host: SftpHost
    talks: SftpTalks = field(default_factory=SftpTalks)
    flights: int = 0

    def together(self, *talks: Talk[T]) -> list[Course[T]]:
        """Carry talks out to their end; raises ChannelError other than that of a file."""
        courses = [self.talks.start(talk) for talk in talks]
        while not all(course.is_done for course in courses):
            self.flights += 1
            self.talks.feed(self.host.feed(self.talks.outgoing()))
        self.host.feed(self.talks.outgoing())
        return courses

    def run(self, talk: Talk[T]) -> T:
        """Carry one talk out; raises ChannelError."""
        return self.together(talk)[0].outcome()
