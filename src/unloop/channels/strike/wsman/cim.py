"""CIM_DataFile: files as WMI shows and moves them (CIMWin32 provider reference)."""

from collections.abc import Iterable, Iterator
from xml.etree import ElementTree as ET

from unloop.channels.strike.wsman.moments import moment_of
from unloop.channels.strike.wsman.soap import properties
from unloop.errors import AccessDenied, ChannelError, InUse, NotFound, ProtocolError, Unsupported
from unloop.model.files import FileEntry
from unloop.model.patterns import join, matches, split

CLASS = "CIM_DataFile"
_RETURNED: dict[int, tuple[type[ChannelError], str]] = {
    2: (AccessDenied, "access denied"),
    8: (Unsupported, "the provider failed and does not say why"),
    9: (NotFound, "there is no such file"),
    10: (AccessDenied, "the name is taken; nothing is overwritten"),
    11: (Unsupported, "the file system is not NTFS"),
    12: (Unsupported, "the platform is not Windows"),
    13: (Unsupported, "on another volume"),
    14: (AccessDenied, "directory not empty"),
    15: (InUse, "in use by another process"),
    16: (Unsupported, "invalid start file"),
    17: (AccessDenied, "privilege not held"),
    21: (Unsupported, "invalid parameter"),
}
"""Return values of Rename and Delete in class CIM_DataFile."""


def failure_of(answer: ET.Element) -> ChannelError | None:
    """What the answer of Rename or Delete means: None when it was done; raises ProtocolError."""
    code = return_value(answer)
    if code == 0:
        return None
    kind, words = _RETURNED.get(code, (Unsupported, "it was not done"))
    return kind(f"{words} (CIM_DataFile returned {code})")


def return_value(answer: ET.Element) -> int:
    """What a method returned; raises ProtocolError."""
    return _number(properties(answer).get("ReturnValue", ""), "the host does not say what came of it")


def entries(instances: Iterable[ET.Element], directory: str, pattern: str) -> Iterator[FileEntry]:
    """The files that the pattern means; raises ProtocolError for one of another directory, or without size or time."""
    place = split(join(directory, "*"))[0].lower()
    for instance in instances:
        found = properties(instance)
        path = found.get("Name", "")
        where, name = split(path)
        if where.lower() != place:
            raise ProtocolError(f"the host lists a file that is not in {directory}")
        if matches(pattern, name, case_sensitive=False):
            yield entry(found, join(directory, name))


def entry(found: dict[str, str], path: str) -> FileEntry:
    """One file, by the properties of its instance; raises ProtocolError."""
    size = _number(found.get("FileSize", ""), f"the host does not tell the size of {path}")
    return FileEntry(path, split(path)[1], size, moment_of(found.get("LastModified", "")))


def _number(text: str, otherwise: str) -> int:
    plain = text.strip()
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 20):
        raise ProtocolError(otherwise)
    return int(plain)
