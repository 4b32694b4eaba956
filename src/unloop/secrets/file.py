"""Secrets from files that only their owner can read: ``file:PATH``."""

import os
import stat
from pathlib import Path

from unloop.errors import SecretError
from unloop.secrets.secret import Secret

LARGEST = 1 << 20
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
"""A pipe is refused, not waited for."""
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read(reference: str) -> Secret:
    """The content of a file without its last newline; a file that others can open is refused unread."""
    path = Path(reference).expanduser()
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | _NO_WAIT), "rb") as file:
            _check(path, os.fstat(file.fileno()))
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise SecretError(f"can't read the secret file {path}: {error.strerror}") from error
    if len(content) > LARGEST:
        raise SecretError(f"the secret file {path} is larger than {LARGEST} bytes")
    text = _decoded(content)
    if text is None:
        raise SecretError(f"the secret file {path} is not UTF-8")
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise SecretError(f"the secret file {path} is empty")
    return Secret(text)


def _check(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise SecretError(f"the secret file {path} is not a regular file")
    if os.name == "posix" and status.st_mode & OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        raise SecretError(f"the secret file {path} can be opened by others (mode {mode:04o}): run chmod 600 {path}")


def _decoded(content: bytes) -> str | None:
    """The text, or None; a UnicodeDecodeError would carry the secret, so it doesn't leave this function."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None
