"""Values and errors as PowerShell remoting carries them ([MS-PSRP] 2.2.3.15, 2.2.5)."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psrpcore import ServerPipeline
from psrpcore.types import (
    ErrorCategory,
    ErrorCategoryInfo,
    NETException,
    PipelineState,
    PSInvocationState,
    PSObject,
    add_note_property,
)
from psrpcore.types import ErrorRecord as RemoteError

from unloop.rehearsal.powershell.shell import ErrorRecord

_PLAIN = (str, int, float, bool, bytes, datetime, uuid.UUID)
_DEEPEST = 8


def remote(value: Any, depth: int = 0) -> Any:
    """A value of the interpreter as psrpcore takes it; what is neither plain, list nor record goes as its text."""
    if value is None or isinstance(value, _PLAIN):
        return value
    if depth >= _DEEPEST:
        return str(value)
    if isinstance(value, Mapping):
        record = PSObject()
        record.PSObject.type_names = ["System.Management.Automation.PSCustomObject", "System.Object"]
        for name, item in value.items():
            add_note_property(record, str(name), remote(item, depth + 1))
        return record
    if isinstance(value, list | tuple | set):
        return [remote(item, depth + 1) for item in value]
    return str(value)


def error_of(message: str) -> RemoteError:
    """An error of this simulation's own."""
    return error_record(ErrorRecord(message, "Simulation", int(ErrorCategory.NotImplemented), "", 0))


def error_record(error: ErrorRecord) -> RemoteError:
    """An error of the interpreter."""
    return RemoteError(
        Exception=NETException(Message=error.message),
        CategoryInfo=_category(error),
        FullyQualifiedErrorId=error.error_id,
    )


def write_error(pipeline: ServerPipeline, error: ErrorRecord) -> None:
    """An error that did not end the pipeline."""
    pipeline.write_error(
        NETException(Message=error.message),
        category_info=_category(error),
        fully_qualified_error_id=error.error_id,
    )


def fail(pipeline: ServerPipeline, error: RemoteError) -> None:
    """An error ended the pipeline."""
    pipeline.prepare_message(PipelineState(PipelineState=int(PSInvocationState.Failed), ExceptionAsErrorRecord=error))
    pipeline.state = PSInvocationState.Failed


def _category(error: ErrorRecord) -> ErrorCategoryInfo:
    return ErrorCategoryInfo(
        Category=ErrorCategory(error.category), Reason="", Activity="", TargetName=error.target, TargetType=""
    )
