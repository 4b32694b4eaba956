"""Paths that a pattern means (POSIX XCU 2.13.3)."""

from collections.abc import Iterator

from unloop.rehearsal.posix.bytetext import inside, outside
from unloop.rehearsal.posix.patterns import Segment, Segments, is_pattern, matches, pattern_of
from unloop.rehearsal.posix.state import Path, Shell
from unloop.rehearsal.posix.syntax import NotUnderstood

_Step = tuple[str, Path]
"""A path as it is shown so far, and its place in the tree."""


def paths(shell: Shell, field: list[Segment]) -> list[str]:
    """The paths that a field means, in order; the field itself when it is no pattern, or fits nothing."""
    text = "".join(part for part, _ in field)
    if not is_pattern(field):
        return [text]
    if any("\\" in part and not is_quoted for part, is_quoted in field):
        raise NotUnderstood("a backslash from a variable in a pattern of paths")
    start = text[: len(text) - len(text.lstrip("/"))]
    found: list[_Step] = [(start, () if start else shell.directory)]
    components = _components(field, len(start))
    for index, component in enumerate(components):
        is_last = index == len(components) - 1
        found = [step for path in found for step in _steps(shell, path, component, is_last=is_last)]
    return sorted(path for path, _ in found) or [text]


def _steps(shell: Shell, path: _Step, component: Segments, *, is_last: bool) -> Iterator[_Step]:
    shown, place = path
    text = "".join(part for part, _ in component)
    slash = "" if is_last else "/"
    if not is_pattern(component):
        # An empty component is a doubled slash, or one at the end.
        goal = place if text in {"", "."} else place[:-1] if text == ".." else (*place, outside(text))
        node = shell.node(goal)
        if node is not None and (node.is_directory or (is_last and text)):
            yield shown + text + slash, goal
        return
    node = shell.node(place)
    if node is None or not node.is_directory:
        return
    children = shell.machine.files.children(place)
    shell.budget.spend(sum(len(child.name) for child in children) * pattern_of(component).length)
    for name in (".", "..", *(inside(child.name) for child in children)):
        if (name.startswith(".") and not text.startswith(".")) or not matches(name, component):
            continue
        goal = place if name == "." else place[:-1] if name == ".." else (*place, outside(name))
        if is_last or shell.machine.files.stat(goal).is_directory:
            yield shown + name + slash, goal


def _components(field: list[Segment], skip: int) -> list[Segments]:
    """A pattern cut at its slashes, without those in front."""
    found: list[list[Segment]] = [[]]
    for text, is_quoted in field:
        plain = text[skip:] if skip < len(text) else ""
        skip = max(0, skip - len(text))
        for index, piece in enumerate(plain.split("/")):
            if index:
                found.append([])
            if piece:
                found[-1].append((piece, is_quoted))
    return [tuple(component) for component in found]
