"""CREATE: open or make a file or a directory ([MS-SMB2] 3.3.5.9, [MS-FSA] 2.1.5.1)."""

import struct
from datetime import UTC, datetime
from enum import IntEnum

from unloop.rehearsal.filetree import FileTree, Node
from unloop.rehearsal.smb import volume
from unloop.rehearsal.smb.pipes import Pipe
from unloop.rehearsal.smb.state import MOST_OPENS, Call, Open, Path, ShareKind
from unloop.rehearsal.smb.status import Refused, Status
from unloop.rehearsal.smb.wire import text_of

_REQUEST = struct.Struct("<HBBIQQIIIIIHHII")
_RESPONSE = struct.Struct("<HBBIQQQQQQII16sII")
WRITE_DATA, APPEND_DATA, READ_DATA, EXECUTE, DELETE = 0x2, 0x4, 0x1, 0x20, 0x10000
ALL_ACCESS = 0x1F01FF
_GENERIC = (
    (0x10000000, ALL_ACCESS),
    (0x02000000, ALL_ACCESS),
    (0x20000000, 0x1200A0),
    (0x40000000, 0x120116),
    (0x80000000, 0x120089),
)
"""GENERIC_ALL, MAXIMUM_ALLOWED, EXECUTE, WRITE and READ as the rights that they stand for ([MS-SMB2] 2.2.13.1)."""
_PIPE_ROOM, _NORMAL = 4096, 0x80
_IS_DIRECTORY, _NO_DIRECTORY, _DELETE_ON_CLOSE = 0x1, 0x40, 0x1000
_SHARES_READING = 0x1


class Disposition(IntEnum):
    """[MS-SMB2] 2.2.13."""

    SUPERSEDE = 0
    OPEN = 1
    CREATE = 2
    OPEN_IF = 3
    OVERWRITE = 4
    OVERWRITE_IF = 5


class Action(IntEnum):
    """What CREATE did ([MS-SMB2] 2.2.14)."""

    SUPERSEDED = 0
    OPENED = 1
    CREATED = 2
    OVERWRITTEN = 3


_NEEDS_IT = frozenset({Disposition.OPEN, Disposition.OVERWRITE})
_REPLACES = frozenset({Disposition.SUPERSEDE, Disposition.OVERWRITE, Disposition.OVERWRITE_IF})


def create(call: Call) -> bytes:
    """Open or make what a name means and answer with its handle."""
    fields = call.unpack(_REQUEST)
    wanted, attributes, shared, disposition, options, start, length = (fields[place] for place in range(5, 12))
    tree = call.tree
    if disposition not in set(Disposition) or (options & _IS_DIRECTORY and options & _NO_DIRECTORY):
        raise Refused(Status.INVALID_PARAMETER)
    session = call.proven
    if len(session.opens) >= MOST_OPENS:
        raise Refused(Status.INSUFFICIENT_RESOURCES)
    if tree.kind is ShareKind.PIPE:
        return _open_pipe(call, text_of(call.buffer(start, length)), Disposition(disposition), granted(wanted))
    files, path = call.connection.host.files, volume.path_of(tree, text_of(call.buffer(start, length)))
    access = granted(wanted)
    if options & _DELETE_ON_CLOSE and not access & DELETE:
        raise Refused(Status.INVALID_PARAMETER)
    demand_sharing(files, path, access, shared, Disposition(disposition))
    action = _make(files, path, Disposition(disposition), options, attributes, access)
    node = files.stat(path)
    if options & _DELETE_ON_CLOSE and (node.read_only or not path):
        raise Refused(Status.CANNOT_DELETE)
    deletes = bool(options & _DELETE_ON_CLOSE)
    handle = Open(next(call.connection.numbers), tree, path, node.is_directory, access, deletes)
    session.opens[handle.number] = handle
    call.file_id = handle.file_id
    return _answer(handle, node, action)


def _open_pipe(call: Call, name: str, disposition: Disposition, access: int) -> bytes:
    """A pipe can be opened only: whoever serves it has made it."""
    make = call.connection.host.pipes.get(name.removeprefix("\\").casefold())
    if make is None:
        raise Refused(Status.OBJECT_NAME_NOT_FOUND)
    if disposition not in {Disposition.OPEN, Disposition.OPEN_IF}:
        raise Refused(Status.ACCESS_DENIED)
    handle = Open(next(call.connection.numbers), call.tree, (), False, access, pipe=Pipe(make()))
    call.proven.opens[handle.number] = handle
    call.file_id = handle.file_id
    return _RESPONSE.pack(89, 0, 0, Action.OPENED, 0, 0, 0, 0, _PIPE_ROOM, 0, _NORMAL, 0, handle.file_id, 0, 0)


def granted(wanted: int) -> int:
    """The rights that a client gets: all that it asks for, generic ones written out."""
    for generic, rights in _GENERIC:
        if wanted & generic:
            wanted = (wanted & ~generic) | rights
    return wanted & ALL_ACCESS


def demand_sharing(files: FileTree, path: Path, access: int, shared: int, disposition: Disposition) -> None:
    """Who holds a file reads it, and lets others do no more; raises Refused ([MS-FSA] 2.1.5.1.2.2)."""
    if not files.is_held(path) or disposition is Disposition.CREATE:
        return
    changes = access & (WRITE_DATA | APPEND_DATA | DELETE) or disposition in _REPLACES
    if changes or (access & (READ_DATA | EXECUTE) and not shared & _SHARES_READING):
        raise Refused(Status.SHARING_VIOLATION)


def _make(files: FileTree, path: Path, disposition: Disposition, options: int, attributes: int, access: int) -> Action:
    if files.exists(path):
        return _open(files, path, disposition, options, access)
    volume.require_parent(files, path)
    if disposition in _NEEDS_IT:
        raise Refused(Status.OBJECT_NAME_NOT_FOUND)
    if options & _IS_DIRECTORY:
        if disposition in _REPLACES:
            raise Refused(Status.INVALID_PARAMETER)
        files.make_directory(path, modified=datetime.now(UTC))
    else:
        read_only = bool(attributes & volume.READ_ONLY)
        files.write(path, b"", modified=datetime.now(UTC), read_only=read_only)
    return Action.CREATED


def _open(files: FileTree, path: Path, disposition: Disposition, options: int, access: int) -> Action:
    node = files.stat(path)
    if disposition is Disposition.CREATE:
        raise Refused(Status.OBJECT_NAME_COLLISION)
    if options & _IS_DIRECTORY and not node.is_directory:
        raise Refused(Status.NOT_A_DIRECTORY)
    if node.is_directory and (options & _NO_DIRECTORY or disposition in _REPLACES):
        raise Refused(Status.FILE_IS_A_DIRECTORY if options & _NO_DIRECTORY else Status.OBJECT_NAME_COLLISION)
    changes = bool(access & (WRITE_DATA | APPEND_DATA)) or disposition in _REPLACES
    if node.read_only and changes:
        raise Refused(Status.ACCESS_DENIED)
    if disposition not in _REPLACES:
        return Action.OPENED
    volume.put(files, path, b"")
    return Action.SUPERSEDED if disposition is Disposition.SUPERSEDE else Action.OVERWRITTEN


def _answer(handle: Open, node: Node, action: Action) -> bytes:
    return _RESPONSE.pack(
        89,
        0,
        0,
        action,
        *volume.times_of(node),
        volume.allocated(node),
        len(node.content),
        volume.attributes_of(node),
        0,
        handle.file_id,
        0,
        0,
    )
