"""What the values of a program are: Python's own where they behave like .NET's, small classes where they do not.

``None`` is ``$null``, ``int`` an Int32, ``float`` a Double, ``Decimal`` a Decimal, ``list`` an object[], ``bytearray`` a
byte[]. A ``str`` holds UTF-16 code units, as a .NET string does: characters beyond the first plane are two.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

Value = Any
"""Anything that a variable of a program can hold."""


class _Nothing:
    """See NOTHING."""

    def __repr__(self) -> str:
        return "NOTHING"


NOTHING = _Nothing()
"""What a command without output gives: like ``$null``, but a pipeline of it is empty."""


class Long(int):
    """An Int64."""


class Byte(int):
    """A Byte."""


class Char(str):
    """A Char: one UTF-16 code unit."""

    __slots__ = ()


class Array(list[Any]):
    """An array of one type; ``element`` is the type's full name."""

    def __init__(self, element: str, items: Any = ()) -> None:
        super().__init__(items)
        self.element = element


class Record:
    """A PSCustomObject: names in order and as they were written, found without regard to case."""

    __slots__ = ("fields",)

    def __init__(self, fields: dict[str, Value]) -> None:
        self.fields = fields

    def find(self, name: str) -> str | None:
        """The name as it was written, None when there is none."""
        if name in self.fields:
            return name
        wanted = fold(name)
        return next((key for key in self.fields if fold(key) == wanted), None)


class Hashtable:
    """A dictionary that finds text without regard to case; it keeps the order in which keys came."""

    __slots__ = ("_entries", "is_ordered")

    def __init__(self, *, is_ordered: bool = False) -> None:
        self._entries: dict[Value, tuple[Value, Value]] = {}
        self.is_ordered = is_ordered

    def get(self, key: Value) -> Value:
        """The value of a key, None when there is none."""
        found = self._entries.get(_key(key))
        return None if found is None else found[1]

    def has(self, key: Value) -> bool:
        """Whether there is such a key."""
        return _key(key) in self._entries

    def put(self, key: Value, value: Value) -> None:
        """Set the value of a key; a key that is there keeps its name."""
        folded = _key(key)
        before = self._entries.get(folded)
        self._entries[folded] = (key if before is None else before[0], value)

    def remove(self, key: Value) -> None:
        """Take a key out, if it is there."""
        self._entries.pop(_key(key), None)

    def items(self) -> Iterator[tuple[Value, Value]]:
        """Keys and values."""
        return iter(list(self._entries.values()))

    def __len__(self) -> int:
        return len(self._entries)


def _key(key: Value) -> Value:
    if isinstance(key, str):
        return fold(key)
    return key if isinstance(key, int | float) else id(key)


@dataclass(frozen=True, slots=True)
class EnumValue:
    """A value of an enumeration."""

    type_name: str
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class TypeValue:
    """A type as a value; the name is the full one."""

    name: str


class Instance:
    """An object of .NET: its type, and what it shows. Names in the tables are in lowercase."""

    type_name: ClassVar[str] = "System.Object"

    def text(self) -> str:
        """What ToString() gives."""
        return self.type_name


def fold(text: str) -> str:
    """A text without its case, character by character, as .NET's invariant culture does it."""
    if text.isascii():
        return text.lower()
    return "".join(_lower(character) for character in text)


def _lower(character: str) -> str:
    lowered = character.lower()
    return lowered if len(lowered) == 1 else character


def inward(text: str) -> str:
    """A Python text as UTF-16 code units."""
    if text.isascii() or max(text) < "\U00010000":
        return text
    data = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(int.from_bytes(data[place : place + 2], "little")) for place in range(0, len(data), 2))


def outward(text: str) -> str:
    """UTF-16 code units as a Python text; half a character becomes U+FFFD, as it does in UTF-8 of .NET."""
    if text.isascii():
        return str(text)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def size_of(value: Value) -> int:
    """How much there is of a value, for the budget."""
    return len(value) if isinstance(value, str | list | bytearray | Hashtable) else 1


_NAMES: dict[type, str] = {
    bool: "System.Boolean",
    int: "System.Int32",
    Long: "System.Int64",
    Byte: "System.Byte",
    float: "System.Double",
    str: "System.String",
    Char: "System.Char",
    list: "System.Object[]",
    bytearray: "System.Byte[]",
    Record: "System.Management.Automation.PSCustomObject",
}


def type_of(value: Value) -> str:
    """The full name of a value's type."""
    if isinstance(value, Instance | EnumValue):
        return value.type_name
    if isinstance(value, Array):
        return f"{value.element}[]"
    if isinstance(value, Hashtable):
        kind = "Specialized.OrderedDictionary" if value.is_ordered else "Hashtable"
        return f"System.Collections.{kind}"
    if isinstance(value, TypeValue):
        return "System.RuntimeType"
    return _NAMES.get(type(value)) or f"System.{type(value).__name__}"
