"""SMB 2 and 3: a host's files over its administrative share, signed, with one log-on per connection."""

import hashlib
import secrets
import struct
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import ClassVar

from cryptography.exceptions import InvalidTag
from smbprotocol.exceptions import SMBException, SMBResponseException
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

from unloop.channels.base import Channel, Deadline, Target
from unloop.channels.mapping import connected, mapped
from unloop.channels.smb_errors import logging_on, status_of, translated
from unloop.channels.smb_link import SmbConnection
from unloop.channels.smb_options import PAGE_FILE, PORT, SmbOptions, boot_identity, boot_untold
from unloop.channels.smb_service import run_service_command
from unloop.channels.smb_status import STATUS_OBJECT_PATH_NOT_FOUND
from unloop.channels.smb_tree import Listed, SmbTree
from unloop.errors import ChannelError, ConnectionLost, LogonUndecided
from unloop.model.files import FileEntry
from unloop.model.patterns import join
from unloop.model.power import BootIdentity

GARBLED = (SMBException, ValueError, KeyError, IndexError, TypeError, OverflowError, struct.error, InvalidTag)
"""What smbprotocol raises on an answer that it can't read."""


class SmbChannel(Channel):
    """Files over SMB. One connection, one session, one log-on; broken or silent hosts end with the deadline.

    The boot identity is a heuristic: the last write of ``pagefile.sys``, which Windows makes when it opens the page file
    at boot and, on some machines, at no other time. It is compared with other identities of this source only.
    """

    name: ClassVar[str] = "smb"
    default_port: ClassVar[int] = PORT
    title: ClassVar[str] = "Files over SMB 2 and 3, signed (Windows administrative shares)"
    Options: ClassVar[type[SmbOptions]] = SmbOptions

    def __init__(self, target: Target, deadline: Deadline) -> None:
        super().__init__(target, deadline)
        self._settings: SmbOptions = self.options
        self._connection: SmbConnection | None = None
        self._session: Session | None = None
        self._tree: SmbTree | None = None

    def open(self) -> None:
        """Connect, log on once, and open the share."""
        with self._mapped():
            connection = self._connection = SmbConnection(self.target.address, self.port, self.deadline)
            connection.connect(timeout=self.deadline.left())
        self._session = self._log_on(connection)
        with self._mapped(f"share {self._settings.share}"):
            self._tree = SmbTree(self.connect_tree(self._settings.share))

    def run_service_command(self, command_line: str, *, name: str = "") -> None:
        """Start a command as the local system, over the service control pipe; what comes of it is not told."""
        with self._mapped("service control"):
            run_service_command(self.connect_tree("IPC$"), command_line, name or f"unloop-{secrets.token_hex(4)}")

    def connect_tree(self, share: str) -> TreeConnect:
        """Open a share of the session."""
        if self._session is None:
            raise ConnectionLost("the channel is not open")
        tree = TreeConnect(self._session, rf"\\{self.target.address}\{share}")
        tree.connect()
        return tree

    def close(self) -> None:
        """End the connection, and session and handles with it."""
        connection, self._connection, self._session, self._tree = self._connection, None, None, None
        if connection is not None:
            connection.disconnect()

    def until(self, deadline: Deadline) -> None:
        """Whatever is asked from now on has until another deadline."""
        super().until(deadline)
        if self._connection is not None:
            self._connection.until(deadline)

    def list_directory(self, directory: str) -> tuple[FileEntry, ...]:
        """Every entry of a directory."""
        with self._mapped(directory):
            found = self._share.entries(self._relative(directory))
            return tuple(_entry(directory, listed) for listed in found)

    def read(self, path: str, *, limit: int) -> bytes:
        """The first ``limit`` bytes of a file."""
        content = bytearray()
        with self._mapped(path):
            for block in self._share.blocks(self._relative(path)):
                content += block
                if len(content) >= limit:
                    break
        return bytes(content[:limit])

    def sha256(self, path: str) -> str:
        """The SHA-256 of the whole file, lowercase hex."""
        digest = hashlib.sha256()
        with self._mapped(path):
            for block in self._share.blocks(self._relative(path)):
                digest.update(block)
        return digest.hexdigest()

    def move(self, source: str, destination: str) -> None:
        """Rename within the share, written through and flushed; never overwrites; makes the directories."""
        origin, goal = self._relative(source), self._relative(destination)
        with self._mapped(source):
            self._in_directory(goal, lambda: self._share.rename(origin, goal))

    def delete(self, path: str) -> None:
        """Delete one file."""
        with self._mapped(path):
            self._share.delete(self._relative(path))

    def write(self, path: str, content: bytes) -> None:
        """Write a new file, written through and flushed; never overwrites; makes the directories."""
        goal = self._relative(path)
        with self._mapped(path):
            self._in_directory(goal, lambda: self._share.write(goal, content))

    def boot_identity(self) -> BootIdentity:
        """The last write of the page file, as the root's listing shows it: a heuristic."""
        with self._mapped(PAGE_FILE):
            for listed in self._share.entries("", PAGE_FILE):
                return boot_identity(listed.modified)
            raise boot_untold(self._settings)

    @property
    def _share(self) -> SmbTree:
        if self._tree is None:
            raise ConnectionLost("the channel is not open")
        return self._tree

    def _log_on(self, connection: SmbConnection) -> Session:
        credential = self.target.credential
        if credential is None:
            raise LogonUndecided("no credential is given", host=self.target.host, channel=self.name)
        session = Session(
            connection,
            credential.username,
            credential.password.reveal(),
            require_encryption=self._settings.require_encryption,
            hostname_override=self._settings.server_name or None,
            auth_protocol=self._settings.auth,
        )
        with mapped(self.target, self.name, logging_on, *GARBLED):
            session.connect()
        return session

    def _in_directory(self, path: str, work: Callable[[], None]) -> None:
        """Work, and when the directory of a path is missing, make it and work again."""
        try:
            work()
        except SMBResponseException as error:
            if status_of(error) != STATUS_OBJECT_PATH_NOT_FOUND:
                raise
            self._share.make_directories(path.rpartition("\\")[0])
            work()

    def _relative(self, path: str) -> str:
        with self._mapped():
            return self._settings.relative(path)

    def _mapped(self, what: str = "") -> AbstractContextManager[None]:
        return mapped(self.target, self.name, lambda error: _meaning(error, what), *GARBLED, OSError)


def _meaning(error: Exception, what: str) -> ChannelError:
    if isinstance(error, OSError) and not isinstance(error, SMBException):
        return connected(error)
    return translated(error, what)


def _entry(directory: str, listed: Listed) -> FileEntry:
    return FileEntry(join(directory, listed.name), listed.name, listed.size, listed.modified, listed.is_directory)
