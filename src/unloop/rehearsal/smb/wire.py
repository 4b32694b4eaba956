"""SMB2 on the wire: what a server takes for a header, a name and a time ([MS-SMB2] 2.2.1)."""

from dataclasses import dataclass
from datetime import datetime

from unloop.channels.strike.smb2.wire import FROM_SERVER, HEADER, HEADER_SIZE, SMB2
from unloop.channels.strike.smb2.wire import moment_of as moment
from unloop.errors import ProtocolError
from unloop.rehearsal.smb.status import Hangup, Refused, Status


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a message ([MS-SMB2] 2.2.1.2)."""

    command: int
    message_id: int
    flags: int = 0
    status: int = 0
    credits: int = 1
    credit_charge: int = 0
    next_command: int = 0
    process_id: int = 0
    tree_id: int = 0
    session_id: int = 0
    signature: bytes = bytes(16)

    @classmethod
    def parse(cls, message: bytes) -> "Header":
        """Read a request's header; raises Hangup."""
        if len(message) < HEADER_SIZE:
            raise Hangup("shorter than a header")
        magic, size, charge, status, command, granted, flags, following, number, process, tree, session, signature = (
            HEADER.unpack_from(message)
        )
        if magic != SMB2 or size != HEADER_SIZE or flags & FROM_SERVER:
            raise Hangup("no SMB2 request")
        return cls(
            command, number, flags, status, granted, charge, following, process, tree, session, signature
        )  # fmt: skip

    def pack(self) -> bytes:
        """The header on the wire."""
        return HEADER.pack(
            SMB2,
            HEADER_SIZE,
            self.credit_charge,
            self.status,
            self.command,
            self.credits,
            self.flags,
            self.next_command,
            self.message_id,
            self.process_id,
            self.tree_id,
            self.session_id,
            self.signature,
        )


def text_of(raw: bytes) -> str:
    """A name on the wire; raises Refused."""
    try:
        return raw.decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise Refused(Status.OBJECT_NAME_INVALID) from error


def moment_of(ticks: int) -> datetime:
    """The time that a FILETIME stands for; raises Refused."""
    try:
        return moment(ticks)
    except ProtocolError as error:
        raise Refused(Status.INVALID_PARAMETER) from error
