"""SESSION_SETUP and LOGOFF ([MS-SMB2] 3.3.5.5, 3.3.5.6)."""

import struct

from unloop.channels.strike.smb2.crypto import DIALECT_311, Shield, keys_for, preauth_hash
from unloop.rehearsal.ntlm import Acceptor, LogonFailed
from unloop.rehearsal.smb.handles import close_all
from unloop.rehearsal.smb.negotiate import SIGNING_REQUIRED
from unloop.rehearsal.smb.state import MOST_SESSIONS, Call, Connection, Session
from unloop.rehearsal.smb.status import Refused, Status
from unloop.rehearsal.spnego import Negotiation

_REQUEST = struct.Struct("<HBBIIHHQ")
_RESPONSE = struct.Struct("<HHHH")
_BINDING = 1


def session_setup(call: Call) -> bytes:
    """One step of a log-on; raises Refused with MORE_PROCESSING_REQUIRED and the answer while it is not the last."""
    flags, mode, _, _, start, length, _ = call.unpack(_REQUEST)
    if flags & _BINDING:
        raise Refused(Status.NOT_SUPPORTED)
    session = _session(call, requires_signing=bool(mode & SIGNING_REQUIRED))
    call.session, call.session_id = session, session.number
    if session.shield is None and call.connection.dialect == DIALECT_311:
        session.preauth = preauth_hash(session.preauth, call.message)
    try:
        answer = session.negotiation.step(call.buffer(start, length))
    except LogonFailed as error:
        if error.account:
            call.connection.host.refused(error.account)
        end(call.connection, session)
        raise Refused(Status.LOGON_FAILURE) from error
    body = _RESPONSE.pack(9, 0, 64 + _RESPONSE.size, len(answer)) + answer
    acceptor = session.negotiation.acceptor
    if not acceptor.is_complete:
        raise Refused(Status.MORE_PROCESSING_REQUIRED, body)
    if session.shield is None:
        keys = keys_for(
            acceptor.session_key,
            call.connection.dialect,
            preauth=session.preauth,
            algorithm=call.connection.algorithm,
            cipher=call.connection.cipher,
        )
        session.shield = Shield(keys, is_client=False)
    return body


def logoff(call: Call) -> bytes:
    """End the session with all its trees and opens."""
    end(call.connection, call.proven)
    return struct.pack("<HH", 4, 0)


def end(connection: Connection, session: Session) -> None:
    """Forget a session; what it had open is closed."""
    close_all(connection, session.opens.values())
    connection.sessions.pop(session.number, None)


def _session(call: Call, *, requires_signing: bool) -> Session:
    connection = call.connection
    if not connection.dialect:
        raise Refused(Status.INVALID_PARAMETER)
    negotiation = Negotiation(Acceptor(connection.host.account, connection.host.name))
    if call.session_id:
        known = connection.sessions.get(call.session_id)
        if known is None:
            raise Refused(Status.USER_SESSION_DELETED)
        if known.negotiation.acceptor.is_complete:
            known.negotiation = negotiation
        return known
    if len(connection.sessions) >= MOST_SESSIONS:
        raise Refused(Status.INSUFFICIENT_RESOURCES)
    number = next(connection.numbers) | 0x10000000
    session = Session(number, negotiation, connection.preauth, requires_signing)
    connection.sessions[number] = session
    return session
