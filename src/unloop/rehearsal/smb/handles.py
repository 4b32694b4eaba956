"""CLOSE, and what closing means to a file that is to be deleted ([MS-SMB2] 3.3.5.10, [MS-FSA] 2.1.5.5)."""

import contextlib
import struct
from collections.abc import Iterable

from unloop.rehearsal.smb.state import Call, Connection, Open
from unloop.rehearsal.smb.volume import allocated, attributes_of, times_of

_REQUEST = struct.Struct("<HHI16s")
_RESPONSE = struct.Struct("<HHI")
_WITH_ATTRIBUTES = 1


def close(call: Call) -> bytes:
    """Close an open; the last word on a file that is to be deleted."""
    flags, _, file_id = call.unpack(_REQUEST)
    handle = call.open_of(file_id, takes_pipe=True)
    files = call.connection.host.files
    answer = bytes(52)
    if flags & _WITH_ATTRIBUTES and handle.pipe is None and files.exists(handle.path):
        node = files.stat(handle.path)
        times = struct.pack("<4Q", *times_of(node))
        answer = times + struct.pack("<QQI", allocated(node), len(node.content), attributes_of(node))
    else:
        flags = 0
    del call.proven.opens[handle.number]
    close_all(call.connection, (handle,))
    return _RESPONSE.pack(60, flags & _WITH_ATTRIBUTES, 0) + answer


def close_all(connection: Connection, handles: Iterable[Open]) -> None:
    """Let go of opens; what is to be deleted goes now, unless it can't."""
    for handle in tuple(handles):
        if handle.pipe is not None:
            handle.pipe.close()
        if handle.deletes:
            with contextlib.suppress(OSError):
                connection.host.files.remove(handle.path)
