"""Numbers and times by a format, and the format operator (.NET composite formatting)."""

import re
from decimal import ROUND_HALF_UP, Decimal, localcontext

from unloop.rehearsal.powershell.convert import text
from unloop.rehearsal.powershell.errors import Category, Failure, NotUnderstood
from unloop.rehearsal.powershell.moments import DateTime
from unloop.rehearsal.powershell.state import LONGEST, limit
from unloop.rehearsal.powershell.values import Byte, Long, Value

_ITEM = re.compile(r"\{\{|\}\}|\{(\d{1,4})(?:,\s*(-?\d{1,4}))?\s*(?::([^{}]*))?\}|[{}]")
_STANDARD = re.compile(r"([DdXxFfNn])(\d{0,2})")
_DIGITS = 500
_BITS = {int: 32, Long: 64, Byte: 8}


def formatted(value: Value, form: str) -> str:
    """A value by its format; raises NotUnderstood for a format that is not known here."""
    if not form:
        return text(value)
    if isinstance(value, DateTime):
        return value.formatted(form)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return text(value)
    found = _STANDARD.fullmatch(form)
    if found is None:
        raise NotUnderstood(f"the format of a number {form[:40]}")
    kind, digits = found[1], int(found[2] or 0)
    if kind in "DdXx":
        if not isinstance(value, int):
            raise Failure("Format specifier was invalid.", "FormatError", Category.INVALID_OPERATION)
        return _whole(value, kind, digits)
    number = Decimal(repr(value) if isinstance(value, float) else value)
    if not number.is_finite():
        return text(value)
    with localcontext(prec=_DIGITS):
        rounded = number.quantize(Decimal(1).scaleb(-int(found[2] or 2)), ROUND_HALF_UP)
    return f"{rounded:,f}" if kind in "Nn" else f"{rounded:f}"


def _whole(value: int, kind: str, digits: int) -> str:
    if kind in "Dd":
        return f"{'-' if value < 0 else ''}{abs(value):0{digits}d}"
    number = int(value) % (1 << _BITS[type(value)])
    return f"{number:0{digits}{kind}}"


def composite(form: str, values: list[Value]) -> str:
    """A text with ``{0}`` and its kin filled in; raises Failure."""
    made: list[str] = []
    place = length = 0
    for found in _ITEM.finditer(form):
        made.append(form[place : found.start()])
        place = found.end()
        made.append(_item(found, values))
        length += len(made[-1])
        if length > LONGEST:
            raise limit("a text that is too long for a simulated host")
    return "".join([*made, form[place:]])


def _item(found: re.Match[str], values: list[Value]) -> str:
    if found[0] in {"{{", "}}"}:
        return found[0][0]
    if found[1] is None:
        raise _wrong("Input string was not in a correct format.")
    if int(found[1]) >= len(values):
        raise _wrong(
            "Index (zero based) must be greater than or equal to zero and less than the size of the argument list."
        )
    made = formatted(values[int(found[1])], found[3] or "")
    width = int(found[2] or 0)
    return made.ljust(-width) if width < 0 else made.rjust(width)


def _wrong(why: str) -> Failure:
    return Failure(f"Error formatting a string: {why}", "FormatError", Category.INVALID_OPERATION)
