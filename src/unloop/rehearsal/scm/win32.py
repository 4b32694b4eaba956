"""Win32 error codes of service control ([MS-ERREF] 2.2, [MS-SCMR] 3.1.4)."""

from enum import IntEnum


class Win32(IntEnum):
    """What became of a call."""

    SUCCESS = 0
    FILE_NOT_FOUND = 2
    ACCESS_DENIED = 5
    INVALID_HANDLE = 6
    NOT_ENOUGH_MEMORY = 8
    NOT_SUPPORTED = 50
    INVALID_PARAMETER = 87
    INSUFFICIENT_BUFFER = 122
    INVALID_NAME = 123
    INVALID_LEVEL = 124
    MORE_DATA = 234
    INVALID_SERVICE_CONTROL = 1052
    SERVICE_REQUEST_TIMEOUT = 1053
    SERVICE_ALREADY_RUNNING = 1056
    SERVICE_DISABLED = 1058
    SERVICE_DOES_NOT_EXIST = 1060
    SERVICE_NOT_ACTIVE = 1062
    DATABASE_DOES_NOT_EXIST = 1065
    SERVICE_MARKED_FOR_DELETE = 1072
    SERVICE_EXISTS = 1073
    SERVICE_NEVER_STARTED = 1077
    DUPLICATE_SERVICE_NAME = 1078
    NOT_SAFEBOOT_SERVICE = 1084


class Failed(Exception):
    """A call fails with an error code."""

    def __init__(self, code: Win32) -> None:
        self.code = code
        super().__init__(code.name)
