"""What can go wrong in a program, and how a program moves: errors of PowerShell and of .NET, and the ends of blocks."""

from dataclasses import dataclass
from enum import IntEnum

from unloop.rehearsal.powershell.values import Value


class Category(IntEnum):
    """System.Management.Automation.ErrorCategory, as far as it is used here."""

    NOT_SPECIFIED = 0
    INVALID_ARGUMENT = 5
    INVALID_DATA = 6
    INVALID_OPERATION = 7
    INVALID_TYPE = 9
    NOT_IMPLEMENTED = 11
    OBJECT_NOT_FOUND = 13
    OPERATION_STOPPED = 14
    PARSER_ERROR = 17
    PERMISSION_DENIED = 18
    READ_ERROR = 22
    WRITE_ERROR = 23
    LIMITS_EXCEEDED = 29


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """One error as a client sees it; ``category`` is a number of Category, ``line`` counts from 1."""

    message: str
    error_id: str
    category: int
    target: str
    line: int


class NetError(Exception):
    """An exception that .NET throws; ``win32`` is the error of Windows behind it, where there is one."""

    def __init__(self, type_name: str, message: str, *, win32: int = 0) -> None:
        super().__init__(message)
        self.type_name, self.message, self.win32 = type_name, message, win32


@dataclass(eq=False)
class Failure(Exception):
    """A terminating error. ``is_thrown``: by ``throw``; ``is_stopping``: it was decided that it ends the program."""

    message: str
    error_id: str
    category: Category = Category.NOT_SPECIFIED
    target: Value = None
    type_name: str = "System.Management.Automation.RuntimeException"
    inner: NetError | None = None
    line: int = 0
    is_thrown: bool = False
    is_stopping: bool = False

    def __post_init__(self) -> None:
        super().__init__(self.message)


class NotUnderstood(Exception):
    """A program that this interpreter can't carry out as a real host would: no ``catch`` of the program sees it."""

    def __init__(
        self,
        what: str,
        line: int = 0,
        *,
        error_id: str = "NotUnderstood",
        category: Category = Category.NOT_IMPLEMENTED,
        target: str = "",
    ) -> None:
        super().__init__(what)
        self.what, self.line, self.error_id, self.category, self.target = what, line, error_id, category, target


class Exit(Exception):
    """The program ends."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


class Return(Exception):
    """A function ends; what it gave is in its output."""


class Leave(Exception):
    """A loop ends."""


class GoOn(Exception):
    """A loop goes round again."""


def not_on_null() -> Failure:
    """A method was called on ``$null``."""
    what = "You cannot call a method on a null-valued expression."
    return Failure(what, "InvokeMethodOnNull", Category.INVALID_OPERATION)


def bad_cast(value_text: str, type_name: str, why: str, error_id: str = "InvalidCastIConvertible") -> Failure:
    """A value can't become another type."""
    what = f'Cannot convert value "{value_text}" to type "{type_name}". Error: "{why}"'
    return Failure(what, error_id, Category.INVALID_ARGUMENT, type_name=f"{_AUTOMATION}.PSInvalidCastException")


def no_such_conversion(value_text: str, given: str, wanted: str) -> Failure:
    """There is no way from one type to the other."""
    what = f'Cannot convert the "{value_text}" value of type "{given}" to type "{wanted}".'
    kind = f"{_AUTOMATION}.PSInvalidCastException"
    return Failure(what, "ConvertToFinalInvalidCastException", Category.INVALID_ARGUMENT, type_name=kind)


_AUTOMATION = "System.Management.Automation"
_ABOVE = {
    "System.IO.DirectoryNotFoundException": "System.IO.IOException",
    "System.IO.FileNotFoundException": "System.IO.IOException",
    "System.IO.PathTooLongException": "System.IO.IOException",
    "System.IO.IOException": "System.SystemException",
    "System.UnauthorizedAccessException": "System.SystemException",
    "System.ArgumentNullException": "System.ArgumentException",
    "System.ArgumentOutOfRangeException": "System.ArgumentException",
    "System.ArgumentException": "System.SystemException",
    "System.FormatException": "System.SystemException",
    "System.NotSupportedException": "System.SystemException",
    "System.ObjectDisposedException": "System.InvalidOperationException",
    "System.InvalidOperationException": "System.SystemException",
    "System.DivideByZeroException": "System.ArithmeticException",
    "System.OverflowException": "System.ArithmeticException",
    "System.ArithmeticException": "System.SystemException",
    "System.InvalidCastException": "System.SystemException",
    "System.SystemException": "System.Exception",
    f"{_AUTOMATION}.MethodInvocationException": f"{_AUTOMATION}.MethodException",
    f"{_AUTOMATION}.MethodException": f"{_AUTOMATION}.ExtendedTypeSystemException",
    f"{_AUTOMATION}.ExtendedTypeSystemException": f"{_AUTOMATION}.RuntimeException",
    f"{_AUTOMATION}.PSInvalidCastException": "System.InvalidCastException",
    f"{_AUTOMATION}.RemoteException": f"{_AUTOMATION}.RuntimeException",
    f"{_AUTOMATION}.ItemNotFoundException": f"{_AUTOMATION}.SessionStateException",
    f"{_AUTOMATION}.SessionStateException": f"{_AUTOMATION}.RuntimeException",
    f"{_AUTOMATION}.RuntimeException": "System.SystemException",
}
"""Each exception with the one that it is a kind of; what is missing here is a kind of System.Exception."""


def is_kind(type_name: str, wanted: str) -> bool:
    """Whether an exception is of a type or of one derived from it."""
    found = type_name
    while found != wanted:
        if found == "System.Exception":
            return False
        found = _ABOVE.get(found, "System.Exception")
    return True


_HRESULTS = {
    "System.Exception": 0x80131500,
    "System.SystemException": 0x80131501,
    "System.ArgumentOutOfRangeException": 0x80131502,
    "System.IndexOutOfRangeException": 0x80131508,
    "System.InvalidOperationException": 0x80131509,
    "System.NotSupportedException": 0x80131515,
    "System.OverflowException": 0x80131516,
    "System.FormatException": 0x80131537,
    "System.IO.IOException": 0x80131620,
    "System.ObjectDisposedException": 0x80131622,
    "System.InvalidCastException": 0x80004002,
    "System.ArgumentNullException": 0x80004003,
    "System.DivideByZeroException": 0x80020012,
    "System.IO.FileNotFoundException": 0x80070002,
    "System.IO.DirectoryNotFoundException": 0x80070003,
    "System.UnauthorizedAccessException": 0x80070005,
    "System.ArgumentException": 0x80070057,
    "System.IO.PathTooLongException": 0x800700CE,
    "System.ArithmeticException": 0x80070216,
}
"""What the constructors of the exceptions set as HResult (corerror.h, winerror.h)."""


def hresult(type_name: str, win32: int = 0) -> int:
    """Exception.HResult, which is signed: that of the error of Windows, or of the nearest type that has a number."""
    number = 0x80070000 | win32
    found = type_name
    while not win32 and (number := _HRESULTS.get(found, 0)) == 0:
        found = _ABOVE.get(found, "System.Exception")
    return number - (1 << 32)


def known_exceptions() -> frozenset[str]:
    """Every exception that a ``catch`` can name."""
    return frozenset(_ABOVE) | {"System.Exception", "Microsoft.PowerShell.Commands.ServiceCommandException"}
