"""What one condition of a selection tests on a host: field, operator and values become a function."""

import fnmatch
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from unloop.errors import did_you_mean
from unloop.inventory import values
from unloop.inventory.fields import LABEL
from unloop.inventory.ranges import BadRange, expand
from unloop.inventory.values import Unfit
from unloop.model.host import Host, Role, System
from unloop.model.host_run import Rung
from unloop.model.outcome import Outcome
from unloop.model.state import State

Test = Callable[[Host], bool]

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
OPERATORS = ("=", "!=", "~", "!~", *_ORDER)
_FALSE = {"", "false", "no", "0"}

_TEXTS: Mapping[str, Callable[[Host], str]] = {
    "name": lambda host: host.name,
    "address": lambda host: host.address,
    "system": lambda host: host.system,
    "site": lambda host: host.site,
    "model": lambda host: host.model,
    "rack": lambda host: host.rack,
    "power_domain": lambda host: host.power_domain,
    "role": lambda host: host.role,
    "uuid": lambda host: host.uuid,
    "tier": lambda host: "" if host.tier is None else str(host.tier),
    "bmc": lambda host: host.bmc.address if host.bmc else "",
    "bmc_channel": lambda host: host.bmc.channel if host.bmc else "",
    "reported_broken_at": lambda host: host.reported_broken_at,
    "bitlocker": lambda host: "true" if host.bitlocker else "false",
    "bmc_accepted": lambda host: "true" if host.bmc_accepted else "false",
    "outcome": lambda host: host.labels.get("run.outcome", ""),
    "state": lambda host: host.labels.get("run.state", ""),
    "rung": lambda host: host.labels.get("run.rung", ""),
    "good": lambda host: host.labels.get("run.good", "false"),
}
"""The last four are known of the hosts of a campaign only: where its record is read, they ride along as labels."""
_LISTS: Mapping[str, Callable[[Host], Sequence[str]]] = {
    "channel": lambda host: [endpoint.channel for endpoint in host.endpoints],
    "credential": lambda host: [name for endpoint in host.endpoints for name in endpoint.credentials],
    "mac": lambda host: host.macs,
    "group": lambda host: host.labels.get("groups", "").split(","),
}
_BARE = ("bitlocker", "bmc", "bmc_accepted", "reported_broken_at", "good")
"""Fields that need no operator: they hold when they are set and not false."""
_CLOSED: Mapping[str, frozenset[str]] = {
    "system": frozenset(System),
    "role": frozenset(Role),
    "outcome": frozenset({"", *Outcome}),
    "state": frozenset(State),
    "rung": frozenset(Rung),
    "bitlocker": frozenset({"true", "false"}),
    "bmc_accepted": frozenset({"true", "false"}),
}


def is_field(word: str) -> bool:
    """Whether a word names something that can be tested."""
    return word in _TEXTS or word in _LISTS or (word.startswith(LABEL) and len(word) > len(LABEL))


def may_stand_alone(word: str) -> bool:
    """Whether a field is a condition without an operator."""
    return word in _BARE or word.startswith(LABEL)


def unknown_field_hint(word: str) -> str:
    """What may have been meant by an unknown field."""
    return did_you_mean(word, [*_TEXTS, *_LISTS, "label.KEY"])


def field_values(field: str, host: Host) -> Sequence[str]:
    """What a host has in a field, as texts."""
    if field in _LISTS:
        return _LISTS[field](host)
    if field in _TEXTS:
        return (_TEXTS[field](host),)
    return (host.labels.get(field.removeprefix(LABEL), ""),)


def present(field: str) -> Test:
    """Whether a field is set and not false."""
    return lambda host: any(value.lower() not in _FALSE for value in field_values(field, host))


def one_of(field: str, wanted: Sequence[str]) -> Test:
    """Whether a field equals one of the values, which may be ranges such as ``web[01-40]``; case doesn't matter."""
    names = frozenset(name.casefold() for value in wanted for name in _normal(field, value))
    if field in _TEXTS:
        text = _TEXTS[field]
        return lambda host: text(host).casefold() in names
    return lambda host: any(value.casefold() in names for value in field_values(field, host))


def compare(field: str, sign: str, value: str) -> Test:
    """The test of ``field sign value``; raises Unfit when it makes no sense."""
    if sign in ("!=", "!~"):
        opposite = compare(field, sign[1:] if sign == "!~" else "=", value)
        return lambda host: not opposite(host)
    if sign == "=":
        return one_of(field, (value,))
    if sign == "~":
        return like(field, value)
    return _ordered(field, sign, value)


def like(field: str, glob: str) -> Test:
    """Whether a field looks like a glob, brackets being ranges: ``web[01-40]*``."""
    globs = [re.compile(fnmatch.translate(part.casefold())) for part in _expanded(glob)]
    return lambda host: any(pattern.match(value.casefold()) for value in field_values(field, host) for pattern in globs)


def _ordered(field: str, sign: str, value: str) -> Test:
    """Tiers and labels order as numbers, times as times; anything else has no order."""
    holds = _ORDER[sign]
    if field == "reported_broken_at":
        moment = values.time(value)
        return lambda host: bool(host.reported_broken_at) and holds(host.reported_broken_at, moment)
    if field != "tier" and not field.startswith(LABEL):
        raise Unfit(f"{field} has no order, so {sign!r} says nothing", "use = != ~ or in")
    wanted = _number(value)
    if wanted is None:
        raise Unfit(f"{value!r} is no number", f"{sign} compares numbers")

    def test(host: Host) -> bool:
        has = _number(field_values(field, host)[0])
        return has is not None and holds(has, wanted)

    return test


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _normal(field: str, value: str) -> tuple[str, ...]:
    """The value in the form that hosts carry, so that other spellings of it match too."""
    closed = _CLOSED.get(field)
    if closed is not None and value.lower() not in closed:
        raise Unfit(f"{field} is never {value!r}", did_you_mean(value, filter(None, closed)))
    if field == "reported_broken_at" and value:
        return (values.time(value),)
    if field == "tier" and value:
        return tuple(str(values.whole_number(part)) for part in _expanded(value))
    if field in ("mac", "uuid", "address", "bmc"):
        try:
            return ((values.mac if field == "mac" else values.uuid if field == "uuid" else values.address)(value),)
        except Unfit:
            return _expanded(value)
    return _expanded(value)


def _expanded(value: str) -> tuple[str, ...]:
    try:
        return expand(value)
    except BadRange as error:
        raise Unfit(str(error)) from error
