"""An inventory: the hosts of one source, and what is odd about it but no error."""

from dataclasses import dataclass

from unloop.errors import InputError, Problem
from unloop.model.host import Host

MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Inventory:
    """The hosts in the order of their source. ``warnings`` are for people; they stop nothing."""

    hosts: tuple[Host, ...]
    source: str
    warnings: tuple[Problem, ...] = ()


def refuse(problems: list[Problem]) -> InputError:
    """The error for these problems: the first of them in full, the rest counted."""
    ordered = sorted(problems, key=lambda problem: (problem.path, problem.line or 0))
    shown = ordered[:MOST_SHOWN]
    if left := len(ordered) - len(shown):
        path = ordered[0].path
        shown.append(Problem(f"{left:,} more problems ({len(ordered):,} in all)", path, hint="put these right first"))
    return InputError(*shown)
