"""Whether an SSH host key is the host's: known-hosts files, read strictly, and written only where asked to."""

import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from paramiko import PKey

from unloop.channels.ssh_known import Book, book_of
from unloop.errors import UntrustedPeer

DEFAULT_PORT = 22


class HostKeyPolicy(StrEnum):
    """What to do with the key of a host that no file knows."""

    STRICT = "strict"
    """Refuse it."""
    ACCEPT_NEW = "accept_new"
    """Write it down and trust it from now on. A key that changed is refused all the same."""


@dataclass(frozen=True, slots=True)
class KnownHosts:
    """One known-hosts file, and the names under which one host may stand in it. Patterns with ``*`` are not understood."""

    path: Path
    names: tuple[str, ...]

    @classmethod
    def of(cls, path: str, *, names: Sequence[str], port: int) -> "KnownHosts":
        """The file, and the host's names as OpenSSH writes them: ``name``, or ``[name]:port``."""
        plain = [name.lower() for name in names if name]  # as OpenSSH does: names of hosts mind no case
        written = [name if port == DEFAULT_PORT else f"[{name}]:{port}" for name in plain]
        return cls(Path(path).expanduser(), tuple(dict.fromkeys(written)))

    def key_types(self) -> tuple[str, ...]:
        """The types of key that the file knows for this host."""
        return tuple(dict.fromkeys(kind for kind, _ in self._book().keys_of(self.names)))

    def check(self, key: PKey, policy: HostKeyPolicy) -> None:
        """Return when the key is the host's; raises UntrustedPeer when it is not, or not known and not to be accepted."""
        book, shown = self._book(), key.asbytes()
        if shown in book.revoked:
            raise UntrustedPeer(f"the host key {key.fingerprint} is revoked in {self.path}")
        known = book.keys_of(self.names)
        if any(blob == shown for _, blob in known):
            return
        if known:
            raise UntrustedPeer(f"the host key has changed: {key.fingerprint} is not the one in {self.path}")
        if policy is HostKeyPolicy.STRICT:
            hint = "add it, or set the option host_keys to accept_new"
            raise UntrustedPeer(f"the host key {key.fingerprint} is not in {self.path}; {hint}")
        self._record(key)

    def _book(self) -> Book:
        try:
            return book_of(self.path)
        except (OSError, ValueError) as error:
            raise UntrustedPeer(f"the known hosts in {self.path} can't be read: {error}") from error

    def _record(self, key: PKey) -> None:
        """Append one line under a lock, in one write; another worker may have written another key meanwhile."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "r+b", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if self.key_types():
                    self.check(key, HostKeyPolicy.STRICT)
                    return
                text = file.read() or b""
                start = "" if not text or text.endswith(b"\n") else "\n"
                file.write(f"{start}{self.names[0]} {key.get_name()} {key.get_base64()}\n".encode())
                os.fsync(file.fileno())
        except OSError as error:
            raise UntrustedPeer(f"the host key can't be written to {self.path}: {error.strerror}") from error
