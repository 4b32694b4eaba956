"""Texts, bytes and hashes: System.String, Convert, BitConverter, Encoding, SHA256CryptoServiceProvider."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from typing import ClassVar

from unloop.rehearsal.powershell.convert import is_null, items_of, text, to_int
from unloop.rehearsal.powershell.errors import NetError, NotUnderstood
from unloop.rehearsal.powershell.file_types import FileStream
from unloop.rehearsal.powershell.formats import composite
from unloop.rehearsal.powershell.members import Members, Method, methods
from unloop.rehearsal.powershell.state import LONGEST, Session, limit
from unloop.rehearsal.powershell.values import Array, Char, Instance, Value, fold, inward, outward

_NET_BLANKS = " \t\n\v\f\r\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_TRIM = re.compile(f"^[{_NET_BLANKS}]+|[{_NET_BLANKS}]+$")
_TRIM_START = re.compile(f"^[{_NET_BLANKS}]+")
_TRIM_END = re.compile(f"[{_NET_BLANKS}]+$")


def _upper(value: str) -> str:
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in value)


def _substring(_: Session, value: str, start: Value, length: Value = None) -> str:
    first = to_int(start)
    count = len(value) - first if length is None else to_int(length)
    if not 0 <= first <= len(value):
        which = "less than zero" if first < 0 else "larger than length of string"
        what = f"startIndex cannot be {which}.\r\nParameter name: startIndex"
        raise NetError("System.ArgumentOutOfRangeException", what)
    if count < 0 or first + count > len(value):
        which = "Length cannot be less than zero." if count < 0 else _TOO_FAR
        raise NetError("System.ArgumentOutOfRangeException", f"{which}\r\nParameter name: length")
    return value[first : first + count]


_TOO_FAR = "Index and length must refer to a location within the string."


def _replace(_: Session, value: str, old: Value, new: Value) -> str:
    wanted, by = text(old), text(new)
    if not wanted:
        raise NetError("System.ArgumentException", "String cannot be of zero length.\r\nParameter name: oldValue")
    if len(value) + value.count(wanted) * (len(by) - len(wanted)) > LONGEST:
        raise limit("a text that is too long for a simulated host")
    return value.replace(wanted, by)


def _trim(pattern: re.Pattern[str], *, is_start: bool = True, is_end: bool = True) -> Callable[..., str]:
    def trim(_: Session, value: str, characters: Value = None) -> str:
        if characters is None:
            return pattern.sub("", value)
        chosen = "".join(text(item) for item in items_of(characters))
        value = value.lstrip(chosen) if is_start else value
        return value.rstrip(chosen) if is_end else value

    return trim


def _ordinal(test: Callable[[str, str], Value]) -> Callable[..., Value]:
    """A test whose meaning does not hang on the language: of ASCII alone."""

    def tell(_: Session, value: str, other: Value) -> Value:
        wanted = text(other)
        if not (value.isascii() and wanted.isascii()):
            raise NotUnderstood("a comparison of texts by language")
        return test(value, wanted)

    return tell


def _split(_: Session, value: str, separators: Value) -> Array:
    marks = "".join(text(item) for item in items_of(separators))
    if not marks:
        raise NotUnderstood("Split without separators")
    return Array("System.String", re.split(f"[{re.escape(marks)}]", value))


def _pad(*, is_left: bool) -> Callable[..., str]:
    def pad(_: Session, value: str, width: Value, character: Value = " ") -> str:
        wide = to_int(width)
        if not 0 <= wide <= LONGEST:
            raise limit("a text that is too long for a simulated host")
        return value.rjust(wide, text(character)) if is_left else value.ljust(wide, text(character))

    return pad


def _compare_ordinal(_: Session, first: Value, second: Value) -> int:
    """The difference of the first characters that differ, or of the lengths."""
    one, other = text(first), text(second)
    pairs = ((ord(a), ord(b)) for a, b in zip(one, other, strict=False) if a != b)
    a, b = next(pairs, (len(one), len(other)))
    return a - b


def _join(_: Session, between: Value, items: Value) -> str:
    parts = [text(item) for item in items_of(items)]
    mark = text(between)
    if sum(map(len, parts)) + len(mark) * len(parts) > LONGEST:
        raise limit("a text that is too long for a simulated host")
    return mark.join(parts)


def _format(_: Session, form: Value, *arguments: Value) -> str:
    values = items_of(arguments[0]) if len(arguments) == 1 else list(arguments)
    return composite(text(form), values)


def _from_base64(_: Session, given: Value) -> bytearray:
    plain = re.sub(r"[ \t\r\n]", "", text(given))
    try:
        return bytearray(base64.b64decode(plain, validate=True))
    except (binascii.Error, ValueError) as error:
        what = (
            "The input is not a valid Base-64 string as it contains a non-base 64 character, more than two padding "
            "characters, or an illegal character among the padding characters. "
        )
        if not re.search(r"[^A-Za-z0-9+/=]", plain):
            what = "Invalid length for a Base-64 char array or string."
        raise NetError("System.FormatException", what) from error


def _to_base64(_: Session, data: Value) -> str:
    return base64.b64encode(_bytes(data)).decode("ascii")


def _bytes(value: Value) -> bytearray:
    if not isinstance(value, bytearray):
        raise NotUnderstood("bytes that are no byte[]")
    return value


def _hex_pairs(_: Session, data: Value, start: Value = 0, count: Value = None) -> str:
    whole, first = _bytes(data), to_int(start)
    length = len(whole) - first if count is None else to_int(count)
    if first < 0 or (first >= len(whole) and first > 0) or length < 0:
        name = "startIndex" if first < 0 or first >= len(whole) else "length"
        what = f"Non-negative number required.\r\nParameter name: {name}"
        raise NetError("System.ArgumentOutOfRangeException", what)
    if first + length > len(whole):
        what = "Destination array is not long enough to copy all the items in the collection. Check array index and length."
        raise NetError("System.ArgumentException", what)
    return whole[first : first + length].hex("-").upper() if length else ""


class Encoding(Instance):
    """System.Text.Encoding; ``name`` is Python's name of it."""

    type_name: ClassVar[str] = "System.Text.Encoding"

    def __init__(self, name: str) -> None:
        self.name = name


