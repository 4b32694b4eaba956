"""The SMB2 server of one connection, without a socket: bytes in, bytes out ([MS-SMB2] 3.3.5)."""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from unloop.channels.strike.smb2.crypto import DIALECT_311, BadSeal, preauth_hash, session_of
from unloop.channels.strike.smb2.wire import (
    FROM_SERVER,
    HEADER_SIZE,
    RELATED,
    SEALED,
    SIGNED,
    SMB1,
    Command,
    DirectTcp,
    framed,
)
from unloop.errors import ProtocolError
from unloop.rehearsal.filetree import FileInUse
from unloop.rehearsal.smb.change import set_info
from unloop.rehearsal.smb.content import flush, read, write
from unloop.rehearsal.smb.create import create
from unloop.rehearsal.smb.directory import query_directory
from unloop.rehearsal.smb.handles import close, close_all
from unloop.rehearsal.smb.information import query_info
from unloop.rehearsal.smb.logon import logoff, session_setup
from unloop.rehearsal.smb.negotiate import answer_smb1, negotiate
from unloop.rehearsal.smb.state import Call, Connection, Host, Session
from unloop.rehearsal.smb.status import Hangup, Refused, Status
from unloop.rehearsal.smb.trees import control, echo, tree_connect, tree_disconnect
from unloop.rehearsal.smb.wire import Header

MOST_CREDITS = 512
_FOREIGN = (ValueError, struct.error)
_UNPROVEN = frozenset({Command.NEGOTIATE, Command.SESSION_SETUP})
_HANDLERS: Mapping[int, Callable[[Call], bytes]] = {
    Command.NEGOTIATE: negotiate,
    Command.SESSION_SETUP: session_setup,
    Command.LOGOFF: logoff,
    Command.TREE_CONNECT: tree_connect,
    Command.TREE_DISCONNECT: tree_disconnect,
    Command.CREATE: create,
    Command.CLOSE: close,
    Command.FLUSH: flush,
    Command.READ: read,
    Command.WRITE: write,
    Command.IOCTL: control,
    Command.ECHO: echo,
    Command.QUERY_DIRECTORY: query_directory,
    Command.QUERY_INFO: query_info,
    Command.SET_INFO: set_info,
}


@dataclass(slots=True)
class _Answer:
    """An answer before it is signed."""

    message: bytes
    session: Session | None = None
    is_signed: bool = False


