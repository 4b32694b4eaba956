"""The kinds of values that options take: text, paths, times, guards and the rest, each with a sentence when it is wrong."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from unloop.actions.options import BadValue, Kind
from unloop.errors import did_you_mean
from unloop.model.files import FileGuard
from unloop.model.patterns import has_wildcard, is_posix, split
from unloop.playbook.duration import seconds

ANY_FILE = FileGuard()
HEX = re.compile(r"[0-9a-f]*")
WINDOWS_PATH = re.compile(r"[A-Za-z]:\\[^/:<>\"|\x00-\x1f]+")


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise BadValue(f"{value!r} is no text")
    return str(value)


def _pattern(value: Any) -> str:
    path = _text(value)
    if "%" in path:
        raise BadValue(f"{path!r} holds an environment variable, which nobody expands; write the full path")
    parts = path.split("/") if is_posix(path) else path.split("\\")
    if "." in parts or ".." in parts or path.endswith(("/", "\\")) or "" in parts[1:]:
        raise BadValue(f"{path!r} is no plain path to a file")
    if not is_posix(path) and not WINDOWS_PATH.fullmatch(path):
        raise BadValue(f"{path!r} is no full path, such as C:\\Windows\\x.sys or /etc/x")
    if is_posix(path) and re.search(r"[\\\x00-\x1f]", path):
        raise BadValue(f"{path!r} holds a backslash or a control character")
    if has_wildcard(split(path)[0]):
        raise BadValue(f"{path!r} has a wildcard in a directory; only the last component may hold one")
    return path


def _path(value: Any) -> str:
    path = _pattern(value)
    if has_wildcard(path):
        raise BadValue(f"{path!r} must name one file, without wildcards")
    return path


def _time(value: Any) -> datetime:
    """A moment, in whole seconds: every channel can compare those."""
    moment = value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise BadValue(f"{value!r} is no ISO 8601 time, such as 2024-07-19T04:09:00Z") from error
    if not isinstance(moment, datetime):
        raise BadValue(f"{value!r} is no ISO 8601 time, such as 2024-07-19T04:09:00Z")
    if moment.tzinfo is None:
        raise BadValue(f"{value!r} has no time zone; end it with Z for UTC")
    if moment.microsecond:
        raise BadValue(f"{value!r} holds a fraction of a second, which not every channel can see")
    return moment.astimezone(UTC)


def _size(value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError) as error:
        raise BadValue(f"{value!r} is no number of bytes") from error
    if number < 0 or isinstance(value, bool | float):
        raise BadValue(f"{value!r} is no number of bytes")
    return number


def _hex(value: Any) -> str:
    text = re.sub(r"[\s:,-]|0x", "", str(value).lower())
    if not text or len(text) % 2 or not HEX.fullmatch(text):
        raise BadValue(f"{value!r} is no row of hex bytes, such as AA AA 01 00 (quote it)")
    return text


def _sha256(value: Any) -> str:
    text = str(value).strip().lower()
    if len(text) != len("0" * 64) or not HEX.fullmatch(text):
        raise BadValue(f"{value!r} is no SHA-256 in hex")
    return text


def _known(mapping: Any, known: tuple[str, ...], what: str) -> Mapping[str, Any]:
    if not isinstance(mapping, Mapping):
        raise BadValue(f"{what} is {mapping!r}, not a mapping of {', '.join(known)}")
    for key in mapping:
        if key not in known:
            raise BadValue(f"{what} has no {str(key)!r}; {did_you_mean(str(key), known)}")
    return mapping


def read_guard(value: Any) -> FileGuard:
    """A guard as YAML writes it; raises BadValue with a sentence."""
    keys = ("header", "modified", "size", "sha256", "unless_sibling_from")
    guard = _known(value if value is not None else {}, keys, "guard")
    modified = _known(guard.get("modified", {}), ("from", "before"), "modified")
    size = _known(guard.get("size", {}), ("min", "max"), "size")
    hashes = guard.get("sha256", ())
    made = FileGuard(
        header=_hex(guard["header"]) if "header" in guard else "",
        modified_from=_time(modified["from"]) if "from" in modified else None,
        modified_before=_time(modified["before"]) if "before" in modified else None,
        size_min=_size(size["min"]) if "min" in size else None,
        size_max=_size(size["max"]) if "max" in size else None,
        sha256=tuple(_sha256(item) for item in (hashes if isinstance(hashes, list | tuple) else (hashes,))),
        good_sibling_from=_time(guard["unless_sibling_from"]) if "unless_sibling_from" in guard else None,
    )
    return _sensible(made)


def _sensible(guard: FileGuard) -> FileGuard:
    """A guard that no file can pass is a mistake, not a precaution."""
    if guard.modified_from and guard.modified_before and guard.modified_from >= guard.modified_before:
        raise BadValue("modified.from is not before modified.before: no file can match")
    if guard.size_min is not None and guard.size_max is not None and guard.size_min > guard.size_max:
        raise BadValue("size.min is above size.max: no file can match")
    if guard.size_max is not None and guard.size_max < guard.header_length:
        raise BadValue("size.max is less than the header is long: no file can match")
    if guard.good_sibling_from and guard.modified_from and guard.good_sibling_from <= guard.modified_from:
        raise BadValue("unless_sibling_from is not after modified.from: every match would be its own good sibling")
    return guard


def write_guard(guard: FileGuard) -> dict[str, Any]:
    """The YAML form of a guard."""
    modified = {"from": guard.modified_from, "before": guard.modified_before}
    size = {"min": guard.size_min, "max": guard.size_max}
    values: dict[str, Any] = {
        "header": guard.header,
        "modified": {key: moment.isoformat() for key, moment in modified.items() if moment},
        "size": {key: number for key, number in size.items() if number is not None},
        "sha256": list(guard.sha256),
        "unless_sibling_from": guard.good_sibling_from.isoformat() if guard.good_sibling_from else "",
    }
    return {key: value for key, value in values.items() if value}


def _seconds(value: Any) -> float:
    try:
        return seconds(value)
    except ValueError as error:
        raise BadValue(str(error)) from error


def _kb(value: Any) -> str:
    found = re.fullmatch(r"(?:KB)?(\d{6,8})", str(value).strip(), re.IGNORECASE)
    if not found:
        raise BadValue(f"{value!r} is no update, such as KB5034441")
    return f"KB{found[1]}"


def _registry_path(value: Any) -> str:
    text = re.sub(r"^HKEY_LOCAL_MACHINE\\", r"HKLM\\", _text(value), flags=re.IGNORECASE)
    parts = text.split("\\")
    if parts[0].upper() != "HKLM" or len(parts) <= len(("HKLM", "SYSTEM", "name")) or "" in parts[:-1]:
        raise BadValue(
            f"{value!r} is no path to a value below HKLM, such as HKLM\\SYSTEM\\CurrentControlSet\\...\\Start"
        )
    return "\\".join(("HKLM", *parts[1:]))


def _service(value: Any) -> str:
    text = _text(value)
    if not re.fullmatch(r"[A-Za-z0-9_.@:-][A-Za-z0-9_ .@:-]*", text):
        raise BadValue(f"{value!r} is no name of a service or driver")
    return text


def _scalar(value: Any) -> Any:
    """A registry value as YAML gives it; its type says more."""
    if isinstance(value, bool) or not isinstance(value, str | int | list | tuple):
        raise BadValue(f"{value!r} is no text, number or list of texts")
    return tuple(_text(item) for item in value) if isinstance(value, list | tuple) else value


def choice(*known: str) -> Kind:
    """One word of a closed list."""

    def read(value: Any) -> str:
        if value not in known:
            raise BadValue(f"{value!r} is none of {', '.join(known)}")
        return str(value)

    return Kind(" | ".join(known), read)


TEXT = Kind("text", _text)
PATTERN = Kind("path, wildcards in the last component", _pattern)
PATH = Kind("path", _path)
GUARD = Kind("guard", read_guard, write_guard)
SHA256 = Kind("SHA-256", _sha256)
DURATION = Kind("duration", _seconds)
KB = Kind("update", _kb)
REGISTRY_PATH = Kind("registry path", _registry_path)
SERVICE = Kind("name", _service)
SCALAR = Kind("text, number or list", _scalar, lambda value: list(value) if isinstance(value, tuple) else value)
