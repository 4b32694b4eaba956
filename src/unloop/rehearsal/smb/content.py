"""READ, WRITE and FLUSH ([MS-SMB2] 3.3.5.11 to 3.3.5.13)."""

import struct

from unloop.rehearsal.smb import volume
from unloop.rehearsal.smb.create import APPEND_DATA, EXECUTE, READ_DATA, WRITE_DATA
from unloop.rehearsal.smb.state import Call
from unloop.rehearsal.smb.status import Refused, Status

_READ = struct.Struct("<HBBIQ16sIIIHH")
_READ_ANSWER = struct.Struct("<HBBIII")
_WRITE = struct.Struct("<HHIQ16sIIHHI")
_WRITE_ANSWER = struct.Struct("<HHIIHH")
_FLUSH = struct.Struct("<HHI16s")
_AT_END = 0xFFFFFFFFFFFFFFFF


def read(call: Call) -> bytes:
    """A part of a file, or the next message of a pipe."""
    _, _, length, offset, file_id, least, *_ = call.unpack(_READ)
    handle = call.open_of(file_id, takes_pipe=True)
    check_size(call, length)
    if handle.is_directory:
        raise Refused(Status.INVALID_DEVICE_REQUEST)
    if not handle.access & (READ_DATA | EXECUTE):
        raise Refused(Status.ACCESS_DENIED)
    if handle.pipe is not None:
        message, is_cut = handle.pipe.read(length)
        if is_cut:
            raise Refused(Status.BUFFER_OVERFLOW, _read_answer(message))
        return _read_answer(message)
    data = call.connection.host.files.stat(handle.path).content[offset : offset + length]
    if length and (not data or len(data) < least):
        raise Refused(Status.END_OF_FILE)
    return _read_answer(data)


def _read_answer(data: bytes) -> bytes:
    return _READ_ANSWER.pack(17, 64 + _READ_ANSWER.size, 0, len(data), 0, 0) + (data or b"\0")


def write(call: Call) -> bytes:
    """Change a part of a file, or add to it; a pipe takes a message."""
    start, length, offset, file_id, *_ = call.unpack(_WRITE)
    handle = call.open_of(file_id, takes_pipe=True)
    check_size(call, length)
    if handle.is_directory:
        raise Refused(Status.INVALID_DEVICE_REQUEST)
    if not handle.access & (WRITE_DATA | APPEND_DATA):
        raise Refused(Status.ACCESS_DENIED)
    data, files = call.buffer(start, length), call.connection.host.files
    if handle.pipe is not None:
        handle.pipe.write(data)
        return _WRITE_ANSWER.pack(17, 0, len(data), 0, 0, 0)
    content = files.stat(handle.path).content
    place = len(content) if offset == _AT_END or not handle.access & WRITE_DATA else offset
    if data:
        volume.splice(files, handle.path, place, data)
    return _WRITE_ANSWER.pack(17, 0, len(data), 0, 0, 0)


def flush(call: Call) -> bytes:
    """Memory is as good as a disk here; the right to write is needed all the same (3.3.5.11)."""
    _, _, file_id = call.unpack(_FLUSH)
    handle = call.open_of(file_id, takes_pipe=True)
    if not handle.access & (WRITE_DATA | APPEND_DATA):
        raise Refused(Status.ACCESS_DENIED)
    return struct.pack("<HH", 4, 0)


def check_size(call: Call, length: int) -> None:
    """What a request asks for must be paid for with credits ([MS-SMB2] 3.3.5.2.5); raises Refused."""
    connection = call.connection
    paid = max(1, call.header.credit_charge) * 65536
    if length > connection.largest or (connection.dialect > 0x202 and length > paid):
        raise Refused(Status.INVALID_PARAMETER)