class SmbServer:
    """Give it what the client sends; ``feed`` answers what to send back and raises Hangup when it is over."""

    def __init__(self, host: Host) -> None:
        self._connection = Connection(host)
        self._frames = DirectTcp()

    def feed(self, data: bytes) -> bytes:
        """The answers to what has arrived whole."""
        self._frames.feed(data)
        return b"".join(framed(answer) for message in self._whole() if (answer := self._answer(message)))

    def lost(self) -> None:
        """The client is gone: what it had open is closed ([MS-SMB2] 3.3.7.1)."""
        for session in self._connection.sessions.values():
            close_all(self._connection, session.opens.values())
        self._connection.sessions.clear()

    def _whole(self) -> Iterator[bytes]:
        try:
            while (message := self._frames.next()) is not None:
                yield message
        except ProtocolError as error:
            raise Hangup("no frame of direct TCP") from error

    def _answer(self, message: bytes) -> bytes:
        if message[:4] == SMB1:
            self._connection.window += 1
            return answer_smb1(self._connection, message)
        if message[:4] != SEALED:
            return self._chain(message, sealed_by=None)
        try:
            session = self._connection.sessions.get(session_of(message))
            if session is None or session.shield is None:
                raise Hangup("sealed for no session")
            plain = session.shield.unseal(message)
        except BadSeal as error:
            raise Hangup(str(error)) from error
        answer = self._chain(plain, sealed_by=session)
        return session.shield.seal(session.number, answer) if answer else b""

    def _chain(self, message: bytes, *, sealed_by: Session | None) -> bytes:
        """Every request of a compound, one after the other ([MS-SMB2] 3.3.5.2.7)."""
        answers: list[_Answer] = []
        before: Call | None = None
        failed = Status.SUCCESS
        while True:
            header = Header.parse(message)
            length = header.next_command or len(message)
            if (length % 8 and header.next_command) or not HEADER_SIZE <= length <= len(message):
                raise Hangup("a compound that does not fit")
            if header.command != Command.CANCEL and header.message_id >= self._connection.window:
                raise Hangup("more than was granted")
            call = self._call(header, message[:length], before, sealed_by)
            if header.command != Command.CANCEL:
                status, answer = self._run(call, failed if call.is_related else Status.SUCCESS)
                answers.append(answer)
                failed = status if status >= 0xC0000000 else Status.SUCCESS
            before, message = call, message[length:]
            if not header.next_command:
                return self._joined(answers, is_sealed=sealed_by is not None)

    def _call(self, header: Header, message: bytes, before: Call | None, sealed_by: Session | None) -> Call:
        is_related = bool(header.flags & RELATED) and before is not None
        call = Call(self._connection, header, message, tree_id=header.tree_id, is_sealed=sealed_by is not None)
        call.session_id, call.is_related = header.session_id, is_related
        if is_related and before is not None:
            call.session_id, call.tree_id, call.file_id = before.session_id, before.tree_id, before.file_id
        call.session = self._connection.sessions.get(call.session_id)
        return call

    def _run(self, call: Call, failed: Status) -> tuple[Status, _Answer]:
        asked = call.message
        status, body = Status.SUCCESS, b""
        try:
            self._admit(call, failed)
            body = self._handler(call)(call)
        except Refused as refused:
            status, body = refused.status, refused.body
        except _FOREIGN:
            status = Status.INVALID_PARAMETER
        except OSError as error:
            status = _meaning(error)
        return status, self._finish(call, status, body or struct.pack("<HHIB", 9, 0, 0, 0), asked)

    def _handler(self, call: Call) -> Callable[[Call], bytes]:
        command = call.header.command
        if self._connection.client is None and command != Command.NEGOTIATE:
            raise Hangup("nothing was negotiated")
        if command not in _UNPROVEN and command != Command.ECHO:
            _ = call.proven
        if command in _HANDLERS:
            return _HANDLERS[command]
        raise Refused(Status.NOT_SUPPORTED if command <= Command.OPLOCK_BREAK else Status.INVALID_PARAMETER)

    def _admit(self, call: Call, failed: Status) -> None:
        """Signatures are right, and there where they must be (3.3.5.2.4); what hangs on a failed request fails like it."""
        session = call.session
        if call.is_sealed:
            call.is_protected = True
        elif session is not None and session.shield is not None:
            if call.header.flags & SIGNED:
                if not session.shield.is_genuine(call.message):
                    raise Refused(Status.ACCESS_DENIED)
                call.is_protected = True
            elif session.requires_signing and call.header.command not in _UNPROVEN:
                raise Refused(Status.ACCESS_DENIED)
        if failed and not call.file_id:
            raise Refused(failed)

    def _finish(self, call: Call, status: Status, body: bytes, asked: bytes) -> _Answer:
        header = Header(
            command=call.header.command,
            message_id=call.header.message_id,
            flags=FROM_SERVER | (call.header.flags & RELATED),
            status=status,
            credits=self._granted(call, status),
            credit_charge=call.header.credit_charge,
            process_id=call.header.process_id,
            tree_id=call.tree_id,
            session_id=call.session_id,
        )
        answer = header.pack() + body
        self._remember(call, status, asked, answer)
        session = call.session
        is_proven = session is not None and session.shield is not None
        ends_logon = call.header.command == Command.SESSION_SETUP and status is Status.SUCCESS
        return _Answer(answer, session if is_proven else None, call.is_protected or ends_logon)

    def _granted(self, call: Call, status: Status) -> int:
        """Windows grants one at a time until the log-on is over, then what is asked for."""
        session = call.session
        is_over = session is not None and session.shield is not None and status != Status.MORE_PROCESSING_REQUIRED
        granted = min(max(call.header.credits, 1), MOST_CREDITS) if is_over else 1
        self._connection.window += granted
        return granted

    def _remember(self, call: Call, status: Status, asked: bytes, answer: bytes) -> None:
        """The hashes over negotiation and log-on, which the keys of 3.1.1 hang on ([MS-SMB2] 3.3.5.4, 3.3.5.5)."""
        connection = self._connection
        if connection.dialect != DIALECT_311:
            return
        if call.header.command == Command.NEGOTIATE and status is Status.SUCCESS:
            connection.preauth = preauth_hash(preauth_hash(connection.preauth, asked), answer)
        elif call.session is not None and status is Status.MORE_PROCESSING_REQUIRED:
            call.session.preauth = preauth_hash(call.session.preauth, answer)

    def _joined(self, answers: list[_Answer], *, is_sealed: bool) -> bytes:
        """One message of all answers, each filled up to eight bytes and signed where its request was."""
        joined = b""
        for index, answer in enumerate(answers):
            message = answer.message
            if index < len(answers) - 1:
                message += bytes(-len(message) % 8)
                message = message[:20] + struct.pack("<I", len(message)) + message[24:]
            if answer.is_signed and answer.session is not None and answer.session.shield is not None and not is_sealed:
                message = answer.session.shield.sign(message)
            joined += message
        return joined


def _meaning(error: OSError) -> Status:
    """What an error of the file tree is called."""
    kinds: tuple[tuple[type[OSError], Status], ...] = (
        (FileNotFoundError, Status.OBJECT_NAME_NOT_FOUND),
        (FileExistsError, Status.OBJECT_NAME_COLLISION),
        (NotADirectoryError, Status.OBJECT_PATH_NOT_FOUND),
        (IsADirectoryError, Status.FILE_IS_A_DIRECTORY),
        (PermissionError, Status.CANNOT_DELETE),
        (FileInUse, Status.SHARING_VIOLATION),
    )
    return next((status for kind, status in kinds if isinstance(error, kind)), Status.DIRECTORY_NOT_EMPTY)
