"""A WQL query as data, and what it says of an instance ([MS-WMI] 2.2.1)."""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from unloop.rehearsal.winrm.like import like

Value = str | int | bool | datetime | None
Properties = Mapping[str, Value]
"""By their names in lower case."""

_DMTF = re.compile(r"(\d{14})\.(\d{6})([+-]\d{3})")
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class BadQuery(ValueError):
    """The query can't be read, or compares what can't be compared."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A property against a value; ``operator`` is =, <>, <, <=, >, >= or LIKE."""

    name: str
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class Both:
    """AND."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Either:
    """OR."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """NOT."""

    part: "Condition"


Condition = Comparison | Both | Either | Not


@dataclass(frozen=True, slots=True)
class Query:
    """SELECT properties FROM class WHERE condition; no properties are all of them."""

    properties: tuple[str, ...]
    class_name: str
    condition: Condition | None = None

    def wants(self, found: Properties) -> bool:
        """Whether an instance is meant; raises BadQuery."""
        return self.condition is None or holds(self.condition, found)

    def fixed(self) -> Iterator[Comparison]:
        """The comparisons that every instance meets that is meant."""
        rest = [self.condition]
        while rest:
            part = rest.pop()
            if isinstance(part, Both):
                rest.extend(part.parts)
            elif isinstance(part, Comparison):
                yield part


def holds(condition: Condition, found: Properties) -> bool:
    """Whether a condition holds; raises BadQuery."""
    if isinstance(condition, Both):
        return all(holds(part, found) for part in condition.parts)
    if isinstance(condition, Either):
        return any(holds(part, found) for part in condition.parts)
    if isinstance(condition, Not):
        return not holds(condition.part, found)
    if condition.name not in found:
        raise BadQuery(f"there is no property {condition.name}")
    return _compares(found[condition.name], condition)


def _compares(value: Value, condition: Comparison) -> bool:
    wanted = condition.value
    if wanted is None or value is None:
        both = value is None and wanted is None
        return both if condition.operator == "=" else condition.operator == "<>" and not both
    if condition.operator == "LIKE":
        return isinstance(value, str) and like(value, str(wanted))
    left, right = _alike(value, wanted)
    return _ORDER[condition.operator](left, right)


def _alike(value: Value, wanted: Value) -> tuple[object, object]:
    """Both as things that compare: text without case, times as times, numbers and truths as numbers."""
    if isinstance(value, datetime):
        return value, moment_of(str(wanted))
    if isinstance(value, str):
        return value.casefold(), str(wanted).casefold()
    text = {"true": "1", "false": "0"}.get(str(wanted).lower(), str(wanted))
    if not re.fullmatch(r"-?\d{1,20}", text):
        raise BadQuery(f"{wanted!r} is no number")
    return int(value or 0), int(text)


def moment_of(text: str) -> datetime:
    """A time in DMTF's form, yyyymmddHHMMSS.mmmmmm+UUU (DSP0004 5.2.4); raises BadQuery."""
    match = _DMTF.fullmatch(text)
    try:
        if match is not None:
            local = datetime.strptime(f"{match[1]}.{match[2]}", "%Y%m%d%H%M%S.%f").replace(tzinfo=UTC)
            return local - timedelta(minutes=int(match[3]))
    except (ValueError, OverflowError):
        pass
    raise BadQuery(f"{text!r} is no time")
