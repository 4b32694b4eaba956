"""File orders and checks in the forms that the static programs read: JSON for PowerShell, arguments for sh."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from unloop.channels.answers import LANDED, SHELL_EPOCHS
from unloop.model.files import Disposition, FileGuard, FileOrder
from unloop.model.order import Check, CheckKind
from unloop.model.patterns import split

UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ticks(moment: datetime | None) -> int:
    """A time as .NET counts it: 100 ns since the year 1; 0 for none."""
    return (moment - SHELL_EPOCHS["powershell"]) // timedelta(microseconds=1) * 10 if moment else 0


def guard_json(guard: FileGuard) -> dict[str, Any]:
    """A guard for guards.ps1."""
    return {
        "header": guard.header,
        "modified_from": ticks(guard.modified_from),
        "modified_before": ticks(guard.modified_before),
        "size_min": -1 if guard.size_min is None else guard.size_min,
        "size_max": -1 if guard.size_max is None else guard.size_max,
        "sha256": list(guard.sha256),
        "good_sibling_from": ticks(guard.good_sibling_from),
    }


def file_step(order: FileOrder) -> dict[str, Any]:
    """A file order as one step of remedy.ps1."""
    directory, name = split(order.pattern)
    source_directory, source_name = split(order.source) if order.source else ("", "")
    return {
        "kind": "files",
        "disposition": order.disposition.value,
        "pattern": order.pattern,
        "directory": directory,
        "name": name,
        "guard": guard_json(order.guard),
        "quarantine": order.quarantine,
        "content": order.content,
        "content_sha256": content_sha256(order),
        "source_directory": source_directory,
        "source_name": source_name,
    }


def content_sha256(order: FileOrder) -> str:
    """The SHA-256 of what a PUT writes, '' for other orders."""
    if order.disposition is not Disposition.PUT:
        return ""
    return hashlib.sha256(base64.b64decode(order.content)).hexdigest()


def check_json(check: Check) -> dict[str, Any]:
    """A check for guards.ps1."""
    values: dict[str, Any] = {"check": str(check), "kind": check.kind.value}
    if check.needs_files_only:
        directory, name = split(check.pattern)
        return {**values, "directory": directory, "name": name, "guard": guard_json(check.guard)}
    if check.kind is CheckKind.REGISTRY_VALUE:
        key, name = split(check.name.removeprefix("HKLM\\"))
        return {**values, "key": key, "name": name, "expected": check.expected}
    return {**values, "name": check.name, "seconds": check.seconds, "landed": LANDED}


def _unix(moment: datetime | None) -> str:
    return str((moment - UNIX_EPOCH) // timedelta(seconds=1)) if moment else ""


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def guard_arguments(guard: FileGuard) -> tuple[str, ...]:
    """A guard as the arguments of guards.sh's ``guard``."""
    return (
        guard.header,
        _unix(guard.modified_from),
        _unix(guard.modified_before),
        _number(guard.size_min),
        _number(guard.size_max),
        " ".join(guard.sha256),
        _unix(guard.good_sibling_from),
    )


def sh_pattern(pattern: str) -> tuple[str, str]:
    """The directory with its slash, and the name as a pattern of ``case``, in which ``[`` is no wildcard."""
    directory, name = split(pattern)
    return directory.rstrip("/") + "/", name.replace("[", "[[]")


def file_call(order: FileOrder) -> tuple[str, ...]:
    """A file order as one call of remedy.sh."""
    guard = guard_arguments(order.guard)
    if order.disposition is Disposition.PUT:
        return ("put", order.pattern, order.content, content_sha256(order))
    if order.disposition is Disposition.RESTORE:
        return ("restore", order.pattern, *sh_pattern(order.source), *guard)
    return ("remove", order.disposition.value, *sh_pattern(order.pattern), order.quarantine, *guard)


def check_arguments(check: Check) -> tuple[str, ...]:
    """A check as the arguments of guards.sh's ``answer``, its text first."""
    start = (str(check), check.kind.value)
    if check.needs_files_only:
        return (*start, *sh_pattern(check.pattern), *guard_arguments(check.guard))
    if check.kind is CheckKind.NO_BUGCHECK:
        return (*start, f"{check.seconds:.0f}", LANDED)
    return (*start, check.name)
