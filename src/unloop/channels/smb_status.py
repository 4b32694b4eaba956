"""What the NTSTATUS codes of SMB mean to us ([MS-ERREF] 2.3.1)."""

from collections.abc import Mapping
from types import MappingProxyType

from unloop.errors import (
    AccessDenied,
    ChannelError,
    ConnectionLost,
    InUse,
    LogonRefused,
    LogonUndecided,
    NotFound,
    ProtocolError,
    Unsupported,
)

STATUS_SUCCESS = 0
STATUS_PENDING = 0x00000103
STATUS_NO_MORE_FILES = 0x80000006
STATUS_STOPPED_ON_SYMLINK = 0x8000002D
STATUS_INVALID_HANDLE = 0xC0000008
STATUS_INVALID_PARAMETER = 0xC000000D
STATUS_NO_SUCH_FILE = 0xC000000F
STATUS_END_OF_FILE = 0xC0000011
STATUS_MORE_PROCESSING_REQUIRED = 0xC0000016
STATUS_ACCESS_DENIED = 0xC0000022
STATUS_OBJECT_NAME_COLLISION = 0xC0000035
STATUS_OBJECT_PATH_NOT_FOUND = 0xC000003A
STATUS_SHARING_VIOLATION = 0xC0000043
STATUS_PIPE_NOT_AVAILABLE = 0xC00000AC
STATUS_NOT_SUPPORTED = 0xC00000BB
STATUS_NETWORK_NAME_DELETED = 0xC00000C9
STATUS_INTERNAL_ERROR = 0xC00000E5
STATUS_FILE_CLOSED = 0xC0000128
STATUS_USER_SESSION_DELETED = 0xC0000203
STATUS_PATH_NOT_COVERED = 0xC0000257
STATUS_NETWORK_SESSION_EXPIRED = 0xC000035C
FIRST_ERROR = 0xC0000000
"""From here on a status is an error; below are successes and warnings ([MS-ERREF] 2.3)."""

_REFUSED = {
    0xC0000064: "no such user",
    0xC000006A: "wrong password",
    0xC000006D: "log-on failure",
    0xC000006E: "account restriction",
    0xC000006F: "outside the log-on hours",
    0xC0000070: "not from this workstation",
    0xC0000071: "password expired",
    0xC0000072: "account disabled",
    0xC000015B: "log-on type not granted",
    0xC0000193: "account expired",
    0xC0000224: "password must change",
    0xC0000234: "account locked out",
}
_UNDECIDED = {
    0xC000005E: "no log-on servers",
    0xC00000D0: "request not accepted",
    0xC00000DA: "the domain's data can't be read",
    0xC00000DC: "the server is in another state",
    0xC00000DF: "no such domain",
    0xC0000133: "the clock differs from the domain controller's",
    0xC000018A: "no trust secret",
    0xC000018B: "no trust account",
    0xC000018C: "the trusted domain failed",
    0xC000018D: "the trust relationship failed",
    0xC0000192: "Netlogon has not started",
    0xC0000205: "the server lacks resources",
    0xC0000233: "domain controller not found",
}
_NOT_FOUND = {
    STATUS_NO_SUCH_FILE: "no such file",
    0xC0000034: "name not found",
    STATUS_OBJECT_PATH_NOT_FOUND: "path not found",
    0xC0000056: "deletion pending",
    0xC00000CC: "no such share",
    0xC0000225: "not found",
}
_DENIED = {
    STATUS_ACCESS_DENIED: "access denied",
    STATUS_OBJECT_NAME_COLLISION: "the name is taken; nothing is overwritten",
    0xC0000061: "privilege not held",
    0xC000007F: "disk full",
    0xC00000A2: "write-protected",
    0xC00000BA: "that is a directory",
    0xC00000CA: "network access denied",
    0xC0000101: "directory not empty",
    0xC0000103: "that is no directory",
    0xC0000121: "it can't be deleted",
}
_IN_USE = {
    STATUS_SHARING_VIOLATION: "in use by another process",
    0xC0000054: "file lock conflict",
    0xC0000243: "mapped by a program",
}
_UNSUPPORTED = {
    STATUS_STOPPED_ON_SYMLINK: "the path leads over a symbolic link",
    0xC0000003: "information class not known",
    0xC0000010: "request not known to the device",
    0xC0000033: "not a valid name",
    0xC000003B: "not a valid path",
    STATUS_PIPE_NOT_AVAILABLE: "pipe not available",
    STATUS_NOT_SUPPORTED: "not supported",
    0xC00000D4: "on another volume",
    STATUS_PATH_NOT_COVERED: "the path is in DFS",
}
_LOST = {
    0xC00000B0: "pipe disconnected",
    0xC00000B1: "pipe closing",
    STATUS_NETWORK_NAME_DELETED: "share gone",
    STATUS_FILE_CLOSED: "file closed",
    0xC000014B: "pipe broken",
    STATUS_USER_SESSION_DELETED: "session deleted",
    STATUS_NETWORK_SESSION_EXPIRED: "session expired",
}
_MEANINGS: Mapping[int, tuple[type[ChannelError], str]] = MappingProxyType(
    {
        status: (kind, words)
        for kind, table in (
            (LogonRefused, _REFUSED),
            (LogonUndecided, _UNDECIDED),
            (NotFound, _NOT_FOUND),
            (AccessDenied, _DENIED),
            (InUse, _IN_USE),
            (Unsupported, _UNSUPPORTED),
            (ConnectionLost, _LOST),
        )
        for status, words in table.items()
    }
)


def is_failure(status: int) -> bool:
    """Whether a request did not do what it was sent for: an error, or a link that it would have to follow itself."""
    return status >= FIRST_ERROR or status == STATUS_STOPPED_ON_SYMLINK


def from_status(status: int, what: str = "", *, name: str = "") -> ChannelError:
    """The error that an NTSTATUS means; ``what`` says what was asked for, ``name`` what a code not listed here is called."""
    kind, words = _MEANINGS.get(status, (ProtocolError, f"the host answered {name or 'an unknown status'}"))
    text = f"{words} (NTSTATUS 0x{status:08x})"
    return kind(f"{what}: {text}" if what else text)


def judged_logon(status: int, *, name: str = "") -> ChannelError:
    """What a status means to a log-on: only one that judges the credential refuses it."""
    meaning = from_status(status, "log-on", name=name)
    judged = isinstance(meaning, (LogonRefused, LogonUndecided, ConnectionLost))
    return meaning if judged else LogonUndecided(meaning.message)


def guest() -> ChannelError:
    """What it means to be let in as a guest, or as nobody."""
    return LogonRefused("the host let us in as guest only, which is how it answers a wrong name or password")


def unencrypted() -> ChannelError:
    """What it means that a host has no cipher where one is demanded."""
    return Unsupported("the host can't encrypt SMB, which the option require_encryption demands")
