"""QUERY_INFO: what is known of a file, the volume and its security ([MS-SMB2] 3.3.5.20, [MS-FSCC] 2.4, 2.5)."""

import struct
from collections.abc import Callable, Mapping

from unloop.rehearsal.filetree import FileTree, Node
from unloop.rehearsal.smb import volume
from unloop.rehearsal.smb.content import check_size
from unloop.rehearsal.smb.state import Call, Open
from unloop.rehearsal.smb.status import Refused, Status

_REQUEST = struct.Struct("<HBBIHHIII16s")
_FILE, _VOLUME, _SECURITY = 1, 2, 3
_CLUSTERS, _FREE = 16_000_000, 8_000_000
_FEATURES = 0x1 | 0x2 | 0x4 | 0x8
"""Case is minded in searches, kept in names; Unicode; persistent ACLs ([MS-FSCC] 2.5.1)."""
_SERIAL = 0x756E6C70
_SHORT_NAME = 21
"""Names of 8.3 characters are not made on this volume."""


def query_info(call: Call) -> bytes:
    """Answer about the open; what does not fit is cut off with BUFFER_OVERFLOW or refused."""
    kind, detail, room, *_, wanted, _, file_id = call.unpack(_REQUEST)
    handle = call.open_of(file_id)
    check_size(call, room)
    files = call.connection.host.files
    if kind == _FILE:
        data, can_cut = _about_file(files, handle, detail), detail in _CUTTABLE
    elif kind == _VOLUME:
        data, can_cut = _about_volume(detail), detail in {1, 5}
    elif kind == _SECURITY:
        data, can_cut = _descriptor(wanted), False
        if len(data) > room:
            raise Refused(Status.BUFFER_TOO_SMALL, struct.pack("<HBBII", 9, 0, 0, 4, len(data)))
    else:
        raise Refused(Status.NOT_SUPPORTED if kind == 4 else Status.INVALID_PARAMETER)
    if len(data) <= room:
        return _answer(data)
    if can_cut and room >= 8:
        raise Refused(Status.BUFFER_OVERFLOW, _answer(data[:room]))
    raise Refused(Status.INFO_LENGTH_MISMATCH)


def _answer(data: bytes) -> bytes:
    return struct.pack("<HHI", 9, 72, len(data)) + data


def _about_file(files: FileTree, handle: Open, detail: int) -> bytes:
    if detail == _SHORT_NAME:
        raise Refused(Status.OBJECT_NAME_NOT_FOUND)
    try:
        form = _FILE_FORMS[detail]
    except KeyError:
        raise Refused(Status.INVALID_INFO_CLASS) from None
    return form(files, handle, files.stat(handle.path))


def _basic(_: FileTree, __: Open, node: Node) -> bytes:
    return struct.pack("<4QII", *volume.times_of(node), volume.attributes_of(node), 0)


def _standard(_: FileTree, handle: Open, node: Node) -> bytes:
    sizes = volume.allocated(node), len(node.content)
    return struct.pack("<QQIBBH", *sizes, 1, handle.deletes, node.is_directory, 0)


def _internal(files: FileTree, handle: Open, _: Node) -> bytes:
    return struct.pack("<Q", volume.identity_of(files, handle.path))


def _zero(_: FileTree, __: Open, ___: Node) -> bytes:
    return bytes(4)


def _access(_: FileTree, handle: Open, __: Node) -> bytes:
    return struct.pack("<I", handle.access)


def _position(_: FileTree, __: Open, ___: Node) -> bytes:
    return bytes(8)


def _name(_: FileTree, handle: Open, __: Node) -> bytes:
    name = ("\\" + "\\".join(handle.path)).encode("utf-16-le", "surrogatepass")
    return struct.pack("<I", len(name)) + name


def _plain_name(_: FileTree, handle: Open, __: Node) -> bytes:
    name = "\\".join(handle.path).encode("utf-16-le", "surrogatepass")
    return struct.pack("<I", len(name)) + name


def _all(files: FileTree, handle: Open, node: Node) -> bytes:
    parts = (_basic, _standard, _internal, _zero, _access, _position, _zero, _zero, _name)
    return b"".join(part(files, handle, node) for part in parts)


def _network_open(_: FileTree, __: Open, node: Node) -> bytes:
    sizes = volume.allocated(node), len(node.content)
    return struct.pack("<4QQQII", *volume.times_of(node), *sizes, volume.attributes_of(node), 0)


def _attribute_tag(_: FileTree, __: Open, node: Node) -> bytes:
    return struct.pack("<II", volume.attributes_of(node), 0)


def _streams(_: FileTree, __: Open, node: Node) -> bytes:
    if node.is_directory:
        return b""
    name = "::$DATA".encode("utf-16-le")
    return struct.pack("<IIQQ", 0, len(name), len(node.content), volume.allocated(node)) + name


def _compression(_: FileTree, __: Open, node: Node) -> bytes:
    return struct.pack("<QQ", len(node.content), 0)


_FILE_FORMS: Mapping[int, Callable[[FileTree, Open, Node], bytes]] = {
    4: _basic,
    5: _standard,
    6: _internal,
    7: _zero,
    8: _access,
    9: _name,
    14: _position,
    16: _zero,
    17: _zero,
    18: _all,
    22: _streams,
    28: _compression,
    34: _network_open,
    35: _attribute_tag,
    48: _plain_name,
}
_CUTTABLE = frozenset({9, 18, 22, 48})


def _about_volume(detail: int) -> bytes:
    label, system = "Windows".encode("utf-16-le"), "NTFS".encode("utf-16-le")
    answers = {
        1: struct.pack("<QIIBB", 0, _SERIAL, len(label), 0, 0) + label,
        3: struct.pack("<QQII", _CLUSTERS, _FREE, 8, 512),
        4: struct.pack("<II", 7, 0x20),
        5: struct.pack("<III", _FEATURES, 255, len(system)) + system,
        7: struct.pack("<QQQII", _CLUSTERS, _FREE, _FREE, 8, 512),
        8: bytes(64),
        11: struct.pack("<IIIIIII", 512, 512, 512, 512, 3, 0, 0),
    }
    if detail not in answers:
        raise Refused(Status.INVALID_INFO_CLASS)
    return answers[detail]


def _descriptor(wanted: int) -> bytes:
    """Administrators own everything and may do everything ([MS-DTYP] 2.4.6), as far as it is asked for."""
    administrators = struct.pack("<BB6sII", 1, 2, b"\0\0\0\0\0\5", 32, 544)
    entry = struct.pack("<BBHI", 0, 3, 8 + len(administrators), 0x1F01FF) + administrators
    listing = struct.pack("<BBHHH", 2, 0, 8 + len(entry), 1, 0) + entry
    parts, offsets, place = b"", [0, 0, 0, 0], 20
    for index, (bit, part) in enumerate(((1, administrators), (2, administrators), (8, b""), (4, listing))):
        if wanted & bit and part:
            offsets[index] = place + len(parts)
            parts += part
    control = 0x8000 | (0x4 if wanted & 4 else 0)
    return struct.pack("<BBHIIII", 1, 0, control, *offsets) + parts
