"""A playbook as a record: what its YAML says, and where each part of it stands."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from unloop.errors import Problem
from unloop.model.host import System

Path = tuple[str | int, ...]
"""The way from a step's options to a value in them, for example ``("guard", "modified", "from")``."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a file; lines and columns count from 1."""

    path: str = ""
    line: int | None = None
    column: int | None = None

    def problem(self, what: str, hint: str = "") -> Problem:
        """A problem at this place."""
        return Problem(what, path=self.path, line=self.line, column=self.column, hint=hint)

    def below(self, lines: int) -> "Place":
        """The place that many lines further down, for text that spans lines."""
        if not lines or self.line is None:
            return self
        return Place(self.path, self.line + lines, None)


@dataclass(frozen=True, slots=True)
class Step:
    """One action or check: its word and options. ``places`` tells where each option and each value in it stands.

    A check may give one plain value instead of a mapping; its options are then ``{"": value}`` until check.py names it.
    """

    verb: str
    options: Mapping[str, Any]
    place: Place = field(default_factory=Place)
    places: Mapping[Path, Place] = field(default_factory=dict, repr=False, compare=False)

    def at(self, *path: str | int) -> Place:
        """The place of an option, or of the nearest thing around it."""
        while path:
            if path in self.places:
                return self.places[path]
            path = path[:-1]
        return self.place


@dataclass(frozen=True, slots=True)
class LadderRung:
    """One way up: the rung's name and its options as YAML gives them (see ladder.py for their values)."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    place: Place = field(default_factory=Place)
    places: Mapping[Path, Place] = field(default_factory=dict, repr=False, compare=False)

    def at(self, *path: str | int) -> Place:
        """The place of an option, or of the rung."""
        return self.places.get(path, self.place)


@dataclass(frozen=True, slots=True)
class Playbook:
    """A whole playbook. Until render.py has filled them in, its texts may hold Jinja.

    ``required`` variables have no default: whoever renders must give them. ``digest`` is the SHA-256 of the file as it was
    read. ``places`` tells where the top-level keys and the variables stand.
    """

    name: str
    title: str
    system: System
    variables: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    not_applicable_if: tuple[Step, ...] = ()
    already_good_if: tuple[Step, ...] = ()
    actions: tuple[Step, ...] = ()
    verify: tuple[Step, ...] = ()
    cleanup: tuple[Step, ...] = ()
    ladder: tuple[LadderRung, ...] = ()
    hands_on: str = ""
    path: str = ""
    text: str = field(default="", repr=False)
    digest: str = ""
    places: Mapping[Path, Place] = field(default_factory=dict, repr=False, compare=False)

    def at(self, *path: str | int) -> Place:
        """The place of a top-level key or a variable; the file itself when the key is missing."""
        return self.places.get(path, Place(self.path))

    @property
    def checks(self) -> tuple[Step, ...]:
        """Every check: those of assess, then those of verify."""
        return (*self.not_applicable_if, *self.already_good_if, *self.verify)


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value in a tree of mappings and lists that isn't one itself, with the way to it."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value
