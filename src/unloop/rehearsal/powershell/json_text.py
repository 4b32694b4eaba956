"""JSON as Windows PowerShell 5.1 reads and writes it (JavaScriptSerializer of .NET Framework)."""

import json
import math
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from unloop.rehearsal.powershell.convert import double_text, is_null, text
from unloop.rehearsal.powershell.errors import Category, Failure, NotUnderstood
from unloop.rehearsal.powershell.literals import whole
from unloop.rehearsal.powershell.moments import DateTime
from unloop.rehearsal.powershell.state import LONGEST, Budget, limit
from unloop.rehearsal.powershell.values import Array, Char, EnumValue, Hashtable, Record, Value, inward, type_of

_ESCAPED = re.compile("[\x00-\x1f\"\\\\'<>&\x85\u2028\u2029]")
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_DATE = re.compile(r"/Date\(-?\d+\)/")
_UNIX_TICKS = 621_355_968_000_000_000
_DEEPEST = 100
_WORK = 128
_DIGITS = 29


def quoted(value: str) -> str:
    """A text as HttpUtility.JavaScriptStringEncode escapes it: apostrophes, ``<``, ``>`` and ``&`` too."""
    return '"' + _ESCAPED.sub(lambda found: _SHORT.get(found[0]) or f"\\u{ord(found[0]):04x}", value) + '"'


def written(value: Value, deepest: int, budget: Budget) -> str:
    """A value as compressed JSON; what lies deeper than ``deepest`` is a text of itself."""
    parts: list[str] = []
    _write(value, deepest, budget, parts)
    if sum(map(len, parts)) > LONGEST:
        raise limit("a text that is too long for a simulated host")
    return "".join(parts)


def _write(value: Value, left: int, budget: Budget, parts: list[str]) -> None:
    budget.spend(_WORK + (len(value) if isinstance(value, str) else 0))
    plain = _scalar(value)
    if plain is not None:
        parts.append(plain)
    elif left < 0:
        parts.append(quoted(text(value)))
    elif isinstance(value, Record):
        _write_object(value.fields.items(), left, budget, parts)
    elif isinstance(value, Hashtable):
        _write_object(((text(key), item) for key, item in value.items()), left, budget, parts)
    elif type(value) is list or isinstance(value, Array | bytearray):
        _write_array(value, left, budget, parts)
    else:
        raise NotUnderstood(f"JSON of {type_of(value)}")


def _scalar(value: Value) -> str | None:
    if is_null(value) or (isinstance(value, Char) and value == "\0"):
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return double_text(value) if float(double_text(value)) == value else repr(value).replace("e", "E")
    if isinstance(value, Decimal):
        return text(value)
    if isinstance(value, EnumValue):
        return str(value.number)
    if isinstance(value, DateTime):
        return f'"\\/Date({(value.ticks - _UNIX_TICKS) // 10_000})\\/"'
    return None


def _write_object(fields: Iterable[tuple[str, Value]], left: int, budget: Budget, parts: list[str]) -> None:
    parts.append("{")
    for place, (name, value) in enumerate(fields):
        parts.append(f"{',' if place else ''}{quoted(name)}:")
        _write(value, left - 1, budget, parts)
    parts.append("}")


def _write_array(items: Iterable[Value], left: int, budget: Budget, parts: list[str]) -> None:
    parts.append("[")
    for place, value in enumerate(items):
        if place:
            parts.append(",")
        _write(value, left - 1, budget, parts)
    parts.append("]")


def read(document: str) -> Value:
    """The value of a JSON text; raises Failure."""
    try:
        found = json.loads(document, parse_float=_fraction, parse_constant=_refused, object_pairs_hook=_record)
    except (ValueError, RecursionError) as error:
        what = f"Invalid JSON primitive: {document[:40].strip()}."
        if document.strip()[:1] in {"{", "["}:
            what = f"Invalid object passed in, ':' or '}}' expected. (0): {document[:40]}"
        error_id = "System.ArgumentException,Microsoft.PowerShell.Commands.ConvertFromJsonCommand"
        raise Failure(what, error_id, Category.NOT_SPECIFIED, type_name="System.ArgumentException") from error
    return _value(found, 0)


def _fraction(digits: str) -> Decimal | float:
    """A number with a point is a Decimal; one with an exponent, or too large for that, a Double."""
    if "e" not in digits.lower() and len(digits) <= _DIGITS:
        return Decimal(digits)
    found = float(digits)
    if not math.isfinite(found):
        raise ValueError(digits)
    return found


def _refused(word: str) -> None:
    raise ValueError(word)


def _record(pairs: list[tuple[str, Any]]) -> Record:
    record = Record({})
    for name, value in pairs:
        if record.find(inward(name)) is not None:
            raise NotUnderstood(f"the JSON key {name[:40]!r} twice in one object")
        record.fields[inward(name)] = value
    return record


def _value(found: Any, depth: int) -> Value:
    """What Python read as PowerShell has it."""
    if depth > _DEEPEST:
        raise NotUnderstood("JSON that is nested too deeply")
    if isinstance(found, Record):
        found.fields = {name: _value(value, depth + 1) for name, value in found.fields.items()}
        return found
    if isinstance(found, list):
        return [_value(value, depth + 1) for value in found]
    if isinstance(found, str):
        if _DATE.fullmatch(found):
            raise NotUnderstood("a time in JSON")
        return inward(found)
    if isinstance(found, int) and not isinstance(found, bool):
        return whole(found)
    return found
