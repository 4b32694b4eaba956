"""Errors as a program sees them: ``$_`` in a catch, and the exception in it."""

from typing import ClassVar

from unloop.rehearsal.powershell.convert import text
from unloop.rehearsal.powershell.errors import Category, ErrorRecord, Failure, NotUnderstood, hresult
from unloop.rehearsal.powershell.members import Members, Method, methods
from unloop.rehearsal.powershell.state import Session
from unloop.rehearsal.powershell.values import Instance, outward


class ExceptionObject(Instance):
    """System.Exception and its kin."""

    def __init__(self, kind: str, message: str, inner: "ExceptionObject | None" = None, *, win32: int = 0) -> None:
        self.kind, self.message, self.inner, self.win32 = kind, message, inner, win32

    def text(self) -> str:
        """The type and the message; the stack is left out."""
        return f"{self.kind}: {self.message}"


class ErrorObject(Instance):
    """System.Management.Automation.ErrorRecord."""

    type_name: ClassVar[str] = "System.Management.Automation.ErrorRecord"

    def __init__(self, failure: Failure, exception: ExceptionObject) -> None:
        self.failure, self.exception = failure, exception

    def text(self) -> str:
        """The message."""
        return self.failure.message


def caught(failure: Failure, *, is_inner: bool) -> ErrorObject:
    """An error for the catch that took it: one that named the inner exception's type gets that exception."""
    thrown = failure.inner
    inner = ExceptionObject(thrown.type_name, thrown.message, win32=thrown.win32) if thrown else None
    if is_inner and inner is not None:
        return ErrorObject(failure, inner)
    return ErrorObject(failure, ExceptionObject(failure.type_name, failure.message, inner))


def record_of(failure: Failure) -> ErrorRecord:
    """An error for the error stream."""
    target = "" if failure.target is None else outward(text(failure.target))
    return ErrorRecord(outward(failure.message), outward(failure.error_id), int(failure.category), target, failure.line)


def end_of(error: NotUnderstood) -> ErrorRecord:
    """The end of a program that this host can't carry out, as an error."""
    is_outside = error.category == Category.NOT_IMPLEMENTED
    message = f"{error.what}: not understood by this simulated host" if is_outside else error.what
    return ErrorRecord(outward(message), error.error_id, int(error.category), error.target, error.line)


def _base(_: Session, value: ExceptionObject) -> ExceptionObject:
    """Exception.GetBaseException: the innermost one."""
    while value.inner is not None:
        value = value.inner
    return value


EXCEPTION = Members(
    {
        "message": lambda value: value.message,
        "innerexception": lambda value: value.inner,
        "hresult": lambda value: hresult(value.kind, value.win32),
    },
    methods(Method("GetBaseException", _base, (0,))),
)
ERROR = Members(
    {
        "exception": lambda value: value.exception,
        "fullyqualifiederrorid": lambda value: value.failure.error_id,
        "targetobject": lambda value: value.failure.target,
    },
)
