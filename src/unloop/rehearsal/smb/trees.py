"""TREE_CONNECT, TREE_DISCONNECT, ECHO and IOCTL ([MS-SMB2] 3.3.5.7, 3.3.5.8, 3.3.5.15, 3.3.5.17)."""

import struct
from collections.abc import Mapping

from unloop.channels.strike.smb2.crypto import DIALECT_311
from unloop.rehearsal.smb.content import check_size
from unloop.rehearsal.smb.create import APPEND_DATA, READ_DATA, WRITE_DATA
from unloop.rehearsal.smb.handles import close_all
from unloop.rehearsal.smb.negotiate import DIALECTS, SIGNING_ENABLED, capabilities_of
from unloop.rehearsal.smb.pipes import TRANSCEIVE, control_answer
from unloop.rehearsal.smb.state import MOST_TREES, Call, Path, ShareKind, Tree
from unloop.rehearsal.smb.status import Hangup, Refused, Status
from unloop.rehearsal.smb.wire import text_of

SHARES: Mapping[str, tuple[ShareKind, Path]] = {
    "C$": (ShareKind.DISK, ()),
    "ADMIN$": (ShareKind.DISK, ("Windows",)),
    "IPC$": (ShareKind.PIPE, ()),
}
_CONNECT = struct.Struct("<HHHH")
_IOCTL = struct.Struct("<HHI16sIIIIIIII")
_VALIDATE, _REFERRALS, _REFERRALS_EX = 0x00140204, 0x00060194, 0x000601B0
_KINDS = {ShareKind.DISK: 1, ShareKind.PIPE: 2}


def tree_connect(call: Call) -> bytes:
    """Connect to a share by its last name; the name of the server is not looked at."""
    _, start, length = call.unpack(_CONNECT)
    session = call.proven
    if call.connection.dialect == DIALECT_311 and not call.is_protected:
        raise Hangup("a tree connect of 3.1.1 must be signed")
    if len(session.trees) >= MOST_TREES:
        raise Refused(Status.INSUFFICIENT_RESOURCES)
    name = text_of(call.buffer(start, length)).rpartition("\\")[2].upper()
    if name not in SHARES:
        raise Refused(Status.BAD_NETWORK_NAME)
    kind, root = SHARES[name]
    tree = Tree(next(call.connection.numbers), name, kind, root)
    session.trees[tree.number] = tree
    call.tree_id = tree.number
    return struct.pack("<HBBIII", 16, _KINDS[kind], 0, 0x30, 0, 0x1F01FF)


def tree_disconnect(call: Call) -> bytes:
    """Let go of a share and of what is open in it."""
    session, tree = call.proven, call.tree
    opens = [handle for handle in session.opens.values() if handle.tree is tree]
    for handle in opens:
        del session.opens[handle.number]
    close_all(call.connection, opens)
    del session.trees[tree.number]
    return struct.pack("<HH", 4, 0)


def echo(call: Call) -> bytes:
    """Say that the server is there."""
    call.unpack(struct.Struct("<HH"))
    return struct.pack("<HH", 4, 0)


def control(call: Call) -> bytes:
    """A message through a pipe, and the few control codes that clients send unasked."""
    _, code, file_id, start, length, _, _, _, room, *_ = call.unpack(_IOCTL)
    if call.tree_id not in call.proven.trees:
        raise Refused(Status.NETWORK_NAME_DELETED)
    if code == TRANSCEIVE:
        return _transceive(call, file_id, call.buffer(start, length), room)
    if code in {_REFERRALS, _REFERRALS_EX}:
        raise Refused(Status.NOT_FOUND)
    if code != _VALIDATE:
        raise Refused(Status.NOT_SUPPORTED)
    return control_answer(code, file_id, _validated(call, call.buffer(start, length)))


def _transceive(call: Call, file_id: bytes, data: bytes, room: int) -> bytes:
    handle = call.open_of(file_id, takes_pipe=True)
    check_size(call, max(len(data), room))
    if handle.pipe is None:
        raise Refused(Status.NOT_SUPPORTED)
    if not handle.access & READ_DATA or not handle.access & (WRITE_DATA | APPEND_DATA):
        raise Refused(Status.ACCESS_DENIED)
    message, is_cut = handle.pipe.transceive(data, room)
    answer = control_answer(TRANSCEIVE, handle.file_id, message)
    if is_cut:
        raise Refused(Status.BUFFER_OVERFLOW, answer)
    return answer


def _validated(call: Call, data: bytes) -> bytes:
    """Whether nobody changed the negotiation on its way; if someone did, the connection ends (3.3.5.15.12)."""
    connection, client = call.connection, call.connection.client
    capabilities, guid, mode, count = struct.unpack_from("<I16sHH", data)
    dialects = struct.unpack_from(f"<{count}H", data, 24)
    known = (client.capabilities, client.guid, client.security_mode) if client else ()
    chosen = next((dialect for dialect in DIALECTS if dialect in dialects), 0)
    if (capabilities, guid, mode) != known or chosen != connection.dialect:
        raise Hangup("the negotiation was changed on its way")
    return struct.pack("<I16sHH", capabilities_of(connection), connection.host.guid, SIGNING_ENABLED, chosen)
