"""The local security authority ([MS-LSAD]), as far as Samba's tools ask it: whose accounts these are."""

import hashlib
import secrets
import struct
import uuid
from collections.abc import Callable

from unloop.rehearsal.rpc.association import Interface
from unloop.rehearsal.rpc.ndr import HANDLE_LENGTH, POINTER, Reader, numbers
from unloop.rehearsal.rpc.pdu import Fault, FaultStatus

_IDENTITY = uuid.UUID("12345778-1234-abcd-ef00-0123456789ab")
_ACCOUNT_DOMAIN = 5
_SUCCESS, _INVALID_PARAMETER = 0, 0xC000000D
_MOST_HANDLES = 64


def make_lsa(name: str) -> Interface:
    """The policy of a host that is its own domain of accounts."""
    handles: set[bytes] = set()

    def known(call: Reader) -> bytes:
        handle = call.handle()
        if handle not in handles:
            raise Fault(FaultStatus.CONTEXT_MISMATCH)
        return handle

    def open_policy(_: Reader) -> bytes:
        if len(handles) >= _MOST_HANDLES:
            raise Fault(FaultStatus.ACCESS_DENIED)
        handle = bytes(4) + secrets.token_bytes(HANDLE_LENGTH - 4)
        handles.add(handle)
        return handle + numbers(_SUCCESS)

    def close(call: Reader) -> bytes:
        handles.discard(known(call))
        return bytes(HANDLE_LENGTH) + numbers(_SUCCESS)

    def query(call: Reader) -> bytes:
        known(call)
        if call.short() != _ACCOUNT_DOMAIN:
            return numbers(0, _INVALID_PARAMETER)
        return numbers(POINTER) + _account_domain(name) + numbers(_SUCCESS)

    operations: dict[int, Callable[[Reader], bytes]] = {0: close, 6: open_policy, 7: query, 44: open_policy, 46: query}
    return Interface(_IDENTITY, (0, 0), operations, handles.clear)


def _account_domain(name: str) -> bytes:
    """LSAPR_POLICY_ACCOUNT_DOM_INFO ([MS-LSAD] 2.2.4.8)."""
    encoded = name.upper().encode("utf-16-le")
    count = len(encoded) // 2
    head = struct.pack("<HxxHHII", _ACCOUNT_DOMAIN, len(encoded), len(encoded), POINTER + 4, POINTER + 8)
    return head + numbers(count, 0, count) + encoded + bytes(-len(encoded) % 4) + _sid(name)


def _sid(name: str) -> bytes:
    """S-1-5-21 and three numbers that are the host's own ([MS-DTYP] 2.4.2.3)."""
    own = struct.unpack("<III", hashlib.blake2b(name.encode(), digest_size=12).digest())
    return struct.pack("<IBB6s4I", 4, 1, 4, b"\0\0\0\0\0\5", 21, *own)
