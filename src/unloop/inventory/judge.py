"""Judge the fields of a row one by one: host values, labels, and what belongs to channels; problems are collected."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from unloop.errors import Problem, did_you_mean
from unloop.inventory import values
from unloop.inventory.fields import FIELDS, LABEL, ChannelField, channel_field, is_known, suggestions
from unloop.inventory.row import Row
from unloop.inventory.values import Unfit
from unloop.model.host import Role, System


@dataclass(slots=True)
class Judged:
    """What a row says, in types. ``values`` holds only what was given and right; ``parts`` is by channel and part."""

    values: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, dict[str, str]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)


def _one_of(kind: type[System] | type[Role], text: str) -> System | Role:
    try:
        return kind(text.lower())
    except ValueError:
        raise Unfit(f"{text!r} is none of {', '.join(filter(None, kind))}") from None


def _macs(text: str) -> tuple[str, ...]:
    return tuple(map(values.mac, text.replace(",", " ").split()))


_JUDGES: Mapping[str, Callable[[str], Any]] = {
    "name": values.name,
    "address": values.address,
    "system": partial(_one_of, System),
    "bmc": values.address,
    "bmc_accepted": values.boolean,
    "bmc_shared": values.boolean,
    "mac": _macs,
    "uuid": values.uuid,
    "tier": values.whole_number,
    "role": partial(_one_of, Role),
    "bitlocker": values.boolean,
    "reported_broken_at": values.time,
}
_AS_TEXT = frozenset(
    {"channels", "credential", "dsrm_credential", "bmc_channel", "model", "site", "rack", "power_domain"}
)


class Judge:
    """Judges row after row; an unknown field is reported once, at the first row that has it."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._known: dict[str, Callable[[Judged, str], None] | None] = {}

    def judge(self, row: Row) -> Judged:
        """What a row says; what is wrong with it goes to ``problems``."""
        judged = Judged()
        for name, text in row.values.items():
            if name not in self._known:
                self._known[name] = self._storer(name, row)
            store = self._known[name]
            if not text or store is None:
                continue
            try:
                store(judged, text)
            except Unfit as unfit:
                self.problems.append(row.problem(f"{name}: {unfit.what}", unfit.hint))
        return judged

    def _storer(self, name: str, row: Row) -> Callable[[Judged, str], None] | None:
        """What is done with a field's text; None for a field that isn't known."""
        if judge := _JUDGES.get(name):
            return partial(_store_value, name, judge)
        if name in _AS_TEXT:
            return partial(_store_value, name, str)
        if name == "groups":
            return _store_groups
        if not is_known(name):
            self.problems.append(row.problem(f"no field is called {name!r}", did_you_mean(name, suggestions([name]))))
            return None
        if name.startswith(LABEL):
            return partial(_store_label, name.removeprefix(LABEL))
        found = channel_field(name)
        return partial(_store_part, found) if found else None


def _store_value(name: str, judge: Callable[[str], Any], judged: Judged, text: str) -> None:
    judged.values[name] = judge(text)


def _store_label(name: str, judged: Judged, text: str) -> None:
    judged.labels[name] = text


def _store_groups(judged: Judged, text: str) -> None:
    judged.labels["groups"] = ",".join(text.replace(",", " ").split())


def _store_part(found: ChannelField, judged: Judged, text: str) -> None:
    judged.parts.setdefault(found.channel, {})[found.part] = text


def undone_fields() -> frozenset[str]:
    """Fields that are listed but that nothing stores: none, and a test holds it so."""
    handled = _JUDGES.keys() | _AS_TEXT | {"groups"}
    return frozenset(name for name in FIELDS if name not in handled and channel_field(name) is None)
