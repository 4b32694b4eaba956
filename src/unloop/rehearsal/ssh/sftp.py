"""SFTP over a simulated host's tree of files. Every operation of asyncssh's server is replaced: none reaches a real disk."""

import errno
import stat
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncssh
from asyncssh import FXF_APPEND, FXF_CREAT, FXF_EXCL, FXF_READ, FXF_TRUNC, FXF_WRITE, SFTPAttrs, SFTPName

from unloop.model.host import System
from unloop.rehearsal.filetree import FileTree, Node
from unloop.rehearsal.machine import Machine

Path = tuple[str, ...]
LARGEST_FILE = 64 * 1024 * 1024
_HOME: dict[System, Path] = {System.LINUX: ("root",), System.WINDOWS: ("Users", "Administrator")}


@dataclass(slots=True)
class Handle:
    """An open file. The tree holds what it holds; a handle only knows where."""

    path: Path
    flags: int


class TreeServer(asyncssh.SFTPServer):
    """SFTP version 3 as OpenSSH serves it: ``/`` on Linux, ``/C:/`` on Windows."""

    def __init__(self, channel: Any, machine: Machine) -> None:
        super().__init__(channel)
        self._files: FileTree = machine.files
        self._system = machine.spec.system

    def map_path(self, path: bytes) -> bytes:
        """No path of this server is a path of the operator's machine."""
        raise asyncssh.SFTPOpUnsupported("no such thing here")

    def reverse_map_path(self, path: bytes) -> bytes:
        """No path of the operator's machine is one of this server."""
        raise asyncssh.SFTPOpUnsupported("no such thing here")

    def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> object:
        """Open or make a file (draft-ietf-secsh-filexfer-02, 6.3)."""
        place = self._place(path)
        with _told(place):
            if self._files.exists(place) and pflags & FXF_CREAT and pflags & FXF_EXCL:
                raise FileExistsError
            if self._files.exists(place) and self._files.stat(place).is_directory and pflags & FXF_WRITE:
                raise IsADirectoryError
            if self._files.exists(place) and self._files.stat(place).read_only and pflags & FXF_WRITE:
                raise PermissionError
            if not self._files.exists(place) and not pflags & FXF_CREAT:
                raise FileNotFoundError
            if not self._files.exists(place) or (pflags & FXF_WRITE and pflags & FXF_TRUNC):
                self._files.write(place, b"", modified=datetime.now(UTC))
        return Handle(place, pflags)

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: SFTPAttrs) -> object:
        """Versions 5 and 6 are not spoken."""
        raise asyncssh.SFTPOpUnsupported("version 3 only")

    def close(self, file_obj: object) -> None:
        """Nothing is kept back until now."""

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """A part of a file."""
        handle = _handle(file_obj)
        with _told(handle.path):
            node = self._files.stat(handle.path)
            if node.is_directory or not handle.flags & FXF_READ:
                raise PermissionError
            return node.content[offset : offset + size]

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Change a part of a file, or add to it."""
        handle = _handle(file_obj)
        with _told(handle.path):
            if not handle.flags & FXF_WRITE:
                raise PermissionError
            content = self._files.stat(handle.path).content
            start = len(content) if handle.flags & FXF_APPEND else offset
            self._put(handle.path, content.ljust(start, b"\0")[:start] + data + content[start + len(data) :])
        return len(data)

    def lstat(self, path: bytes) -> SFTPAttrs:
        """There are no links."""
        place = self._place(path)
        with _told(place):
            return _attributes(self._files.stat(place))

    stat = lstat

    def fstat(self, file_obj: object) -> SFTPAttrs:
        """What is known of an open file."""
        handle = _handle(file_obj)
        with _told(handle.path):
            return _attributes(self._files.stat(handle.path))

    def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Length, time, and whether it may be written."""
        self._set(self._place(path), attrs)

    lsetstat = setstat

    def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        """The same of an open file."""
        self._set(_handle(file_obj).path, attrs)

    async def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        """A directory, with its dots."""
        place = self._place(path)
        with _told(place):
            found = self._files.children(place)
            node = self._files.stat(place)
        for name, entry in ((".", node), ("..", node), *((child.name, child) for child in found)):
            yield _name(name, entry)

    def remove(self, path: bytes) -> None:
        """Delete a file."""
        place = self._place(path)
        with _told(place):
            if self._files.stat(place).is_directory:
                raise IsADirectoryError
            self._files.remove(place)

    def mkdir(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Make one directory in one that is there."""
        place = self._place(path)
        with _told(place):
            if self._files.exists(place):
                raise FileExistsError
            self._files.stat(place[:-1])
            self._files.make_directory(place, modified=datetime.now(UTC))

    def rmdir(self, path: bytes) -> None:
        """Delete an empty directory."""
        place = self._place(path)
        with _told(place):
            if not place or not self._files.stat(place).is_directory:
                raise NotADirectoryError
            self._files.remove(place)

    def realpath(self, path: bytes) -> bytes:
        """The full path, as the host writes it."""
        parts = "/".join(self._place(path))
        return f"/C:/{parts}".encode() if self._system is System.WINDOWS else f"/{parts}".encode()

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Never overwrites (draft-ietf-secsh-filexfer-02, 6.5)."""
        source, goal = self._place(oldpath), self._place(newpath)
        with _told(source):
            self._files.rename(source, goal)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Replaces what is there, as rename(2) does (OpenSSH's PROTOCOL, 4.3)."""
        source, goal = self._place(oldpath), self._place(newpath)
        with _told(source):
            self._files.stat(source)
            if self._files.exists(goal) and not self._files.same(source, goal):
                self._files.remove(goal)
            self._files.rename(source, goal)

    def readlink(self, path: bytes) -> bytes:
        """There are no links."""
        raise asyncssh.SFTPFailure("not a link")

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        """There are no links."""
        raise asyncssh.SFTPOpUnsupported("no links")

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        """There are no links."""
        raise asyncssh.SFTPOpUnsupported("no links")

    def lock(self, file_obj: object, offset: int, length: int, flags: int) -> None:
        """There are no locks."""
        raise asyncssh.SFTPOpUnsupported("no locks")

    def unlock(self, file_obj: object, offset: int, length: int) -> None:
        """There are no locks."""
        raise asyncssh.SFTPOpUnsupported("no locks")

    def statvfs(self, path: bytes) -> asyncssh.SFTPVFSAttrs:
        """A volume that is half full."""
        return asyncssh.SFTPVFSAttrs(
            4096, 4096, 16_000_000, 8_000_000, 8_000_000, 1_000_000, 900_000, 900_000, 1, 0, 255
        )

    def fstatvfs(self, file_obj: object) -> asyncssh.SFTPVFSAttrs:
        """A volume that is half full."""
        return self.statvfs(b"/")

    def fsync(self, file_obj: object) -> None:
        """Memory is as good as a disk here."""
        _handle(file_obj)

    def exit(self) -> None:
        """Nothing is left to be done."""

    def _place(self, path: bytes) -> Path:
        """The place in the tree that a path means; relative ones start at home."""
        try:
            text = path.decode()
        except UnicodeDecodeError as error:
            raise asyncssh.SFTPNoSuchFile("no such file") from error
        if self._system is System.WINDOWS:
            text = text.replace("\\", "/")
            drive, colon, rest = text.lstrip("/").partition(":")
            if colon and drive.upper() != "C":
                raise asyncssh.SFTPNoSuchFile("no such drive")
            text = "/" + rest if colon else text
        parts: list[str] = [] if text.startswith("/") else list(_HOME[self._system])
        for part in text.split("/"):
            if part == "..":
                parts = parts[:-1]
            elif part not in {"", "."}:
                parts.append(part)
        return tuple(parts)

    def _put(self, path: Path, content: bytes) -> None:
        if len(content) > LARGEST_FILE:
            raise OSError(errno.ENOSPC, "no space left")
        self._files.write(path, content, modified=datetime.now(UTC))

    def _set(self, place: Path, attrs: SFTPAttrs) -> None:
        with _told(place):
            node = self._files.stat(place)
            if attrs.size is not None and attrs.size != len(node.content):
                if attrs.size > LARGEST_FILE:
                    raise OSError(errno.ENOSPC, "no space left")
                self._put(place, node.content[: attrs.size].ljust(attrs.size, b"\0"))
                node = self._files.stat(place)
            modified = node.modified if attrs.mtime is None else datetime.fromtimestamp(attrs.mtime, UTC)
            read_only = node.read_only if attrs.permissions is None else not attrs.permissions & stat.S_IWUSR
            self._files.change(place, modified=modified, read_only=read_only and not node.is_directory)


class _told:  # noqa: N801 - reads as a statement
    """What went wrong in the tree, said in SFTP's few words."""

    def __init__(self, path: Path) -> None:
        self._path = "/" + "/".join(path)

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, FileNotFoundError):
            raise asyncssh.SFTPNoSuchFile(f"{self._path}: no such file") from error
        if isinstance(error, PermissionError):
            raise asyncssh.SFTPPermissionDenied(f"{self._path}: permission denied") from error
        if isinstance(error, OSError) and not isinstance(error, asyncssh.Error):
            raise asyncssh.SFTPFailure(f"{self._path}: failure") from error


def _handle(file_obj: object) -> Handle:
    if not isinstance(file_obj, Handle):
        raise asyncssh.SFTPFailure("no open file")
    return file_obj


def _attributes(node: Node) -> SFTPAttrs:
    moment = int(node.modified.timestamp())
    kind = stat.S_IFDIR | 0o755 if node.is_directory else stat.S_IFREG | (0o444 if node.read_only else 0o644)
    return SFTPAttrs(size=len(node.content), uid=0, gid=0, permissions=kind, atime=moment, mtime=moment)


def _name(name: str, node: Node) -> SFTPName:
    attributes = _attributes(node)
    when = time.strftime("%b %d  %Y", node.modified.utctimetuple())
    mode = stat.filemode(attributes.permissions or 0)
    longname = f"{mode}    1 root     root     {len(node.content):8d} {when} {name}"
    return SFTPName(name.encode(), longname.encode(), attributes)
