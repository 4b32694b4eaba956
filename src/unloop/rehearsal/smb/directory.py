"""QUERY_DIRECTORY: listings, with patterns, in pages ([MS-SMB2] 3.3.5.18, [MS-FSCC] 2.4)."""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from unloop.rehearsal.filetree import FileTree, Node
from unloop.rehearsal.smb import patterns, volume
from unloop.rehearsal.smb.content import check_size
from unloop.rehearsal.smb.state import Call, Open, Path, Search
from unloop.rehearsal.smb.status import Refused, Status
from unloop.rehearsal.smb.wire import text_of

_REQUEST = struct.Struct("<HBBI16sHHI")
_RESTART, _SINGLE, _REOPEN = 0x1, 0x2, 0x10
_FOUND = tuple[str, Path, Node]
_Form = Callable[[bytes, Node, int], bytes]


def _head(node: Node) -> bytes:
    times = volume.times_of(node)
    return struct.pack("<4QQQI", *times, len(node.content), volume.allocated(node), volume.attributes_of(node))


def _directory(name: bytes, node: Node, _: int) -> bytes:
    return _head(node) + struct.pack("<I", len(name)) + name


def _full(name: bytes, node: Node, _: int) -> bytes:
    return _head(node) + struct.pack("<II", len(name), 0) + name


def _id_full(name: bytes, node: Node, identity: int) -> bytes:
    return _head(node) + struct.pack("<IIIQ", len(name), 0, 0, identity) + name


def _both(name: bytes, node: Node, _: int) -> bytes:
    return _head(node) + struct.pack("<IIBB24s", len(name), 0, 0, 0, b"") + name


def _id_both(name: bytes, node: Node, identity: int) -> bytes:
    return _head(node) + struct.pack("<IIBB24sHQ", len(name), 0, 0, 0, b"", 0, identity) + name


def _names(name: bytes, _: Node, __: int) -> bytes:
    return struct.pack("<I", len(name)) + name


_FORMS: Mapping[int, _Form] = {1: _directory, 2: _full, 3: _both, 12: _names, 37: _id_both, 38: _id_full}
"""By the class of information ([MS-FSCC] 2.4), each without NextEntryOffset and FileIndex."""


def query_directory(call: Call) -> bytes:
    """The next page of a listing; raises Refused with NO_SUCH_FILE or NO_MORE_FILES when there is none."""
    kind, flags, _, file_id, start, length, room = call.unpack(_REQUEST)
    handle = call.open_of(file_id)
    check_size(call, room)
    if not handle.is_directory:
        raise Refused(Status.INVALID_PARAMETER)
    if kind not in _FORMS:
        raise Refused(Status.INVALID_INFO_CLASS)
    files, pattern = call.connection.host.files, text_of(call.buffer(start, length))
    if handle.search is None or flags & (_RESTART | _REOPEN):
        chosen = pattern if handle.search is None or flags & _REOPEN else pattern or handle.search.pattern
        handle.search = Search(chosen, _entries(files, handle, chosen))
    search = handle.search
    data = _page(files, search, _FORMS[kind], room=room, single=bool(flags & _SINGLE))
    if not data:
        raise Refused(Status.NO_MORE_FILES if search.has_found else Status.NO_SUCH_FILE)
    search.has_found = True
    return struct.pack("<HHI", 9, 72, len(data)) + data


def _entries(files: FileTree, handle: Open, pattern: str) -> Iterator[_FOUND]:
    """The entries as they are when the listing begins; a volume's root has no dots."""
    found: list[_FOUND] = []
    if handle.path:
        node = files.stat(handle.path)
        found = [(".", handle.path, node), ("..", handle.path[:-1], files.stat(handle.path[:-1]))]
    found += [(node.name, (*handle.path, node.name), node) for node in files.children(handle.path)]
    return iter([entry for entry in found if patterns.fits(entry[0], pattern or "*")])


def _page(files: FileTree, search: Search, form: _Form, *, room: int, single: bool) -> bytes:
    page, last = bytearray(), 0
    while entry := search.pushed or next(search.entries, None):
        search.pushed = None
        name, path, node = entry
        identity = volume.identity_of(files, path)
        body = bytes(8) + form(name.encode("utf-16-le", "surrogatepass"), replace(node, name=name), identity)
        begin = -(-len(page) // 8) * 8
        if begin + len(body) > room:
            search.pushed = entry
            if not page:
                raise Refused(Status.INFO_LENGTH_MISMATCH)
            break
        if page:
            page[last : last + 4] = struct.pack("<I", begin - last)
        page += bytes(begin - len(page)) + body
        last = begin
        if single:
            break
    return bytes(page)
