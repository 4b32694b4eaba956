"""What the NTSTATUS codes of SMB mean to us ([MS-ERREF] 2.3.1)."""

from collections.abc import Mapping
from types import MappingProxyType

from unloop.errors import (
    AccessDenied,
    ChannelError,
    ConnectionLost,
    LogonRefused,
    LogonUndecided,
    NotFound,
    ProtocolError,
    Unsupported,
)

STATUS_ACCESS_DENIED = 0xC0000022
STATUS_OBJECT_NAME_COLLISION = 0xC0000035
STATUS_OBJECT_PATH_NOT_FOUND = 0xC000003A
STATUS_SHARING_VIOLATION = 0xC0000043
STATUS_PIPE_NOT_AVAILABLE = 0xC00000AC

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
    0xC000000F: "no such file",
    0xC0000034: "name not found",
    0xC000003A: "path not found",
    0xC0000056: "deletion pending",
    0xC00000CC: "no such share",
    0xC0000225: "not found",
}
_DENIED = {
    STATUS_ACCESS_DENIED: "access denied",
    STATUS_OBJECT_NAME_COLLISION: "the name is taken; nothing is overwritten",
    STATUS_SHARING_VIOLATION: "in use by another process",
    0xC0000054: "file lock conflict",
    0xC0000061: "privilege not held",
    0xC000007F: "disk full",
    0xC00000A2: "write-protected",
    0xC00000BA: "that is a directory",
    0xC00000CA: "network access denied",
    0xC0000101: "directory not empty",
    0xC0000103: "that is no directory",
    0xC0000121: "it can't be deleted",
    0xC0000243: "mapped by a program",
}
_UNSUPPORTED = {
    0x8000002D: "the path leads over a symbolic link",
    0xC0000003: "information class not known",
    0xC0000010: "request not known to the device",
    0xC0000033: "not a valid name",
    0xC000003B: "not a valid path",
    STATUS_PIPE_NOT_AVAILABLE: "pipe not available",
    0xC00000BB: "not supported",
    0xC00000D4: "on another volume",
    0xC0000257: "the path is in DFS",
}
_LOST = {
    0xC00000B0: "pipe disconnected",
    0xC00000B1: "pipe closing",
    0xC00000C9: "share gone",
    0xC0000128: "file closed",
    0xC000014B: "pipe broken",
    0xC0000203: "session deleted",
    0xC000035C: "session expired",
}
_MEANINGS: Mapping[int, tuple[type[ChannelError], str]] = MappingProxyType(
    {
        status: (kind, words)
        for kind, table in (
            (LogonRefused, _REFUSED),
            (LogonUndecided, _UNDECIDED),
            (NotFound, _NOT_FOUND),
            (AccessDenied, _DENIED),
            (Unsupported, _UNSUPPORTED),
            (ConnectionLost, _LOST),
        )
        for status, words in table.items()
    }
)


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
