"""What a program put out as plain values of Python, for whoever hands it to a client."""

from decimal import Decimal
from typing import Any

from unloop.rehearsal.powershell.convert import DEEPEST, is_null, text
from unloop.rehearsal.powershell.file_types import FileInfo, FileSystemInfo
from unloop.rehearsal.powershell.host_types import CimInstance, Described
from unloop.rehearsal.powershell.state import Budget
from unloop.rehearsal.powershell.values import Char, Hashtable, Record, Value, outward

_FILE = ("Name", "FullName", "LastWriteTime")


def plain(value: Value, budget: Budget, depth: int = 0) -> Any:
    """A str, int, float, bool or None; a list, or a dict for a record; any other object as its text."""
    budget.spend(len(value) if isinstance(value, str) else 0)
    if is_null(value):
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, Char | str):
        return outward(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float | Decimal):
        return float(value)
    if depth >= DEEPEST:
        return outward(text(value, depth))
    if isinstance(value, list | bytearray):
        return [plain(item, budget, depth + 1) for item in value]
    found = fields_of(value)
    if found is None:
        return outward(text(value))
    return {outward(name): plain(item, budget, depth + 1) for name, item in found.items()}


def fields_of(value: Value) -> dict[str, Value] | None:
    """The properties of a value that has some worth telling, None for one that is told as a text."""
    if isinstance(value, Record):
        return value.fields
    if isinstance(value, Hashtable):
        return {text(key): item for key, item in value.items()}
    if isinstance(value, CimInstance | Described):
        return dict(value.fields)
    if isinstance(value, FileSystemInfo):
        return file_fields(value)
    return None


def file_fields(info: FileSystemInfo) -> dict[str, Value]:
    """What a listing tells of a file."""
    node = info.known
    length: dict[str, Value] = {"Length": len(node.content)} if isinstance(info, FileInfo) else {}
    return {"Mode": mode_of(info), "Name": info.name, "FullName": info.full, **length}


def mode_of(info: FileSystemInfo) -> str:
    """``Mode`` as Windows PowerShell shows it."""
    node = info.known
    return f"{'d' if node.is_directory else '-'}{'-' if node.is_directory else 'a'}{'r' if node.read_only else '-'}---"
