"""NEGOTIATE: dialect, signing and encryption of a connection ([MS-SMB2] 3.3.5.3, 3.3.5.4)."""

import os
import struct
from collections.abc import Mapping
from datetime import UTC, datetime

from unloop.channels.filetime import filetime
from unloop.channels.strike.smb2.crypto import (
    DIALECT_21,
    DIALECT_30,
    DIALECT_202,
    DIALECT_302,
    DIALECT_311,
    Cipher,
    Signing,
)
from unloop.channels.strike.smb2.wire import FROM_SERVER, SMB1, Command
from unloop.rehearsal.smb.state import Call, Client, Connection
from unloop.rehearsal.smb.status import Hangup, Refused, Status
from unloop.rehearsal.smb.wire import Header
from unloop.rehearsal.spnego import hint

DIALECTS = (DIALECT_311, DIALECT_302, DIALECT_30, DIALECT_21, DIALECT_202)
WILDCARD = 0x2FF
SIGNING_ENABLED, SIGNING_REQUIRED = 1, 2
LARGE_MTU, ENCRYPTION = 0x4, 0x40
_PREAUTH, _ENCRYPTION, _SIGNING = 1, 2, 8
_SHA512 = 1
_REQUEST = struct.Struct("<HHHHI16sIHH")
_RESPONSE = struct.Struct("<HHHH16sIIIIQQHHI")
_SMB1_NEGOTIATE, _SMB1_HEADER = 0x72, 32


def answer_smb1(connection: Connection, message: bytes) -> bytes:
    """The answer to an SMB1 negotiation that offers SMB2 ([MS-SMB2] 3.3.5.3.1); raises Hangup when it does not."""
    if connection.client is not None or message[:4] != SMB1 or message[4:5] != bytes((_SMB1_NEGOTIATE,)):
        raise Hangup("SMB1")
    offered = message[_SMB1_HEADER + 3 :].split(b"\0")
    if b"\x02SMB 2.???" in offered:
        dialect = WILDCARD
    elif b"\x02SMB 2.002" in offered:
        dialect = connection.dialect = DIALECT_202
        connection.client = Client(0, bytes(16), SIGNING_ENABLED, (DIALECT_202,))
    else:
        raise Hangup("SMB1 alone")
    header = Header(Command.NEGOTIATE, 0, flags=FROM_SERVER)
    return header.pack() + _body(connection, dialect, b"", 0)


def negotiate(call: Call) -> bytes:
    """Choose what both sides know; a second NEGOTIATE ends the connection."""
    connection = call.connection
    if connection.client is not None:
        raise Hangup("negotiated twice")
    count, mode, _, capabilities, guid, context_at, contexts, _ = call.unpack(_REQUEST)
    dialects = struct.unpack_from(f"<{count}H", call.message, 64 + _REQUEST.size)
    if not count:
        raise Refused(Status.INVALID_PARAMETER)
    common = [dialect for dialect in DIALECTS if dialect in dialects]
    if not common:
        raise Refused(Status.NOT_SUPPORTED)
    chosen = common[0]
    answers: list[bytes] = []
    if chosen == DIALECT_311:
        answers = _contexts(connection, _offers(call.message[context_at:], contexts))
    elif chosen >= DIALECT_30 and capabilities & ENCRYPTION:
        connection.cipher = Cipher.AES_128_CCM
    connection.dialect = chosen
    connection.client = Client(capabilities, guid, mode, dialects)
    return _body(connection, chosen, _padded(answers), len(answers))


def capabilities_of(connection: Connection) -> int:
    """[MS-SMB2] 2.2.4, Capabilities."""
    has_cipher = connection.cipher is not None and connection.dialect < DIALECT_311
    return (LARGE_MTU if connection.dialect > DIALECT_202 else 0) | (ENCRYPTION if has_cipher else 0)


def _offers(data: bytes, count: int) -> dict[int, bytes]:
    """The negotiate contexts by their kind ([MS-SMB2] 2.2.3.1); raises struct.error."""
    found: dict[int, bytes] = {}
    place = 0
    for _ in range(count):
        kind, length = struct.unpack_from("<HH", data, place)
        if kind in found:
            raise Refused(Status.INVALID_PARAMETER)
        found[kind] = data[place + 8 : place + 8 + length]
        place += -(-(8 + length) // 8) * 8
    return found


def _contexts(connection: Connection, offers: Mapping[int, bytes]) -> list[bytes]:
    if _PREAUTH not in offers:
        raise Refused(Status.INVALID_PARAMETER)
    count = struct.unpack_from("<H", offers[_PREAUTH])[0]
    if _SHA512 not in struct.unpack_from(f"<{count}H", offers[_PREAUTH], 4):
        raise Refused(Status.NO_PREAUTH_INTEGRITY_HASH_OVERLAP)
    answers = [_context(_PREAUTH, struct.pack("<HHH", 1, 32, _SHA512) + os.urandom(32))]
    if _ENCRYPTION in offers:
        cipher = next((number for number in _listed(offers[_ENCRYPTION]) if number in set(Cipher)), 0)
        connection.cipher = Cipher(cipher) if cipher else None
        answers.append(_context(_ENCRYPTION, struct.pack("<HH", 1, cipher)))
    if _SIGNING in offers:
        algorithm = next((number for number in _listed(offers[_SIGNING]) if number in set(Signing)), Signing.AES_CMAC)
        connection.algorithm = Signing(algorithm)
        answers.append(_context(_SIGNING, struct.pack("<HH", 1, algorithm)))
    return answers


def _listed(data: bytes) -> tuple[int, ...]:
    count = struct.unpack_from("<H", data)[0]
    return struct.unpack_from(f"<{count}H", data, 2)


def _context(kind: int, data: bytes) -> bytes:
    return struct.pack("<HHI", kind, len(data), 0) + data


def _padded(contexts: list[bytes]) -> bytes:
    """All but the last fill up to eight bytes ([MS-SMB2] 2.2.4)."""
    filled = [context + bytes(-len(context) % 8) for context in contexts[:-1]]
    return b"".join([*filled, *contexts[-1:]])


def _body(connection: Connection, dialect: int, contexts: bytes, count: int) -> bytes:
    token = hint()
    start = 64 + _RESPONSE.size
    context_at = -(-(start + len(token)) // 8) * 8 if contexts else 0
    largest = connection.largest
    fixed = _RESPONSE.pack(
        65,
        SIGNING_ENABLED,
        dialect,
        count,
        connection.host.guid,
        capabilities_of(connection),
        largest,
        largest,
        largest,
        filetime(datetime.now(UTC)),
        0,
        start,
        len(token),
        context_at,
    )
    padding = bytes(context_at - start - len(token)) if contexts else b""
    return fixed + token + padding + contexts
