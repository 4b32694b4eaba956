"""Load a playbook: its shape is judged here, with file, line and column; its words are judged by check.py."""

import hashlib
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from unloop.errors import InputError, Problem, did_you_mean
from unloop.model.host import System
from unloop.playbook.document import LadderRung, Path, Place, Playbook, Step
from unloop.playbook.tree import Node, Scalar, Sequence, Table, parse, places_of, read_text, value_of

VERSION = 1
KEYS = ("unloop", "name", "title", "system", "vars", "assess", "actions", "verify", "cleanup", "ladder", "hands_on")
NEEDED = ("unloop", "name", "title", "system", "actions", "verify")
ASSESS = ("not_applicable_if", "already_good_if")


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read of a playbook, and everything that is wrong with its shape."""

    playbook: Playbook
    problems: tuple[Problem, ...]


def load(path: FilePath | str) -> Playbook:
    """Load a playbook from a file; raises InputError with every problem of its shape."""
    reading = read(path)
    if reading.problems:
        raise InputError(*reading.problems)
    return reading.playbook


def loads(text: str, path: str) -> Playbook:
    """Make a playbook of a text that was stored; ``path`` is for messages and for the files beside it."""
    reading = read_playbook(text, path)
    if reading.problems:
        raise InputError(*reading.problems)
    return reading.playbook


def read(path: FilePath | str) -> Reading:
    """Read as much of a file as makes sense; raises InputError when it is no YAML at all."""
    return read_playbook(read_text(FilePath(path)), str(path))


def read_playbook(text: str, path: str) -> Reading:
    """Read as much of a text as makes sense; raises InputError when it is no YAML at all."""
    root = parse(text, path)
    if not isinstance(root, Table):
        raise InputError(root.place.problem("a playbook is a mapping of keys", f"known: {', '.join(KEYS)}"))
    reader = _Reader()
    playbook = reader.playbook(root, text, path)
    return Reading(playbook, tuple(reader.problems))


def steps_of(node: Node | None, what: str) -> tuple[tuple[Step, ...], tuple[Problem, ...]]:
    """The checks or actions of a list, and what is wrong with its shape."""
    reader = _Reader()
    return reader.steps(node, what), tuple(reader.problems)


def _required(node: Node | None) -> tuple[str, ...]:
    """The variables that stand there without a value."""
    if not isinstance(node, Table):
        return ()
    return tuple(key.text for key, value in node.entries if isinstance(value, Scalar) and value_of(value) is None)


class _Reader:
    """Turns nodes into records and collects what is wrong on the way."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def playbook(self, root: Table, text: str, path: str) -> Playbook:
        """The whole document."""
        nodes = self.keys(root, KEYS, "a playbook")
        for key in NEEDED:
            if key not in nodes:
                self.problems.append(Place(path, 1).problem(f"{key!r} is missing"))
        self.version(nodes.get("unloop"))
        assess = self.keys(nodes["assess"], ASSESS, "assess") if "assess" in nodes else {}
        actions = self.steps(nodes.get("actions"), "actions")
        if not actions and "actions" in nodes:
            self.problems.append(
                nodes["actions"].place.problem("actions holds no action", "a playbook changes something")
            )
        places: dict[Path, Place] = {(name,): node.place for name, node in nodes.items()}
        if "vars" in nodes:
            places |= {("vars", *way): place for way, place in places_of(nodes["vars"]).items()}
        return Playbook(
            name=self.text(nodes.get("name"), "name"),
            title=self.text(nodes.get("title"), "title"),
            system=self.system(nodes.get("system")),
            variables=self.variables(nodes.get("vars")),
            required=_required(nodes.get("vars")),
            not_applicable_if=self.steps(assess.get("not_applicable_if"), "not_applicable_if"),
            already_good_if=self.steps(assess.get("already_good_if"), "already_good_if"),
            actions=actions,
            verify=self.steps(nodes.get("verify"), "verify"),
            cleanup=self.steps(nodes.get("cleanup"), "cleanup"),
            ladder=self.ladder(nodes.get("ladder")),
            hands_on=self.text(nodes.get("hands_on"), "hands_on"),
            path=path,
            text=text,
            digest=hashlib.sha256(text.encode()).hexdigest(),
            places=places,
        )

    def keys(self, node: Node, known: tuple[str, ...], what: str) -> dict[str, Node]:
        """The entries of a mapping; unknown keys are problems."""
        if not isinstance(node, Table):
            self.problems.append(node.place.problem(f"{what} is a mapping", f"known: {', '.join(known)}"))
            return {}
        found = {}
        for key, value in node.entries:
            if key.text in known:
                found[key.text] = value
            else:
                self.problems.append(
                    key.place.problem(f"{what} has no key {key.text!r}", did_you_mean(key.text, known))
                )
        return found

    def version(self, node: Node | None) -> None:
        """The language's version."""
        if node is not None and value_of(node) != VERSION:
            what = f"this is version {value_of(node)!r} of the language"
            self.problems.append(node.place.problem(what, f"this unloop knows version {VERSION}"))

    def text(self, node: Node | None, what: str) -> str:
        """One text."""
        if node is None:
            return ""
        if not isinstance(node, Scalar) or not node.text.strip():
            self.problems.append(node.place.problem(f"{what} must be a text"))
            return ""
        return node.text

    def system(self, node: Node | None) -> System:
        """The system that the playbook is for."""
        if node is None:
            return System.WINDOWS
        try:
            return System(value_of(node))
        except ValueError:
            hint = did_you_mean(str(value_of(node)), [str(system) for system in System])
            self.problems.append(node.place.problem(f"there is no system {value_of(node)!r}", hint))
            return System.WINDOWS

    def variables(self, node: Node | None) -> dict[str, str]:
        """The variables with their defaults, all of them texts."""
        if node is None or (isinstance(node, Scalar) and value_of(node) is None):
            return {}
        if not isinstance(node, Table):
            self.problems.append(node.place.problem("vars is a mapping of names to texts"))
            return {}
        found = {}
        for key, value in node.entries:
            if not key.text.isidentifier() or key.text in {"host", "campaign"}:
                hint = "letters, digits and _; host and campaign are taken"
                self.problems.append(key.place.problem(f"{key.text!r} can't be the name of a variable", hint))
            elif not isinstance(value, Scalar):
                self.problems.append(
                    value.place.problem(f"variable {key.text} must be one text, not a list or a mapping")
                )
            else:
                found[key.text] = value.text
        return found

    def steps(self, node: Node | None, what: str) -> tuple[Step, ...]:
        """A list of one-key mappings."""
        found = (self.step(item, what) for item in self.items(node, what))
        return tuple(step for step in found if step is not None)

    def step(self, node: Node, what: str) -> Step | None:
        """One action or check."""
        if isinstance(node, Scalar) and node.is_plain and node.text:
            return Step(node.text, {}, node.place)
        if not isinstance(node, Table) or len(node.entries) != 1:
            hint = (
                "is its indentation right? its options stand two spaces further in" if isinstance(node, Table) else ""
            )
            self.problems.append(node.place.problem(f"an item of {what} has one key, its word", hint))
            return None
        key, value = node.entries[0]
        options, places = self.options(value)
        return Step(key.text, options, key.place, places)

    def options(self, node: Node) -> tuple[dict[str, Any], dict[Path, Place]]:
        """The options of a word: a mapping, nothing, or one value that stands for its main option (named '')."""
        value = value_of(node)
        if value is None:
            return {}, {}
        if isinstance(value, dict):
            return value, places_of(node)
        return {"": value}, {("", *way): place for way, place in ({(): node.place} | places_of(node)).items()}

    def ladder(self, node: Node | None) -> tuple[LadderRung, ...]:
        """The rungs, each a word or a one-key mapping."""
        steps = self.steps(node, "ladder")
        return tuple(LadderRung(step.verb, step.options, step.place, step.places) for step in steps)

    def items(self, node: Node | None, what: str) -> tuple[Node, ...]:
        """The items of a list; nothing at all is an empty list."""
        if node is None or (isinstance(node, Scalar) and value_of(node) is None):
            return ()
        if not isinstance(node, Sequence):
            self.problems.append(node.place.problem(f"{what} is a list", "each item starts with a dash"))
            return ()
        return node.items
