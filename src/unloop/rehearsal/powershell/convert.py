"""Values as other types: texts, truth, numbers, and the casts of the language (specification, chapter 6)."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, localcontext

from unloop.rehearsal.powershell import moments
from unloop.rehearsal.powershell.errors import NetError, NotUnderstood, bad_cast, no_such_conversion
from unloop.rehearsal.powershell.literals import INT_MAX, LONG_MAX
from unloop.rehearsal.powershell.state import MOST_ITEMS, limit
from unloop.rehearsal.powershell.values import (
    NOTHING,
    Array,
    Byte,
    Char,
    EnumValue,
    Hashtable,
    Instance,
    Long,
    Record,
    TypeValue,
    Value,
    fold,
    type_of,
)

_NUMBER = re.compile(
    r"\s*(?P<sign>[+-]?)(?:0x(?P<hex>[0-9a-f]{1,16})|(?P<plain>\d+\.?\d*(?:e[+-]?\d{1,3})?|\.\d+))\s*", re.I
)
_LONGEST_NUMBER = 100
_MOST_PLACES = 28
DEEPEST = 16
ALIASES: Mapping[str, str] = {
    "string": "System.String",
    "char": "System.Char",
    "bool": "System.Boolean",
    "byte": "System.Byte",
    "int": "System.Int32",
    "long": "System.Int64",
    "double": "System.Double",
    "decimal": "System.Decimal",
    "object": "System.Object",
    "array": "System.Array",
    "void": "System.Void",
    "datetime": "System.DateTime",
    "timespan": "System.TimeSpan",
    "hashtable": "System.Collections.Hashtable",
    "pscustomobject": "System.Management.Automation.PSObject",
    "psobject": "System.Management.Automation.PSObject",
    "ordered": "System.Collections.Specialized.OrderedDictionary",
    "regex": "System.Text.RegularExpressions.Regex",
    "guid": "System.Guid",
    "version": "System.Version",
    "exception": "System.Exception",
}


def is_null(value: Value) -> bool:
    """Whether a value is ``$null`` or nothing at all."""
    return value is None or value is NOTHING


def truth(value: Value) -> bool:
    """A value as a condition."""
    if isinstance(value, bool):
        return value
    if is_null(value):
        return False
    if isinstance(value, Char):
        return value != "\0"
    if isinstance(value, str | int | float | Decimal):
        return bool(value)
    if isinstance(value, list | bytearray):
        if len(value) != 1:
            return bool(value)
        return bool(value[0]) if isinstance(value[0], list) else truth(value[0])
    if isinstance(value, EnumValue):
        return value.number != 0
    return True


def text(value: Value, depth: int = 0) -> str:
    """A value as a text, as a cast and a text in double quotes make it; numbers in the invariant culture."""
    if type(value) is str:
        return value
    if is_null(value):
        return ""
    maker = next((_TEXTS[kind] for kind in type(value).__mro__ if kind in _TEXTS), None)
    if maker is None or depth > DEEPEST:
        raise NotUnderstood(f"a text of {type_of(value)}")
    return maker(value, depth)


def _record_text(record: Record, depth: int) -> str:
    inner = "; ".join(f"{name}={text(value, depth + 1)}" for name, value in record.fields.items())
    return f"@{{{inner}}}"


def _list_text(items: list[Value] | bytearray, depth: int) -> str:
    if depth:
        return f"{type_of(items)}"
    return " ".join(text(item, depth + 1) for item in items)


def double_text(number: float) -> str:
    """A Double with 15 digits, as .NET Framework writes it."""
    if number != number or number in {float("inf"), float("-inf")}:
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(number)]
    made = f"{number:.15g}"
    if "e" not in made:
        return "0" if made == "-0" else made
    digits, _, exponent = made.partition("e")
    return f"{digits}E{exponent[0]}{exponent[1:].zfill(2)}"


_TEXTS: Mapping[type, Callable[[Value, int], str]] = {
    str: lambda value, _: str(value),
    bool: lambda value, _: "True" if value else "False",
    int: lambda value, _: str(int(value)),
    float: lambda value, _: double_text(value),
    Decimal: lambda value, _: f"{value:f}",
    list: _list_text,
    bytearray: _list_text,
    Record: _record_text,
    Hashtable: lambda value, _: type_of(value),
    EnumValue: lambda value, _: value.name,
    TypeValue: lambda value, _: value.name,
    Instance: lambda value, _: value.text(),
}


def number_of(value: Value) -> Value:
    """A value as a number, of whatever type it takes; raises Failure."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Char):
        return ord(value)
    if isinstance(value, int | float | Decimal):
        return value
    if is_null(value):
        return 0
    if isinstance(value, str):
        return _number_in(value, "System.Int32")
    if isinstance(value, EnumValue):
        return value.number
    raise no_such_conversion(text(value), type_of(value), "System.Int32")


def _number_in(given: str, wanted: str) -> Value:
    if not given.strip():
        return 0
    found = _NUMBER.fullmatch(given) if len(given) <= _LONGEST_NUMBER else None
    if found is None:
        kind = wanted.removeprefix("System.")
        raise bad_cast(
            given, wanted, "Input string was not in a correct format.", f"InvalidCastFromStringTo{_CLASSES[kind]}"
        )
    sign = -1 if found["sign"] == "-" else 1
    if found["hex"]:
        return sign * int(found["hex"], 16)
    if found["plain"].isdigit():
        whole = sign * int(found["plain"])
        return whole if abs(whole) <= INT_MAX else Long(whole) if abs(whole) <= LONG_MAX else float(whole)
    return sign * float(found["plain"])


