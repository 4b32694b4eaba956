"""Paths and patterns on a host: which file names a pattern means, on Windows and on Linux. Pure, no IO.

A path that starts with ``/`` is Linux's and minds case; any other is Windows' and does not. Only ``*`` and ``?`` are
wildcards, and only in the last component; ``[`` is a plain character, as it is on Windows.
"""

import hashlib
import re
from functools import lru_cache


def is_posix(path: str) -> bool:
    """Whether a path is Linux's; it then minds case."""
    return path.startswith("/")


def split(path: str) -> tuple[str, str]:
    """The directory and the last component; the directory of ``C:\\x`` is ``C:\\``, that of ``/x`` is ``/``."""
    separator = "/" if is_posix(path) else "\\"
    directory, _, name = path.rpartition(separator)
    if directory in {"", "/"} or (directory.endswith(":") and len(directory) == len("C:")):
        directory += separator
    return directory, name


def join(directory: str, name: str) -> str:
    """The path of a name in a directory."""
    separator = "/" if is_posix(directory) else "\\"
    return directory + name if directory.endswith(separator) else directory + separator + name


def has_wildcard(text: str) -> bool:
    """Whether a text holds a wildcard."""
    return "*" in text or "?" in text


def matches(pattern: str, name: str, *, case_sensitive: bool) -> bool:
    """Whether a file's name is meant by the last component of a pattern."""
    return (
        _compiled(pattern if case_sensitive else pattern.lower()).fullmatch(name if case_sensitive else name.lower())
        is not None
    )


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(character) or re.escape(character) for character in pattern), re.DOTALL)


def quarantine_name(path: str, number: int = 0) -> str:
    """The name of a file in quarantine: no glob of a playbook and no pattern of a driver matches it.

    It is the SHA-256 of the path (in lowercase on Windows); ``number`` above 0 tells a second file of that path apart.
    """
    text = path if is_posix(path) else path.lower()
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{digest}-{number}.q" if number else f"{digest}.q"


def flattened(path: str) -> str:
    """The place at the volume's root that stands for one below it, where no directory can be made.

    ``C:\\unloop-quarantine\\c1\\x.q`` becomes ``C:\\unloop-quarantine-c1-x.q``: still no name that a glob means.
    """
    root, separator, below = path.partition("\\")
    return root + separator + below.replace("\\", "-")
