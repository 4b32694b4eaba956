"""The words of the language as the checker sees them; whoever checks a playbook hands them in (design section 4)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from unloop.errors import Problem
from unloop.model.host import System
from unloop.playbook.document import Playbook, Step


@dataclass(frozen=True, slots=True)
class OptionRule:
    """One option of a word. ``read`` raises ValueError with a sentence when a value is wrong."""

    name: str
    help: str
    required: bool
    read: Callable[[Any], Any]
    kind: str = "text"
    default: Any = None


@dataclass(frozen=True, slots=True)
class Word:
    """One verb or check. ``bare`` names the option that a plain value stands for, '' when there is none."""

    name: str
    title: str
    options: tuple[OptionRule, ...] = ()
    bare: str = ""
    systems: frozenset[System] = frozenset(System)
    ends_boot: bool = False
    removes: bool = False
    """Whether it takes files away by a pattern, so that a wildcard on a boot-critical directory wants a guard."""

    assesses: bool = True
    """Whether a check may stand in ``assess``: it tells of a state, not of what happened since a remedy."""
    judge: Callable[[Step, Playbook], tuple[Problem, ...]] = lambda step, playbook: ()
    """What is wrong with the options of a rendered step taken together."""

    def option(self, name: str) -> OptionRule | None:
        """One option, or None."""
        return next((option for option in self.options if option.name == name), None)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Every verb and every check by its name."""

    verbs: Mapping[str, Word] = field(default_factory=dict)
    checks: Mapping[str, Word] = field(default_factory=dict)
