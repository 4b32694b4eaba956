"""A file of host keys as OpenSSH keeps it (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT), read once as long as it stays the same.

A fleet of thousands has thousands of lines, and every strike looks its host up while the window is open.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

KINDS = frozenset({"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"})
"""Types of key that can be checked; lines with others are passed over."""
_HASHED = "|1|"
Key = tuple[str, bytes]
"""Its type, and the key itself."""


@dataclass(frozen=True, slots=True)
class Book:
    """What a file says: keys by plain name; salt, HMAC and key of hashed names; and the keys that are revoked."""

    plain: Mapping[str, tuple[Key, ...]]
    hashed: tuple[tuple[bytes, bytes, Key], ...]
    revoked: frozenset[bytes]

    def keys_of(self, names: Iterable[str]) -> list[Key]:
        """The keys that a host has under any of its names."""
        found: list[Key] = []
        for name in names:
            found += self.plain.get(name, ())
            said = name.encode()
            found += (key for salt, digest, key in self.hashed if hmac.digest(salt, said, "sha1") == digest)
        return found


def book_of(path: Path) -> Book:
    """The file as it is now, nothing where there is none; raises OSError, or ValueError for a line that is garbled."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return Book({}, (), frozenset())
    return _read(path, (found.st_ino, found.st_size, found.st_mtime_ns))


@lru_cache(maxsize=8)
def _read(path: Path, _identity: tuple[int, int, int]) -> Book:
    plain: dict[str, tuple[Key, ...]] = {}
    hashed: list[tuple[bytes, bytes, Key]] = []
    revoked: set[bytes] = set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fields = line.split()
        if len(fields) < 3 or fields[0].startswith("#"):
            continue
        try:
            if fields[0] == "@revoked":
                revoked.update(_blobs(fields[2:]))
            elif fields[1] in KINDS:
                key = (fields[1], _decoded(fields[2]))
                for name in fields[0].split(","):
                    if name.startswith(_HASHED):
                        hashed.append((*_salt_and_digest(name), key))
                    else:
                        plain[name.lower()] = (*plain.get(name.lower(), ()), key)
        except binascii.Error as error:
            raise ValueError(f"line {number}: {error}") from error
    return Book(plain, tuple(hashed), frozenset(revoked))


def _blobs(fields: Iterable[str]) -> Iterable[bytes]:
    """A revoked key stands behind the names and its type; whatever else is there is no key."""
    for field in fields:
        try:
            yield _decoded(field)
        except binascii.Error:
            continue


def _salt_and_digest(name: str) -> tuple[bytes, bytes]:
    salt, _, digest = name.removeprefix(_HASHED).partition("|")
    return _decoded(salt), _decoded(digest)


def _decoded(text: str) -> bytes:
    return base64.b64decode(text)
