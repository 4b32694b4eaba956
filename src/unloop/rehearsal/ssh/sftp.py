"""SFTP over a simulated host's tree of files. Every operation of asyncssh's server is replaced: none reaches a real disk."""

import errno
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

import asyncssh
from asyncssh import FXF_APPEND, FXF_CREAT, FXF_EXCL, FXF_READ, FXF_TRUNC, FXF_WRITE, SFTPAttrs, SFTPName

from unloop.model.host import System
from unloop.rehearsal.filetree import FileTree, Node
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.ssh.answers import attributes, entry, spelled, told
from unloop.rehearsal.ssh.places import Path, place_of, shown
from unloop.rehearsal.this_boot import ThisBoot

LARGEST_FILE = 16 * 1024 * 1024


@dataclass(slots=True)
class Handle:
    """An open file. The tree holds what it holds; a handle only knows where."""

    path: Path
    flags: int


class TreeServer(asyncssh.SFTPServer):
    """SFTP version 3 as OpenSSH serves it to root or an administrator: ``/`` on Linux, ``/C:/`` on Windows.

    Of a file's mode the tree keeps whether it may be written. Owners can't be changed, and there are no links.
    """

    def __init__(self, channel: Any, machine: Machine) -> None:
        super().__init__(channel)
        self._files: FileTree = machine.files
        self._system, self._boot = machine.spec.system, ThisBoot(machine)

    def map_path(self, path: bytes) -> NoReturn:
        """No path of this server is a path of the operator's machine."""
        raise asyncssh.SFTPOpUnsupported("no such thing here")

    def reverse_map_path(self, path: bytes) -> NoReturn:
        """No path of the operator's machine is one of this server."""
        raise asyncssh.SFTPOpUnsupported("no such thing here")

    def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> object:
        """Open or make a file (draft-ietf-secsh-filexfer-02, 6.3). A directory can be opened to be synced, not read."""
        place = self._place(path)
        with told(place):
            node = self._node(place)
            if node is None and not pflags & FXF_CREAT:
                raise FileNotFoundError
            if node is not None and pflags & FXF_CREAT and pflags & FXF_EXCL:
                raise FileExistsError
            if node is not None and pflags & FXF_WRITE:
                self._demand_writable(node)
            if node is None:
                self._put(place, b"", read_only=_is_protecting(attrs))
            elif pflags & FXF_WRITE and pflags & FXF_TRUNC:
                self._put(place, b"", read_only=node.read_only)
        return Handle(place, pflags)

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: SFTPAttrs) -> NoReturn:
        """Versions 5 and 6 are not spoken."""
        raise asyncssh.SFTPOpUnsupported("version 3 only")

    def close(self, file_obj: object) -> None:
        """Nothing is kept back until now."""

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """A part of a file."""
        handle = self._handle(file_obj)
        with told(handle.path):
            node = self._files.stat(handle.path)
            if node.is_directory:
                raise IsADirectoryError
            if not handle.flags & FXF_READ:
                raise FileNotFoundError  # EBADF is said so
            return node.content[offset : offset + size]

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Change a part of a file, or add to it."""
        handle = self._handle(file_obj)
        with told(handle.path):
            if not handle.flags & FXF_WRITE:
                raise FileNotFoundError  # EBADF is said so
            node = self._files.stat(handle.path)
            content = node.content
            start = len(content) if handle.flags & FXF_APPEND else offset
            _demand_room(start + len(data))
            made = content[:start].ljust(start, b"\0") + data + content[start + len(data) :]
            self._put(handle.path, made, read_only=node.read_only)
        return len(data)

    def lstat(self, path: bytes) -> SFTPAttrs:
        """There are no links."""
        place = self._place(path)
        with told(place):
            return attributes(self._files.stat(place))

    stat = lstat

    def fstat(self, file_obj: object) -> SFTPAttrs:
        """What is known of an open file."""
        handle = self._handle(file_obj)
        with told(handle.path):
            return attributes(self._files.stat(handle.path))

    def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Length, time, and whether it may be written."""
        self._set(self._place(path), attrs)

    lsetstat = setstat

    def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        """The same of an open file."""
        self._set(self._handle(file_obj).path, attrs)

    def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        """A directory, with its dots."""
        place = self._place(path)
        with told(place):
            children, node = self._files.children(place), self._files.stat(place)
        return _listed([(".", node), ("..", node), *((child.name, child) for child in children)])

    def remove(self, path: bytes) -> None:
        """Delete a file."""
        place = self._place(path)
        with told(place):
            if self._files.stat(place).is_directory:
                raise IsADirectoryError
            self._drop(place)

    def mkdir(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Make one directory in one that is there."""
        place = self._place(path)
        with told(place):
            if self._files.exists(place):
                raise FileExistsError
            self._files.stat(place[:-1])
            self._files.make_directory(place, modified=datetime.now(UTC))

    def rmdir(self, path: bytes) -> None:
        """Delete an empty directory."""
        place = self._place(path)
        with told(place):
            if not self._files.stat(place).is_directory:
                raise NotADirectoryError
            if not place:
                raise OSError(errno.EBUSY, "busy")
            self._drop(place)

    def realpath(self, path: bytes) -> bytes:
        """The full path, as the host writes it; its last component need not be there."""
        place = place_of(path, self._system)
        with told(place):
            if place and not self._files.stat(place[:-1]).is_directory:
                raise NotADirectoryError
        return spelled(shown(place, self._system))

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Never overwrites (draft-ietf-secsh-filexfer-02, 6.5)."""
        source, goal = self._place(oldpath), self._place(newpath)
        with told(source):
            self._demand_movable(source)
            self._files.rename(source, goal)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Replaces what is there, as rename(2) does (OpenSSH's PROTOCOL, 4.3)."""
        source, goal = self._place(oldpath), self._place(newpath)
        with told(source):
            self._demand_movable(source)
            node, there = self._files.stat(source), self._node(goal)
            if goal[: len(source)] == source and goal != source:
                raise OSError(errno.EINVAL, "a directory can't be moved into itself")
            if there is not None and not self._files.same(source, goal):
                if there.is_directory and not node.is_directory:
                    raise IsADirectoryError
                if node.is_directory and not there.is_directory:
                    raise NotADirectoryError
                self._drop(goal)
            self._files.rename(source, goal)

    def readlink(self, path: bytes) -> NoReturn:
        """There are no links."""
        raise asyncssh.SFTPBadMessage("not a link")

    def symlink(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        """There are no links."""
        raise asyncssh.SFTPOpUnsupported("no links")

    def link(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        """There are no links."""
        raise asyncssh.SFTPOpUnsupported("no links")

    def lock(self, file_obj: object, offset: int, length: int, flags: int) -> NoReturn:
        """There are no locks."""
        raise asyncssh.SFTPOpUnsupported("no locks")

    def unlock(self, file_obj: object, offset: int, length: int) -> NoReturn:
        """There are no locks."""
        raise asyncssh.SFTPOpUnsupported("no locks")

    def statvfs(self, path: bytes) -> NoReturn:
        """The tree is no volume of a size."""
        raise asyncssh.SFTPOpUnsupported("no such thing here")

    def fstatvfs(self, file_obj: object) -> NoReturn:
        """The tree is no volume of a size."""
        raise asyncssh.SFTPOpUnsupported("no such thing here")

    def fsync(self, file_obj: object) -> None:
        """Memory is as good as a disk here (OpenSSH's PROTOCOL, 4.5)."""
        self._handle(file_obj)

    def exit(self) -> None:
        """The client is done: say that all went well, as OpenSSH's server does."""
        if not self.channel.is_closing():
            self.channel.exit(0)

    def _place(self, path: bytes) -> Path:
        self._demand_boot()
        if not path:
            raise asyncssh.SFTPNoSuchFile("no such file")
        return place_of(path, self._system)

    def _handle(self, file_obj: object) -> Handle:
        self._demand_boot()
        if not isinstance(file_obj, Handle):
            raise asyncssh.SFTPFailure("no open file")
        return file_obj

    def _demand_boot(self) -> None:
        """What is still in a queue when the host crashes was never done."""
        if not self._boot.lasts():
            raise asyncssh.SFTPConnectionLost("the host is down")

    def _node(self, place: Path) -> Node | None:
        return self._files.stat(place) if self._files.exists(place) else None

    def _demand_writable(self, node: Node) -> None:
        """Root is stopped by nothing; Windows stops everybody at what is marked read-only."""
        if node.is_directory:
            raise IsADirectoryError
        if node.read_only and self._system is System.WINDOWS:
            raise PermissionError

    def _demand_movable(self, place: Path) -> None:
        if not place:
            raise OSError(errno.EBUSY, "busy")

    def _put(self, path: Path, content: bytes, *, read_only: bool) -> None:
        self._files.write(path, content, modified=datetime.now(UTC), read_only=read_only)

    def _drop(self, place: Path) -> None:
        node = self._files.stat(place)
        if node.read_only and self._system is System.LINUX:
            self._files.change(place, modified=node.modified, read_only=False)
        self._files.remove(place)

    def _set(self, place: Path, attrs: SFTPAttrs) -> None:
        if attrs.uid is not None and (attrs.uid, attrs.gid) != (0, 0):
            raise asyncssh.SFTPOpUnsupported("owners can't be changed here")
        with told(place):
            node = self._files.stat(place)
            if attrs.size is not None and attrs.size != len(node.content):
                self._demand_writable(node)
                _demand_room(attrs.size)
                self._put(place, node.content[: attrs.size].ljust(attrs.size, b"\0"), read_only=node.read_only)
                node = self._files.stat(place)
            modified = node.modified if attrs.mtime is None else datetime.fromtimestamp(attrs.mtime, UTC)
            read_only = node.read_only if attrs.permissions is None else _is_protecting(attrs)
            self._files.change(place, modified=modified, read_only=read_only and not node.is_directory)


def _is_protecting(attrs: SFTPAttrs) -> bool:
    return attrs.permissions is not None and not attrs.permissions & stat.S_IWUSR


def _demand_room(length: int) -> None:
    if length > LARGEST_FILE:
        raise OSError(errno.ENOSPC, "no space left")


async def _listed(found: list[tuple[str, Node]]) -> AsyncIterator[SFTPName]:
    for name, node in found:
        yield entry(name, node)
