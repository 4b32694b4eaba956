"""What the errors of smbprotocol mean to us."""

from smbprotocol.exceptions import (
    SMBAuthenticationError,
    SMBConnectionClosed,
    SMBException,
    SMBResponseException,
    SMBUnsupportedFeature,
)
from smbprotocol.header import NtStatus

from unloop.channels.kerberos import client_failure
from unloop.channels.smb_status import from_status, guest, judged_logon, unencrypted
from unloop.errors import ChannelError, ConnectionLost, ProtocolError, Unsupported


def status_of(error: Exception) -> int | None:
    """The NTSTATUS that the host answered, None when the error is another."""
    return int(error.status) if isinstance(error, SMBResponseException) else None


def logging_on(error: Exception) -> ChannelError:
    """What an error of the log-on means: only a status that judges the credential refuses it."""
    status = status_of(error)
    if status is not None:
        return judged_logon(status, name=_name(status))
    if isinstance(error, SMBAuthenticationError):
        return client_failure(str(error))
    if "guest" in str(error):
        return guest()
    if "encryption is required" in str(error):
        return unencrypted()
    return translated(error)


def translated(error: Exception, what: str = "") -> ChannelError:
    """What any other error of smbprotocol means."""
    status = status_of(error)
    if status is not None:
        return from_status(status, what, name=_name(status))
    if isinstance(error, SMBConnectionClosed):
        return ConnectionLost("the host closed the connection")
    if isinstance(error, SMBUnsupportedFeature):
        return Unsupported("the host's SMB dialect is too old for this")
    if isinstance(error, SMBException):
        return ProtocolError(str(error))
    return ProtocolError(f"the answer is garbled ({type(error).__name__})")


def _name(status: int) -> str:
    """What smbprotocol calls a status."""
    known = {value: name for name, value in vars(NtStatus).items() if name.startswith("STATUS_")}
    return str(known.get(status, ""))
