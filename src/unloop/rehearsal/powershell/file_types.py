"""System.IO: files, directories and streams."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

from unloop.rehearsal.filetree import Node
from unloop.rehearsal.powershell import disk
from unloop.rehearsal.powershell.convert import text, to_int, truth
from unloop.rehearsal.powershell.enumerations import FILE_ACCESS, FILE_ATTRIBUTES, FILE_MODE, FILE_SHARE, number_in
from unloop.rehearsal.powershell.errors import NetError, NotUnderstood
from unloop.rehearsal.powershell.members import Members, Method, methods
from unloop.rehearsal.powershell.moments import DateTime
from unloop.rehearsal.powershell.state import DRIVE, LONGEST, OpenFile, Session, limit
from unloop.rehearsal.powershell.values import Array, Instance, Long, Value, inward

_LARGEST_FILE = 64 * 1024 * 1024
CREATE_NEW, CREATE, OPEN, OPEN_OR_CREATE, TRUNCATE, APPEND = 1, 2, 3, 4, 5, 6


class FileSystemInfo(Instance):
    """A file or directory as a listing showed it; it does not change with the disk."""

    def __init__(self, full: str, node: Node | None, shown: str = "") -> None:
        self.full, self.node, self._shown = full, node, shown

    @property
    def name(self) -> str:
        """The last component."""
        return self.full.rstrip("\\").rpartition("\\")[2] or self.full

    @property
    def known(self) -> Node:
        """What the listing showed; raises NotUnderstood where nothing is."""
        if self.node is None:
            raise NotUnderstood(f"what {self.type_name} tells of {self.full}, which is not there")
        return self.node

    def text(self) -> str:
        """The name in a listing, the path where somebody gave one."""
        return self._shown or self.name


class FileInfo(FileSystemInfo):
    """System.IO.FileInfo."""

    type_name: ClassVar[str] = "System.IO.FileInfo"


class DirectoryInfo(FileSystemInfo):
    """System.IO.DirectoryInfo."""

    type_name: ClassVar[str] = "System.IO.DirectoryInfo"


def file_at(full: str, node: Node, shown: str = "") -> FileSystemInfo:
    """The object for a node."""
    return DirectoryInfo(full, node, shown) if node.is_directory else FileInfo(full, node, shown)


def directory(session: Session, path: Value) -> DirectoryInfo:
    """new DirectoryInfo(path): it need not be there."""
    full = disk.full_path(session, path)
    node = disk.node_at(session.machine.files, disk.place_of(full)) if full[:2].upper() == DRIVE else None
    return DirectoryInfo(full, node, text(path))


def below(parent: str, name: str) -> str:
    """A name in a directory."""
    return f"{parent.rstrip(chr(92))}\\{name}"


def _get_files(session: Session, target: DirectoryInfo) -> Array:
    found = [
        FileInfo(below(target.full, inward(node.name)), node)
        for _, node in disk.children(session, target.full)
        if not node.is_directory
    ]
    return Array("System.IO.FileInfo", found)


class FileStream(Instance):
    """System.IO.FileStream: what it has read and written so far, of one file."""

    type_name: ClassVar[str] = "System.IO.FileStream"

    def __init__(self, full: str, place: disk.Place, content: bytes, opened: OpenFile, position: int) -> None:
        self.full, self.place, self.opened, self.position = full, place, opened, position
        self.content = bytearray(content)
        self.is_open, self.is_changed = True, False

    def demand(self, access: int) -> None:
        """That the stream is open and may do this; raises NetError."""
        if not self.is_open:
            raise NetError("System.ObjectDisposedException", "Cannot access a closed file.")
        if not self.opened.access & access:
            what = f"Stream does not support {'reading' if access == disk.READ else 'writing'}."
            raise NetError("System.NotSupportedException", what)


def _open(session: Session, path: Value, mode: Value, access: Value = None, share: Value = None) -> FileStream:
    full = disk.full_path(session, path)
    how = number_in(mode, FILE_MODE, "System.IO.FileMode", "Open")
    wanted = disk.WRITE if how == APPEND else disk.READ | disk.WRITE
    if access is not None:
        wanted = number_in(access, FILE_ACCESS, "System.IO.FileAccess", "Open")
    shared = 0 if share is None else number_in(share, FILE_SHARE, "System.IO.FileShare", "Open")
    if how in {CREATE_NEW, CREATE, TRUNCATE, APPEND} and not wanted & disk.WRITE:
        what = f"Combining FileMode: {_mode_name(how)} with FileAccess: Read is invalid."
        raise NetError("System.ArgumentException", what)
    place, content = _content(session, full, how, wanted, shared)
    opened = OpenFile(disk.key_of(place), wanted, shared)
    session.open_files.append(opened)
    return FileStream(full, place, content, opened, len(content) if how == APPEND else 0)


def _mode_name(mode: int) -> str:
    return next(name for name, number in FILE_MODE.items() if number == mode)


def _content(session: Session, full: str, how: int, wanted: int, shared: int) -> tuple[disk.Place, bytes]:
    """What the file holds once it is open; a new file is there from then on."""
    place = disk.place_of(full)
    node = disk.node_at(session.machine.files, place)
    if node is None and how not in {OPEN, TRUNCATE}:
        disk.write(session, place, b"", full)
        return place, b""
    place, node = disk.demand_file(session, full)
    if how == CREATE_NEW:
        raise NetError("System.IO.IOException", f"The file '{full}' already exists.", win32=80)
    if node.read_only and wanted & disk.WRITE:
        raise disk.denied(full)
    disk.demand_free(session, place, full, access=wanted, share=shared)
    if how in {CREATE, TRUNCATE}:
        disk.write(session, place, b"", full)
        return place, b""
    return place, node.content


def _read(session: Session, stream: FileStream, buffer: Value, offset: Value, count: Value) -> int:
    stream.demand(disk.READ)
    start, most = _span(buffer, offset, count)
    found = stream.content[stream.position : stream.position + most]
    buffer[start : start + len(found)] = found
    stream.position += len(found)
    return len(found)


def _write(session: Session, stream: FileStream, buffer: Value, offset: Value, count: Value) -> None:
    stream.demand(disk.WRITE)
    start, most = _span(buffer, offset, count)
    end = stream.position + most
    if end > _LARGEST_FILE:
        raise limit("a file that is too long for a simulated host")
    stream.content.extend(bytes(max(0, stream.position - len(stream.content))))
    stream.content[stream.position : end] = buffer[start : start + most]
    stream.position, stream.is_changed = end, True


def _span(buffer: Value, offset: Value, count: Value) -> tuple[int, int]:
    if not isinstance(buffer, bytearray):
        raise NotUnderstood("a buffer that is no byte[]")
    start, most = to_int(offset), to_int(count)
    if start < 0 or most < 0 or start + most > len(buffer):
        what = (
            "Offset and length were out of bounds for the array or count is greater than the number of elements from "
        )
        raise NetError("System.ArgumentException", f"{what}index to the end of the source collection.")
    return start, most


def _flush(session: Session, stream: FileStream, to_disk: Value = False) -> None:
    truth(to_disk)
    if not stream.is_open:
        raise NetError("System.ObjectDisposedException", "Cannot access a closed file.")
    if stream.is_changed:
        session.machine.files.write(stream.place, bytes(stream.content), modified=datetime.now(UTC))
        stream.is_changed = False


def _close(session: Session, stream: FileStream) -> None:
    if stream.is_open:
        _flush(session, stream)
        stream.is_open = False
        session.open_files.remove(stream.opened)


def _delete(session: Session, path: Value) -> None:
    disk.delete(session, disk.full_path(session, path))


def _move(session: Session, source: Value, destination: Value) -> None:
    disk.move(session, disk.full_path(session, source), disk.full_path(session, destination))


def _exists(session: Session, path: Value) -> bool:
    return disk.file_there(session, path)


def _set_attributes(session: Session, path: Value, attributes: Value) -> None:
    """The tree knows one attribute: read-only."""
    full = disk.full_path(session, path)
    wanted = number_in(attributes, FILE_ATTRIBUTES, "System.IO.FileAttributes", "SetAttributes")
    if _directory_exists(session, path):
        raise NotUnderstood("attributes of a directory")
    place, node = disk.demand_file(session, full)
    if wanted & ~(FILE_ATTRIBUTES["ReadOnly"] | FILE_ATTRIBUTES["Archive"] | FILE_ATTRIBUTES["Normal"]):
        raise NotUnderstood("file attributes other than ReadOnly, Archive and Normal")
    read_only = bool(wanted & FILE_ATTRIBUTES["ReadOnly"])
    session.machine.files.change(place, modified=node.modified, read_only=read_only)


def _read_all(session: Session, path: Value) -> bytearray:
    full = disk.full_path(session, path)
    place, node = disk.demand_file(session, full)
    disk.demand_free(session, place, full, access=disk.READ, share=disk.READ)
    if len(node.content) > LONGEST:
        raise limit("a file that is too long for a simulated host")
    session.budget.spend(len(node.content))
    return bytearray(node.content)


def _read_text(session: Session, path: Value) -> str:
    return inward(_read_all(session, path).decode("utf-8-sig", "replace"))


def _create_directory(session: Session, path: Value) -> DirectoryInfo:
    full = disk.full_path(session, path)
    disk.make_directory(session, full)
    return directory(session, full)


def _directory_exists(session: Session, path: Value) -> bool:
    try:
        node = disk.node_at(session.machine.files, disk.place_of(disk.full_path(session, path)))
    except NetError:
        return False
    return node is not None and node.is_directory


def _modified(kind: str) -> Value:
    return lambda info: DateTime.of(info.known.modified, kind)


_SHARED: Mapping[str, Value] = {
    "name": lambda info: info.name,
    "fullname": lambda info: info.full,
    "exists": lambda info: info.node is not None,
    "extension": lambda info: info.name[info.name.rindex(".") :] if "." in info.name else "",
    "lastwritetimeutc": _modified("Utc"),
    "lastwritetime": _modified("Local"),
}
_TO_STRING = Method("ToString", lambda _, target: text(target), (0,))
FILE_INFO = Members(
    {
        **_SHARED,
        "length": lambda info: Long(len(info.known.content)),
        "isreadonly": lambda info: info.known.read_only,
        "directoryname": lambda info: info.full.rpartition("\\")[0],
    },
    methods(_TO_STRING),
)
DIRECTORY_INFO = Members(_SHARED, methods(Method("GetFiles", _get_files, (0,)), _TO_STRING))
FILE_STREAM = Members(
    {"length": lambda stream: Long(len(stream.content)), "position": lambda stream: Long(stream.position)},
    methods(
        Method("Read", _read, (3,)),
        Method("Write", _write, (3,), is_void=True),
        Method("Flush", _flush, (0, 1), is_void=True),
        Method("Close", _close, (0,), is_void=True),
        Method("Dispose", _close, (0,), is_void=True),
    ),
)
FILE = Members(
    methods=methods(
        Method("Open", _open, (2, 3, 4)),
        Method("Move", _move, (2,), is_void=True),
        Method("Delete", _delete, (1,), is_void=True),
        Method("Exists", _exists, (1,)),
        Method("SetAttributes", _set_attributes, (2,), is_void=True),
        Method("ReadAllBytes", _read_all, (1,)),
        Method("ReadAllText", _read_text, (1,)),
    )
)
DIRECTORY = Members(
    methods=methods(
        Method("CreateDirectory", _create_directory, (1,)),
        Method("Exists", _directory_exists, (1,)),
    )
)