_CLASSES = {"Int32": "Integer", "Int64": "Integer", "Byte": "Integer", "Double": "DoubleOrSingle", "Decimal": "Decimal"}


def whole(value: Value, wanted: str, low: int, high: int) -> int:
    """A value as a whole number between two bounds, halves to the even; raises Failure."""
    number = _number_in(value, wanted) if isinstance(value, str) and not isinstance(value, Char) else number_of(value)
    made = high + 1 if number != number or abs(number) > 1 << 80 else round(number)
    if not low <= made <= high:
        kind = {"Byte": "an unsigned byte", "Int32": "an Int32", "Int64": "an Int64"}[wanted.removeprefix("System.")]
        raise bad_cast(text(value), wanted, f"Value was either too large or too small for {kind}.")
    return made


def to_int(value: Value) -> int:
    """[int]."""
    return whole(value, "System.Int32", -INT_MAX - 1, INT_MAX)


def to_long(value: Value) -> Long:
    """[long]."""
    return Long(whole(value, "System.Int64", -LONG_MAX - 1, LONG_MAX))


def to_double(value: Value) -> float:
    """[double]."""
    return float(_number_in(value, "System.Double") if isinstance(value, str) else number_of(value))


def _decimal(value: Value) -> Decimal:
    found = _number_in(value, "System.Decimal") if isinstance(value, str) else number_of(value)
    if found != found or abs(found) >= 1 << 96:
        raise bad_cast(text(value), "System.Decimal", "Value was either too large or too small for a Decimal.")
    made = found if isinstance(found, Decimal) else Decimal(repr(found) if isinstance(found, float) else int(found))
    return scaled(made)


def scaled(number: Decimal) -> Decimal:
    """A Decimal with no more places than .NET keeps."""
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -_MOST_PLACES:
        return number
    with localcontext(prec=2 * _MOST_PLACES + 4):
        return round(number, _MOST_PLACES)


def _char(value: Value) -> Char:
    if isinstance(value, str):
        if len(value) == 1:
            return Char(value)
        raise bad_cast(
            value, "System.Char", "String must be exactly one character long.", "InvalidCastParseTargetInvocation"
        )
    return Char(chr(whole(value, "System.Int32", 0, 0xFFFF)))


def _datetime(value: Value) -> moments.DateTime:
    if isinstance(value, moments.DateTime):
        return value
    if isinstance(value, str):
        found = moments.parsed(value)
        if found is None:
            raise NotUnderstood(f"the time {value[:40]!r}: only ISO 8601 is read here")
        return found
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return moments.DateTime(int(value))
        except NetError as error:
            raise bad_cast(text(value), "System.DateTime", error.message) from error
    raise no_such_conversion(text(value), type_of(value), "System.DateTime")


def items_of(value: Value) -> list[Value]:
    """The items of an array; another value is the only item, and nothing has none."""
    if isinstance(value, bytearray):
        if len(value) > MOST_ITEMS:
            raise limit("an array that is too long for a simulated host")
        return [Byte(item) for item in value]
    if isinstance(value, list):
        return value
    return [] if value is NOTHING else [value]


def _array(value: Value) -> list[Value]:
    return value if isinstance(value, list) else items_of(value)


def _record(value: Value) -> Value:
    if not isinstance(value, Hashtable):
        return value
    return Record({text(key): item for key, item in value.items()})


def _ordered(value: Value) -> Hashtable:
    if not isinstance(value, Hashtable):
        raise no_such_conversion(text(value), type_of(value), ALIASES["ordered"])
    made = Hashtable(is_ordered=True)
    for key, item in value.items():
        made.put(key, item)
    return made


def _hashtable(value: Value) -> Value:
    if value is None or isinstance(value, Hashtable):
        return value
    raise no_such_conversion(text(value), type_of(value), ALIASES["hashtable"])


CASTS: Mapping[str, Callable[[Value], Value]] = {
    "System.String": text,
    "System.Char": _char,
    "System.Boolean": truth,
    "System.Byte": lambda value: Byte(whole(value, "System.Byte", 0, 255)),
    "System.Int32": to_int,
    "System.Int64": to_long,
    "System.Double": to_double,
    "System.Decimal": _decimal,
    "System.Object": lambda value: value,
    "System.Void": lambda _: NOTHING,
    "System.Array": _array,
    "System.DateTime": _datetime,
    "System.Management.Automation.PSObject": _record,
    "System.Collections.Specialized.OrderedDictionary": _ordered,
    "System.Collections.Hashtable": _hashtable,
}
"""By full names; the other types have casts of their own."""


def full_name(name: str) -> str:
    """The full name of a type as far as an alias tells; the case stays as it was written."""
    if name.endswith("[]"):
        return f"{full_name(name[:-2])}[]"
    return ALIASES.get(fold(name)) or name


def to_array(value: Value, element: str) -> Value:
    """A cast to an array of a type; raises Failure and NotUnderstood."""
    caster = CASTS.get(element)
    if caster is None or element == "System.Void":
        raise NotUnderstood(f"a cast to {element}[]")
    if value is None:
        return None
    if element == "System.Char" and type(value) is str:
        return Array(element, (Char(character) for character in value))
    if element == "System.Byte":
        return value if isinstance(value, bytearray) else bytearray(caster(item) for item in items_of(value))
    made = [caster(item) for item in items_of(value)]
    return made if element == "System.Object" else Array(element, made)
