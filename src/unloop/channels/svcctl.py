"""The service control protocol, as much of it as one command needs: bytes in, bytes out, no IO.

DCE 1.1 RPC (C706, chapter 12) with NDR little-endian, and [MS-SCMR] 3.1.4. Only single fragments: every message here is
far shorter than one.
"""

import struct
import uuid
from enum import IntEnum

from unloop.errors import AccessDenied, ChannelError, ConnectionLost, NotFound, ProtocolError, Unsupported

INTERFACE = uuid.UUID("367abb81-9844-35f1-ad32-98f038001003").bytes_le + struct.pack("<HH", 2, 0)
"""[MS-SCMR] 1.9: the interface svcctl, version 2.0."""
NDR = uuid.UUID("8a885d04-1ceb-11c9-9fe8-08002b104860").bytes_le + struct.pack("<I", 2)
"""C706, appendix I: the transfer syntax NDR, version 2."""

FRAGMENT = 4280
HANDLE_LENGTH = 20
HEADER = struct.Struct("<BBBBIHHI")
WHOLE = 0x03
"""PFC_FIRST_FRAG and PFC_LAST_FRAG."""
LITTLE_ENDIAN = 0x10

SERVICE_ALL_ACCESS = 0xF01FF
SC_MANAGER_CONNECT_AND_CREATE = 0x3
SERVICE_WIN32_OWN_PROCESS = 0x10
SERVICE_DEMAND_START = 3
SERVICE_ERROR_IGNORE = 0
POINTER = b"\x01\x00\x02\x00"
NULL = bytes(4)

ERROR_SERVICE_REQUEST_TIMEOUT = 1053
"""What StartService answers for a program that is no service: it has run, or still runs."""
ERROR_SERVICE_EXISTS = 1073

_ERRORS: dict[int, tuple[type[ChannelError], str]] = {
    5: (AccessDenied, "access denied"),
    50: (Unsupported, "not supported"),
    1060: (NotFound, "no such service"),
    1084: (Unsupported, "in safe mode only services that are registered for it start"),
    1115: (ConnectionLost, "the host is shutting down"),
}


_FAULTS: dict[int, type[ChannelError]] = {5: AccessDenied, 0x1C010002: Unsupported}
"""Access denied, and nca_s_op_rng_error: the host does not offer this operation (C706, appendix E)."""


class Kind(IntEnum):
    """The kinds of PDU (C706, 12.6.4)."""

    REQUEST = 0
    RESPONSE = 2
    FAULT = 3
    BIND = 11
    BIND_ACK = 12


class Call(IntEnum):
    """Operation numbers ([MS-SCMR] 3.1.4)."""

    CLOSE_HANDLE = 0
    DELETE_SERVICE = 2
    CREATE_SERVICE = 12
    OPEN_MANAGER = 15
    OPEN_SERVICE = 16
    START_SERVICE = 19


def bind(call_id: int) -> bytes:
    """The request to speak svcctl on a pipe."""
    context = struct.pack("<HBx", 0, 1) + INTERFACE + NDR
    return _pdu(Kind.BIND, call_id, struct.pack("<HHIBxxx", FRAGMENT, FRAGMENT, 0, 1) + context)


def check_bound(answer: bytes) -> None:
    """Return when the host agreed to speak svcctl; raises Unsupported when it did not."""
    body = _body(answer, Kind.BIND_ACK)
    try:
        length = struct.unpack_from("<H", body, 8)[0]
        results = (10 + length + 3) // 4 * 4
        result, reason = struct.unpack_from("<HH", body, results + 4)
    except struct.error as error:
        raise ProtocolError("the answer to the bind is too short") from error
    if result:
        raise Unsupported(f"the host does not offer service control here (result {result}, reason {reason})")


def request(call_id: int, call: Call, stub: bytes) -> bytes:
    """One call."""
    return _pdu(Kind.REQUEST, call_id, struct.pack("<IHH", len(stub), 0, call) + stub)


