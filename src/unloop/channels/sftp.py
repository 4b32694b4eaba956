"""Files over SFTP, as OpenSSH serves it on Linux and on Windows; paths are the host's own."""

import errno
import hashlib
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from paramiko import SFTPAttributes, SFTPClient, SFTPError, SFTPFile
from paramiko.sftp import CMD_EXTENDED

from unloop.errors import AccessDenied, NotFound, Unsupported
from unloop.model.files import FileEntry
from unloop.model.patterns import is_posix, join, split

BLOCK = 32768
"""Bytes per read that every SFTP server gives."""


class SftpFiles:
    """The Files ability over one SFTP session. Errors of one file become ours; broken connections are the caller's.

    Times have whole seconds only. What was written or renamed is synced where the server knows ``fsync@openssh.com``:
    files everywhere, directories (which hold the names) on Linux.
    """

    def __init__(self, client: SFTPClient) -> None:
        self._client = client

    def list_directory(self, directory: str) -> tuple[FileEntry, ...]:
        """Every regular file and directory; links and devices are left out."""
        with _mapped(directory):
            found = self._client.listdir_attr(remote(directory))
        return tuple(_entry(directory, item) for item in found if _is_plain(item))

    def read(self, path: str, *, limit: int) -> bytes:
        """The first ``limit`` bytes of a file."""
        with _mapped(path), self._client.open(remote(path), "rb") as file:
            return file.read(limit)

    def sha256(self, path: str) -> str:
        """The SHA-256 of the whole file, lowercase hex."""
        digest = hashlib.sha256()
        with _mapped(path), self._client.open(remote(path), "rb") as file:
            file.prefetch(file.stat().st_size)
            while block := file.read(BLOCK):
                digest.update(block)
        return digest.hexdigest()

    def move(self, source: str, destination: str) -> None:
        """Rename without overwriting, then sync both directories; makes the destination's directories."""
        with self._in_directory(destination, source):
            try:
                self._client.rename(remote(source), remote(destination))
            except FileNotFoundError:
                self._make_directories(split(destination)[0])
                self._client.rename(remote(source), remote(destination))
        for directory in dict.fromkeys((split(destination)[0], split(source)[0])):
            self._sync_directory(directory)

    def delete(self, path: str) -> None:
        """Delete one file and sync its directory."""
        with _mapped(path):
            self._client.remove(remote(path))
        self._sync_directory(split(path)[0])

    def write(self, path: str, content: bytes) -> None:
        """Write a new file and sync it; never overwrites; makes its directories."""
        with self._in_directory(path, path):
            try:
                file = self._client.open(remote(path), "wbx")
            except FileNotFoundError:
                self._make_directories(split(path)[0])
                file = self._client.open(remote(path), "wbx")
            with file:
                file.set_pipelined(True)
                file.write(content)
                file.set_pipelined(False)
                self._sync(file)
        self._sync_directory(split(path)[0])

    @contextmanager
    def _in_directory(self, destination: str, path: str) -> Iterator[None]:
        """SFTP answers a taken name with a bare "failure": looking afterwards tells it apart. Nothing was replaced."""
        try:
            with _mapped(path):
                yield
        except AccessDenied as error:
            if self._exists(destination):
                raise AccessDenied(f"{destination}: the name is taken; nothing is overwritten") from error
            raise

    def _exists(self, path: str) -> bool:
        try:
            self._client.lstat(remote(path))
        except FileNotFoundError:
            return False
        return True

    def _make_directories(self, directory: str) -> None:
        if self._exists(directory):
            return
        parent = split(directory)[0]
        if parent != directory:
            self._make_directories(parent)
        with _mapped(directory):
            self._client.mkdir(remote(directory))

    def _sync_directory(self, directory: str) -> None:
        if not is_posix(directory):
            return
        with suppress(OSError, SFTPError), self._client.open(remote(directory), "r") as handle:
            self._sync(handle)

    def _sync(self, file: SFTPFile) -> None:
        with suppress(OSError, SFTPError):
            # paramiko has no public call for extensions: openssh PROTOCOL, 4.5
            client: Any = self._client
            client._request(CMD_EXTENDED, "fsync@openssh.com", file.handle)  # noqa: SLF001


def remote(path: str) -> str:
    """A path as SFTP writes it: ``C:\\x`` is ``/C:/x`` to OpenSSH on Windows."""
    return path if is_posix(path) else "/" + path.replace("\\", "/")


def _is_plain(item: SFTPAttributes) -> bool:
    mode = item.st_mode or 0
    return item.filename not in {".", ".."} and (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _entry(directory: str, item: SFTPAttributes) -> FileEntry:
    return FileEntry(
        path=join(directory, item.filename),
        name=item.filename,
        size=item.st_size or 0,
        modified=datetime.fromtimestamp(item.st_mtime or 0, UTC),
        is_directory=stat.S_ISDIR(item.st_mode or 0),
    )


@contextmanager
def _mapped(path: str) -> Iterator[None]:
    """SFTP's few answers about one file as ours; paramiko gives them an errno, or none for a plain failure."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"{path}: no such file") from error
    except PermissionError as error:
        raise AccessDenied(f"{path}: permission denied") from error
    except OSError as error:
        if isinstance(error, (ConnectionError, TimeoutError)) or "closed" in str(error).lower():
            raise
        if error.errno == errno.ENOENT:
            raise NotFound(f"{path}: no such file") from error
        if "nsupported" in str(error):
            raise Unsupported(f"{path}: the host's SFTP can't do this") from error
        raise AccessDenied(f"{path}: the host refused ({error})") from error
