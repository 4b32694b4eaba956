"""The rungs that a playbook may name, and their options: the language only, not what the rungs do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from unloop.errors import InputError, Problem, did_you_mean
from unloop.playbook.document import LadderRung
from unloop.playbook.duration import seconds


@dataclass(frozen=True, slots=True)
class RungOption:
    """One option of a rung: its help and how its value is read."""

    help: str
    read: Callable[[Any], int | float | bool]


def _count(value: Any) -> int:
    if isinstance(value, bool) or not str(value).isdecimal() or int(value) < 1:
        raise ValueError(f"{value!r} is no number of 1 or more")
    return int(value)


def _flag(value: Any) -> bool:
    known = {"true": True, "false": False}
    if str(value).lower() not in known:
        raise ValueError(f"{value!r} is neither true nor false")
    return known[str(value).lower()]


RUNGS: Mapping[str, Mapping[str, RungOption]] = {
    "in_band": {},
    "race": {
        "resets": RungOption("how many resets a host is given before it climbs", _count),
        "watch": RungOption("how long one boot is watched for its first open port", seconds),
        "elapsed": RungOption("how long a host without power control is raced", seconds),
    },
    "safe_mode": {
        "dsrepair": RungOption("start domain controllers in directory services repair mode", _flag),
    },
    "hands_on": {},
}
"""Every rung that the language knows, with its options."""


def rung_values(rung: LadderRung) -> dict[str, int | float | bool]:
    """The options of a rendered rung as numbers, seconds and flags; raises InputError with every problem."""
    problems = rung_problems(rung)
    if problems:
        raise InputError(*problems)
    return {name: RUNGS[rung.name][name].read(value) for name, value in rung.options.items()}


def rung_problems(rung: LadderRung) -> tuple[Problem, ...]:
    """What is wrong with a rung; a value that still holds Jinja is not judged."""
    if rung.name not in RUNGS:
        return (rung.place.problem(f"there is no rung {rung.name!r}", did_you_mean(rung.name, RUNGS)),)
    found = []
    options = RUNGS[rung.name]
    for name, value in rung.options.items():
        if name not in options:
            hint = did_you_mean(name, options) or "it has none"
            found.append(rung.at(name).problem(f"rung {rung.name} has no option {name!r}", hint))
        elif not (isinstance(value, str) and "{" in value):
            try:
                options[name].read(value)
            except ValueError as error:
                found.append(rung.at(name).problem(f"{rung.name}: {name}: {error}", options[name].help))
    return tuple(found)
