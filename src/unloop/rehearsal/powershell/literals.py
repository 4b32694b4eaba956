"""Numbers and texts as they stand in a program (PowerShell Language Specification 2.3.5)."""

import re
from decimal import Decimal

from unloop.rehearsal.powershell.errors import NotUnderstood
from unloop.rehearsal.powershell.values import Long, Value

_NUMBER = re.compile(r"(?P<digits>\d+|\d*\.\d+(?:e[+-]?\d+)?|\d+\.?(?:e[+-]?\d+)?)(?P<type>[ld]?)(?P<unit>[kmgtp]b)?")
_HEX = re.compile(r"0x(?P<digits>[0-9a-f]+)(?P<type>l?)(?P<unit>[kmgtp]b)?")
_UNITS = {"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40, "pb": 1 << 50}
_ESCAPES = {"0": "\0", "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_LONGEST_NUMBER = 40
INT_MAX, LONG_MAX = (1 << 31) - 1, (1 << 63) - 1


def number(text: str, line: int) -> Value:
    """The value of a numeric literal; raises NotUnderstood for one whose type we don't know."""
    plain = text.lower()
    found = _HEX.fullmatch(plain) or _NUMBER.fullmatch(plain)
    if found is None or len(plain) > _LONGEST_NUMBER:
        raise NotUnderstood(f"the number {text[:40]}", line)
    digits, unit = found["digits"], _UNITS.get(found["unit"] or "", 1)
    if plain.startswith("0x"):
        value = int(digits, 16)
        if value > INT_MAX:
            raise NotUnderstood(f"the number {text}: its sign is not known here", line)
        return Long(value * unit) if found["type"] else whole(value * unit)
    if found["type"] == "d":
        if not digits.isdigit() or int(digits) * unit >= 1 << 96:
            raise NotUnderstood(f"the number {text}", line)
        return Decimal(int(digits) * unit)
    if not digits.isdigit():
        if found["type"]:
            raise NotUnderstood(f"the number {text}", line)
        return float(digits) * unit
    if found["type"] == "l":
        if int(digits) * unit > LONG_MAX:
            raise NotUnderstood(f"the number {text} does not fit", line)
        return Long(int(digits) * unit)
    return whole(int(digits) * unit)


def whole(value: int) -> Value:
    """A whole number as the smallest type that holds it: Int32, Int64, Decimal, Double."""
    if -INT_MAX - 1 <= value <= INT_MAX:
        return value
    if -LONG_MAX - 1 <= value <= LONG_MAX:
        return Long(value)
    return Decimal(value) if abs(value) < 1 << 96 else float(value)


def verbatim(text: str) -> str:
    """What stands in single quotes; two of them are one."""
    return re.sub("['\u2018-\u201b]{2}", lambda found: found[0][0], text[1:-1])


def here_text(text: str) -> str:
    """What stands between ``@'`` or ``@"`` and its end: without the first and the last line break."""
    inner = text[2:-2]
    inner = inner[inner.index("\n") + 1 :]
    end = inner.rindex("\n") if "\n" in inner else 0
    return inner[:end].removesuffix("\r")


def unescaped(text: str, *, doubles_quotes: bool) -> str:
    """A piece of a text in double quotes: backticks escape, and two quotes are one."""
    made = []
    place = 0
    while place < len(text):
        character = text[place]
        following = text[place + 1 : place + 2]
        if character == "`" and following:
            made.append(_ESCAPES.get(following, following))
            place += 2
        elif doubles_quotes and character == '"' and following == '"':
            made.append('"')
            place += 2
        else:
            made.append(character)
            place += 1
    return "".join(made)