def response(answer: bytes) -> bytes:
    """The stub of the answer to a call; raises when the host answered with a fault."""
    return _body(answer, Kind.RESPONSE)[8:]


def open_manager() -> bytes:
    """ROpenSCManagerW: this machine, the active database ([MS-SCMR] 3.1.4.15)."""
    return NULL + NULL + struct.pack("<I", SC_MANAGER_CONNECT_AND_CREATE)


def create_service(manager: bytes, name: str, command_line: str) -> bytes:
    """RCreateServiceW: a service of the local system that is started by hand ([MS-SCMR] 3.1.4.11)."""
    kinds = (SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS, SERVICE_DEMAND_START, SERVICE_ERROR_IGNORE)
    head = manager + text(name) + POINTER + text(name) + struct.pack("<IIII", *kinds) + text(command_line)
    load_order_group = tag = dependencies = dependencies_size = account = password = password_size = NULL
    return head + load_order_group + tag + dependencies + dependencies_size + account + password + password_size


def open_service(manager: bytes, name: str) -> bytes:
    """ROpenServiceW ([MS-SCMR] 3.1.4.16)."""
    return manager + text(name) + struct.pack("<I", SERVICE_ALL_ACCESS)


def start_service(service: bytes) -> bytes:
    """RStartServiceW without arguments ([MS-SCMR] 3.1.4.18)."""
    return service + NULL + NULL


def handle_in(stub: bytes, what: str, *, offset: int = 0) -> bytes:
    """The handle that a call gave back; raises when it was refused."""
    check(stub, what)
    handle = stub[offset : offset + HANDLE_LENGTH]
    if len(handle) != HANDLE_LENGTH or not any(handle):
        raise ProtocolError(f"{what}: the host gave no handle")
    return handle


def check(stub: bytes, what: str, *accepted: int) -> None:
    """Return when the last word of an answer is success, or accepted; raises what the Win32 error means."""
    code = code_in(stub, what)
    if code and code not in accepted:
        raise meaning(code, what)


def code_in(stub: bytes, what: str) -> int:
    """The Win32 error code that ends an answer; 0 is success."""
    if len(stub) < 4:
        raise ProtocolError(f"{what}: the answer is too short")
    return int.from_bytes(stub[-4:], "little")


def meaning(code: int, what: str) -> ChannelError:
    """The error that a Win32 error code means ([MS-ERREF] 2.2)."""
    kind, words = _ERRORS.get(code, (ProtocolError, "the host refused"))
    return kind(f"{what}: {words} (Win32 error {code})")


def text(value: str) -> bytes:
    """A conformant and varying string of UTF-16, as NDR writes it (C706, 14.3.4.2)."""
    encoded = (value + "\0").encode("utf-16-le")
    count = len(encoded) // 2
    return struct.pack("<III", count, 0, count) + encoded + bytes(-len(encoded) % 4)


def _pdu(kind: Kind, call_id: int, body: bytes) -> bytes:
    header = HEADER.pack(5, 0, kind, WHOLE, LITTLE_ENDIAN, HEADER.size + len(body), 0, call_id)
    return header + body


def _body(answer: bytes, wanted: Kind) -> bytes:
    if len(answer) < HEADER.size:
        raise ProtocolError("the answer is too short for RPC")
    version, _, kind, flags, order, length, _, _ = HEADER.unpack_from(answer)
    if version != 5 or order & 0xFF != LITTLE_ENDIAN or length != len(answer) or flags & WHOLE != WHOLE:
        raise ProtocolError("the answer is no RPC of one fragment")
    body = answer[HEADER.size :]
    if kind == Kind.FAULT and len(body) >= 12:
        status = struct.unpack_from("<I", body, 8)[0]
        fault = _FAULTS.get(status, ProtocolError)
        raise fault(f"the host answered the call with fault 0x{status:08x}")
    if kind != wanted:
        raise ProtocolError(f"the host answered with a PDU of kind {kind}")
    return body
