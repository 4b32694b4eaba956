"""YAML as a tree whose every node knows its line and column: a strict subset, with every problem at once.

No anchors, aliases, tags or second documents; a key stands once. A plain scalar is text unless it is ``true``,
``false``, ``null`` or a whole number that writes itself the same way: ``on``, ``no``, ``1e3``, ``0123`` and dates are text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import yaml

from unloop.errors import InputError, Problem
from unloop.playbook.document import Path, Place

MAX_BYTES = 2_000_000
MAX_DEPTH = 24
NUMBER = re.compile(r"0|-?[1-9]\d{0,17}")
WORDS = {"true": True, "True": True, "false": False, "False": False, "null": None, "Null": None, "~": None, "": None}


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value. ``is_plain`` when it stands without quotes or block sign."""

    place: Place
    text: str
    is_plain: bool


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    place: Place
    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping, in the order of the file."""

    place: Place
    entries: "tuple[tuple[Scalar, Node], ...]"


Node = Scalar | Sequence | Table


def read_text(path: FilePath) -> str:
    """The text of a file; raises InputError when it can't be read, is too large or is no UTF-8."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(Problem(f"can't be read: {error.strerror}", path=str(path))) from error
    if len(data) > MAX_BYTES:
        raise InputError(Problem(f"is larger than {MAX_BYTES} bytes", path=str(path)))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(Problem("is not UTF-8", path=str(path), line=line, hint="save it as UTF-8")) from error


def parse(text: str, path: str) -> Node:
    """The tree of a YAML text; raises InputError with every problem that can be found."""
    builder = _Builder(path, text)
    try:
        node = builder.build(yaml.parse(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        builder.problems.append(_syntax(error, path, text))
        node = None
    except yaml.YAMLError as error:
        builder.problems.append(Problem(f"is no YAML: {error}".splitlines()[0], path=path))
        node = None
    if builder.problems or node is None:
        raise InputError(*(builder.problems or [Problem("is empty", path=path)]))
    return node


def value_of(node: Node) -> Any:
    """The node as plain Python: dict, list, str, int, bool or None."""
    if isinstance(node, Table):
        return {key.text: value_of(value) for key, value in node.entries}
    if isinstance(node, Sequence):
        return [value_of(item) for item in node.items]
    if not node.is_plain:
        return node.text
    if node.text in WORDS:
        return WORDS[node.text]
    return int(node.text) if NUMBER.fullmatch(node.text) else node.text


def places_of(node: Node, path: Path = ()) -> dict[Path, Place]:
    """Where every value in a tree stands."""
    found: dict[Path, Place] = {path: node.place} if path else {}
    if isinstance(node, Table):
        for key, value in node.entries:
            found |= places_of(value, (*path, key.text))
    if isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            found |= places_of(item, (*path, index))
    return found


class _Builder:
    """Builds the tree from the parser's events; its own depth limit keeps a hostile file from the stack."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.lines = text.splitlines()
        self.problems: list[Problem] = []

    def build(self, events: Iterator[yaml.Event]) -> Node | None:
        """The tree of the only document."""
        root: Node | None = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents == 2:
                    self._complain(event, "a second document starts here; one file holds one document", "")
            elif isinstance(event, yaml.NodeEvent):
                node = self._node(event, events, 0)
                root = root or node
        return root

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise InputError(self._place(event).problem(f"is nested more than {MAX_DEPTH} levels deep"))
        place = self._place(event)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            self._complain(
                event, "anchors and aliases are not part of the language", "write the value out, or use vars"
            )
        tag = getattr(event, "tag", None)
        if tag not in {None, "!"}:
            self._complain(event, f"tags are not part of the language: {tag}", "")
        if isinstance(event, yaml.MappingStartEvent):
            return Table(place, tuple(self._entries(events, depth)))
        if isinstance(event, yaml.SequenceStartEvent):
            return Sequence(place, tuple(self._items(events, depth)))
        if isinstance(event, yaml.ScalarEvent):
            if event.style in {"|", ">"}:
                place = Place(place.path, (place.line or 0) + 1, None)
            return Scalar(place, event.value, is_plain=event.style is None)
        return Scalar(place, "", is_plain=True)

    def _items(self, events: Iterator[yaml.Event], depth: int) -> Iterator[Node]:
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                return
            yield self._node(event, events, depth + 1)

    def _entries(self, events: Iterator[yaml.Event], depth: int) -> Iterator[tuple[Scalar, Node]]:
        seen: dict[str, Place] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                return
            key = self._node(event, events, depth + 1)
            value = self._node(next(events), events, depth + 1)
            if not isinstance(key, Scalar):
                self._complain(event, "a key must be one plain word", "quote a value that starts with {{: '{{ name }}'")
            elif key.text in seen:
                self._complain(event, f"{key.text!r} stands here twice; it is on line {seen[key.text].line} too", "")
            else:
                seen[key.text] = key.place
                yield key, value

    def _place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        return Place(self.path, mark.line + 1, mark.column + 1) if mark else Place(self.path)

    def _complain(self, event: yaml.Event, what: str, hint: str) -> None:
        self.problems.append(self._place(event).problem(what, hint))


def _syntax(error: yaml.MarkedYAMLError, path: str, text: str) -> Problem:
    """A parser's complaint with what people mostly did when it comes up."""
    mark = error.problem_mark or error.context_mark
    line = mark.line if mark else 0
    lines = text.splitlines()
    shown = lines[line] if line < len(lines) else ""
    what = f"is no YAML: {error.problem or error.context}"
    return Problem(
        what, path=path, line=line + 1, column=(mark.column + 1) if mark else None, hint=_advice(what, shown)
    )


def _advice(what: str, line: str) -> str:
    if "escape character" in what:
        return "in double quotes a backslash is an escape: put Windows paths into single quotes"
    if re.search(r"[:-]\s+\{\{", line):
        return "quote a value that starts with {{: '{{ name }}'"
    if "\\t" in what:
        return "indent with spaces, not with tabs"
    if "mapping values are not allowed" in what:
        return "quote a text that holds ': ', and look at the indentation"
    return ""
