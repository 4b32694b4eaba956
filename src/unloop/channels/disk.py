"""The files of a mounted disk, under the paths that its own system would use; no link ever leads out of it."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from unloop.errors import AccessDenied, ChannelError, NotFound, ProtocolError, Unsupported
from unloop.model.files import FileEntry
from unloop.model.host import System
from unloop.model.patterns import join, split

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_LINKS = 40


class DiskFiles:
    """The Files ability over a mounted disk.

    Windows paths must lie on ``drive`` and match without regard to case. Links are followed inside the root only (an
    absolute target counts from the root); the last component never is a link. Changes are synced before they return.
    """

    def __init__(self, root: Path, system: System, *, drive: str = "C:") -> None:
        self.root = root
        self.system = system
        self.drive = drive

    def list_directory(self, directory: str) -> tuple[FileEntry, ...]:
        """Every regular file and directory in a directory; links and devices are left out."""
        with _mapped(directory):
            place = self._resolve(directory, last_may_link=True)
            found = []
            for child in sorted(place.iterdir()):
                status = child.lstat()
                if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
                    found.append(_entry(join(directory, child.name), child.name, status))
            return tuple(found)

    def read(self, path: str, *, limit: int) -> bytes:
        """The first ``limit`` bytes of a file."""
        with _mapped(path), self._resolve(path).open("rb") as file:
            return file.read(limit)

    def sha256(self, path: str) -> str:
        """The SHA-256 of the whole file, lowercase hex."""
        with _mapped(path), self._resolve(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def move(self, source: str, destination: str) -> None:
        """Rename within the disk and sync it; never overwrites; makes the destination's directories."""
        with _mapped(source):
            origin = self._resolve(source)
            target = self._new(destination)
            origin.rename(target)
            _sync(target)
            _sync(target.parent)
            _sync(origin.parent)

    def delete(self, path: str) -> None:
        """Delete one file and sync its directory."""
        with _mapped(path):
            place = self._resolve(path)
            place.unlink()
            _sync(place.parent)

    def write(self, path: str, content: bytes) -> None:
        """Write a new file and sync it; never overwrites; makes its directories."""
        with _mapped(path):
            place = self._new(path)
            part = place.with_name(place.name + ".unloop-part")
            with suppress(FileNotFoundError):
                part.unlink()
            with part.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.rename(place)
            _sync(place.parent)

    def _new(self, path: str) -> Path:
        """Where a file that is not there yet will be, its directories made; raises FileExistsError."""
        directory, name = split(path)
        parent = self._make_directories(directory)
        if self._child(parent, name) is not None:
            raise FileExistsError(errno.EEXIST, "a file is there, and nothing is overwritten")
        return parent / name

    def _make_directories(self, directory: str) -> Path:
        place = self.root
        done: list[str] = []
        for part in self._parts(directory):
            done.append(part)
            if self._child(place, part) is None:
                (place / part).mkdir()
                _sync(place)
            place = self._walk(tuple(done), last_may_link=True)
        return place

    def _resolve(self, path: str, *, last_may_link: bool = False) -> Path:
        return self._walk(self._parts(path), last_may_link=last_may_link)

    def _parts(self, path: str) -> tuple[str, ...]:
        if self.system is System.WINDOWS:
            drive, rest = path[:2], path[2:]
            if drive.lower() != self.drive.lower() or not rest.startswith("\\"):
                raise FileNotFoundError(errno.ENOENT, f"not on {self.drive}")
            parts = tuple(part for part in rest.split("\\") if part)
        else:
            parts = tuple(part for part in path.split("/") if part)
        if any(part in {".", ".."} or "/" in part or "\0" in part for part in parts):
            raise PermissionError(errno.EACCES, "a path must not climb")
        return parts

    def _walk(self, parts: tuple[str, ...], *, last_may_link: bool) -> Path:
        """Component by component, with links resolved against the root as a jail."""
        stack: list[Path] = [self.root]
        waiting = list(reversed(parts))
        links = 0
        while waiting:
            part = waiting.pop()
            if part == "..":
                stack = stack[:-1] or [self.root]
                continue
            child = self._child(stack[-1], part)
            if child is None:
                raise FileNotFoundError(errno.ENOENT, "no such file or directory")
            if not child.is_symlink():
                stack.append(child)
                continue
            links += 1
            if links > MAX_LINKS or (not waiting and not last_may_link):
                raise PermissionError(errno.EACCES, "it is a link")
            target = child.readlink()
            stack = [self.root] if target.is_absolute() else stack
            waiting += [piece for piece in reversed(target.parts) if piece not in {"/", "."}]
        return stack[-1]

    def _child(self, directory: Path, name: str) -> Path | None:
        """The child of that name; on Windows without regard to case, the exact one first."""
        exact = directory / name
        if os.path.lexists(exact):
            return exact
        if self.system is not System.WINDOWS:
            return None
        wanted = name.lower()
        return next((child for child in sorted(directory.iterdir()) if child.name.lower() == wanted), None)


def _entry(path: str, name: str, status: os.stat_result) -> FileEntry:
    return FileEntry(
        path=path,
        name=name,
        size=status.st_size,
        modified=EPOCH + timedelta(microseconds=status.st_mtime_ns // 1000),
        is_directory=stat.S_ISDIR(status.st_mode),
    )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _mapped(path: str) -> Iterator[None]:
    """The system's errors as channel errors."""
    try:
        yield
    except OSError as error:
        raise _channel_error(path, error) from error


def _channel_error(path: str, error: OSError) -> ChannelError:
    text = f"{path}: {error.strerror or error}"
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return NotFound(text, channel="disk")
    if isinstance(error, PermissionError | FileExistsError | IsADirectoryError):
        return AccessDenied(text, channel="disk")
    if error.errno in {errno.EXDEV, errno.ENOSPC, errno.EROFS, errno.ENAMETOOLONG, errno.EDQUOT}:
        return Unsupported(text, channel="disk")
    return ProtocolError(text, channel="disk")
