"""The NTSTATUS codes that a simulated SMB server answers with ([MS-ERREF] 2.3.1)."""

from enum import IntEnum


class Status(IntEnum):
    """What became of a request."""

    SUCCESS = 0x00000000
    BUFFER_OVERFLOW = 0x80000005
    NO_MORE_FILES = 0x80000006
    INVALID_INFO_CLASS = 0xC0000003
    INFO_LENGTH_MISMATCH = 0xC0000004
    INVALID_PARAMETER = 0xC000000D
    NO_SUCH_FILE = 0xC000000F
    INVALID_DEVICE_REQUEST = 0xC0000010
    END_OF_FILE = 0xC0000011
    MORE_PROCESSING_REQUIRED = 0xC0000016
    ACCESS_DENIED = 0xC0000022
    BUFFER_TOO_SMALL = 0xC0000023
    OBJECT_NAME_INVALID = 0xC0000033
    OBJECT_NAME_NOT_FOUND = 0xC0000034
    OBJECT_NAME_COLLISION = 0xC0000035
    OBJECT_PATH_NOT_FOUND = 0xC000003A
    SHARING_VIOLATION = 0xC0000043
    DELETE_PENDING = 0xC0000056
    LOGON_FAILURE = 0xC000006D
    DISK_FULL = 0xC000007F
    INSUFFICIENT_RESOURCES = 0xC000009A
    PIPE_BUSY = 0xC00000AE
    PIPE_DISCONNECTED = 0xC00000B0
    FILE_IS_A_DIRECTORY = 0xC00000BA
    NOT_SUPPORTED = 0xC00000BB
    NETWORK_NAME_DELETED = 0xC00000C9
    BAD_NETWORK_NAME = 0xC00000CC
    PIPE_EMPTY = 0xC00000D9
    DIRECTORY_NOT_EMPTY = 0xC0000101
    NOT_A_DIRECTORY = 0xC0000103
    CANNOT_DELETE = 0xC0000121
    FILE_CLOSED = 0xC0000128
    USER_SESSION_DELETED = 0xC0000203
    NOT_FOUND = 0xC0000225
    NO_PREAUTH_INTEGRITY_HASH_OVERLAP = 0xC05D0000


class Refused(Exception):
    """A request fails with a status; ``body`` replaces the usual error body, where the status carries data."""

    def __init__(self, status: Status, body: bytes = b"") -> None:
        self.status, self.body = status, body
        super().__init__(status.name)


class Hangup(Exception):
    """The peer broke the protocol so that the connection is closed without an answer."""