def _get_bytes(_: Session, encoding: Encoding, value: Value) -> bytearray:
    if is_null(value):
        raise NetError("System.ArgumentNullException", "Value cannot be null.\r\nParameter name: chars")
    return bytearray(outward(text(value)).encode(encoding.name, "replace"))


def _get_string(_: Session, encoding: Encoding, data: Value) -> str:
    return inward(_bytes(data).decode(encoding.name, "replace"))


class Sha256(Instance):
    """System.Security.Cryptography.SHA256CryptoServiceProvider."""

    type_name: ClassVar[str] = "System.Security.Cryptography.SHA256CryptoServiceProvider"


def _compute_hash(session: Session, _: Sha256, source: Value) -> bytearray:
    if isinstance(source, FileStream):
        source.demand(1)
        data: bytes | bytearray = source.content[source.position :]
        source.position = len(source.content)
    else:
        data = _bytes(source)
    session.budget.spend(len(data) // 16)
    return bytearray(hashlib.sha256(data).digest())


def _nothing(_: Session, __: Value) -> None:
    return None


STRING = Members(
    {"length": len},
    methods(
        Method("Replace", _replace, (2,)),
        Method("ToLowerInvariant", lambda _, value: fold(value), (0,)),
        Method("ToUpperInvariant", lambda _, value: _upper(value), (0,)),
        Method("ToLower", lambda _, value: fold(value), (0,)),
        Method("ToUpper", lambda _, value: _upper(value), (0,)),
        Method("Substring", _substring, (1, 2)),
        Method("Trim", _trim(_TRIM), (0, 1)),
        Method("TrimStart", _trim(_TRIM_START, is_end=False), (0, 1)),
        Method("TrimEnd", _trim(_TRIM_END, is_start=False), (0, 1)),
        Method("ToCharArray", lambda _, value: Array("System.Char", map(Char, value)), (0,)),
        Method("Contains", lambda _, value, other: text(other) in value, (1,)),
        Method("StartsWith", _ordinal(str.startswith), (1,)),
        Method("EndsWith", _ordinal(str.endswith), (1,)),
        Method("IndexOf", _ordinal(str.find), (1,)),
        Method("Split", _split, (1,)),
        Method("PadLeft", _pad(is_left=True), (1, 2)),
        Method("PadRight", _pad(is_left=False), (1, 2)),
        Method("ToString", lambda _, value: str(value), (0,)),
    ),
)
STRING_TYPE = Members(
    {"empty": lambda _: ""},
    methods(
        Method("CompareOrdinal", _compare_ordinal, (2,)),
        Method("IsNullOrEmpty", lambda _, value: not text(value), (1,)),
        Method("Join", _join, (2,)),
        Method("Format", _format, (2, 3, 4)),
    ),
)
CONVERT = Members(
    methods=methods(Method("FromBase64String", _from_base64, (1,)), Method("ToBase64String", _to_base64, (1,)))
)
BIT_CONVERTER = Members(methods=methods(Method("ToString", _hex_pairs, (1, 2, 3))))
ENCODING = Members(methods=methods(Method("GetBytes", _get_bytes, (1,)), Method("GetString", _get_string, (1,))))
ENCODING_TYPE = Members(
    {
        "utf8": lambda _: Encoding("utf-8"),
        "unicode": lambda _: Encoding("utf-16-le"),
        "ascii": lambda _: Encoding("ascii"),
    }
)
SHA256 = Members(
    methods=methods(Method("ComputeHash", _compute_hash, (1,)), Method("Dispose", _nothing, (0,), is_void=True))
)
