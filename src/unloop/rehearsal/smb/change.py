"""SET_INFO: rename, delete, resize and touch ([MS-SMB2] 3.3.5.21, [MS-FSCC] 2.4)."""

import struct
from collections.abc import Callable, Mapping

from unloop.rehearsal.filetree import FileTree
from unloop.rehearsal.smb import volume
from unloop.rehearsal.smb.create import APPEND_DATA, DELETE, WRITE_DATA
from unloop.rehearsal.smb.state import Call, Open, Path
from unloop.rehearsal.smb.status import Refused, Status
from unloop.rehearsal.smb.wire import text_of

_REQUEST = struct.Struct("<HBBIHHI16s")
_FILE = 1
_REPLACES, _DELETES, _IGNORES_READ_ONLY = 0x1, 0x1, 0x10


def set_info(call: Call) -> bytes:
    """Change one thing about the open."""
    kind, detail, length, start, _, _, file_id = call.unpack(_REQUEST)
    handle = call.open_of(file_id)
    if kind != _FILE:
        raise Refused(Status.NOT_SUPPORTED)
    if detail not in _CHANGES:
        raise Refused(Status.INVALID_INFO_CLASS)
    try:
        _CHANGES[detail](call, handle, call.buffer(start, length))
    except struct.error as error:
        raise Refused(Status.INFO_LENGTH_MISMATCH) from error
    return struct.pack("<H", 2)


def _files(call: Call) -> FileTree:
    return call.connection.host.files


def _basic(call: Call, handle: Open, data: bytes) -> None:
    _, _, written, _, attributes = struct.unpack_from("<4QI", data)
    volume.retouch(_files(call), handle.path, written=written, attributes=attributes)


def _rename(call: Call, handle: Open, data: bytes) -> None:
    replaces, length = struct.unpack_from("<B15xI", data)
    _move(call, handle, text_of(data[20 : 20 + length]), replaces=bool(replaces))


def _rename_ex(call: Call, handle: Open, data: bytes) -> None:
    flags, length = struct.unpack_from("<I12xI", data)
    _move(call, handle, text_of(data[20 : 20 + length]), replaces=bool(flags & _REPLACES))


def _move(call: Call, handle: Open, name: str, *, replaces: bool) -> None:
    """A rename needs the right to delete; what is replaced must be a file that can be written ([MS-FSA] 2.1.5.15.11)."""
    files, goal = _files(call), volume.path_of(handle.tree, name.removeprefix("\\"))
    if not handle.access & DELETE:
        raise Refused(Status.ACCESS_DENIED)
    if not handle.path or not goal:
        raise Refused(Status.INVALID_PARAMETER)
    volume.require_parent(files, goal)
    if files.exists(goal) and not files.same(handle.path, goal):
        if not replaces:
            raise Refused(Status.OBJECT_NAME_COLLISION)
        if files.stat(goal).is_directory or files.stat(goal).read_only:
            raise Refused(Status.ACCESS_DENIED)
        files.stat(handle.path)
        if files.is_held(goal):
            raise Refused(Status.ACCESS_DENIED)
        files.remove(goal)
    try:
        files.rename(handle.path, goal)
    except PermissionError as error:  # a directory, with an open file in it
        raise Refused(Status.ACCESS_DENIED) from error
    _follow(call, handle.path, goal)


def _follow(call: Call, source: Path, goal: Path) -> None:
    """Opens follow what was renamed under them."""
    files = _files(call)
    for session in call.connection.sessions.values():
        for other in session.opens.values():
            if files.same(other.path[: len(source)], source):
                other.path = goal + other.path[len(source) :]


def _disposition(call: Call, handle: Open, data: bytes) -> None:
    _mark(call, handle, deletes=bool(struct.unpack_from("<B", data)[0]), ignores_read_only=False)


def _disposition_ex(call: Call, handle: Open, data: bytes) -> None:
    flags = struct.unpack_from("<I", data)[0]
    _mark(call, handle, deletes=bool(flags & _DELETES), ignores_read_only=bool(flags & _IGNORES_READ_ONLY))


def _mark(call: Call, handle: Open, *, deletes: bool, ignores_read_only: bool) -> None:
    """[MS-FSA] 2.1.5.15.3."""
    files = _files(call)
    if not handle.access & DELETE:
        raise Refused(Status.ACCESS_DENIED)
    node = files.stat(handle.path)
    if deletes and not handle.path:
        raise Refused(Status.CANNOT_DELETE)
    if deletes and node.read_only:
        if not ignores_read_only:
            raise Refused(Status.CANNOT_DELETE)
        files.change(handle.path, modified=node.modified, read_only=False)
    if deletes and node.is_directory and files.children(handle.path):
        raise Refused(Status.DIRECTORY_NOT_EMPTY)
    handle.deletes = deletes


def _end_of_file(call: Call, handle: Open, data: bytes) -> None:
    length = struct.unpack_from("<Q", data)[0]
    _require_write(handle)
    volume.resize(_files(call), handle.path, length)


def _allocation(call: Call, handle: Open, data: bytes) -> None:
    """Less than the file holds cuts it; more is only a wish."""
    length = struct.unpack_from("<Q", data)[0]
    _require_write(handle)
    if length < len(_files(call).stat(handle.path).content):
        volume.resize(_files(call), handle.path, length)


def _require_write(handle: Open) -> None:
    if handle.is_directory:
        raise Refused(Status.INVALID_PARAMETER)
    if not handle.access & (WRITE_DATA | APPEND_DATA):
        raise Refused(Status.ACCESS_DENIED)


def _nothing(_: Call, __: Open, data: bytes) -> None:
    """Position and mode are the client's own affair over SMB2."""
    struct.unpack_from("<I", data)


_CHANGES: Mapping[int, Callable[[Call, Open, bytes], None]] = {
    4: _basic,
    10: _rename,
    13: _disposition,
    14: _nothing,
    16: _nothing,
    19: _allocation,
    20: _end_of_file,
    64: _disposition_ex,
    65: _rename_ex,
}
