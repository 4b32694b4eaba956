"""Queries in WQL ([MS-WMI] 2.2.1): what a playbook says in them is text, and never becomes a part of the query."""

from unloop.model.patterns import has_wildcard

LAST_BOOT = "SELECT LastBootUpTime FROM Win32_OperatingSystem"
_FILES = "SELECT Name,FileSize,LastModified FROM CIM_DataFile"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .-_~!@#$&()+,;={}")
"""Characters that mean themselves in LIKE, but for the underscore, which means any."""


def quoted(text: str) -> str:
    """A text as a literal: the quote and the backslash are escaped by a backslash ([MS-WMI] 2.2.1, WQL string)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def files_in(directory: str, pattern: str) -> str:
    """The files of a directory: all that the pattern means, and perhaps more.

    Drive and path are what the provider looks at to find the one directory; the rest makes the answer shorter.
    """
    drive, _, path = directory.partition(":")
    path = path if path.endswith("\\") else path + "\\"
    query = f"{_FILES} WHERE Drive={quoted(drive + ':')} AND Path={quoted(path)}"
    stem, dot, extension = pattern.rpartition(".")
    if not dot or has_wildcard(extension) or not _PLAIN.issuperset(extension):
        return query
    return f"{query} AND Extension={quoted(extension)} AND FileName LIKE {quoted(_wider(stem.lower()))}"


def file_named(path: str) -> str:
    """One file by its full path."""
    return f"{_FILES} WHERE Name={quoted(path)}"


def _wider(stem: str) -> str:
    """A pattern of LIKE that means all that ours means: what would need escaping there means anything."""
    return "".join({"*": "%", "?": "_"}.get(letter, letter if letter in _PLAIN else "%") for letter in stem)
