"""Shell patterns (POSIX XCU 2.13): characters that may be quoted, matched in time that grows with length times length.

A pattern is cut at its stars. What stands between two stars is found as early as possible and never looked for again, so
that no pattern can take long by itself; what it costs is told to whoever counts.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from unloop.rehearsal.posix.syntax import NotUnderstood

Segment = tuple[str, bool]
"""Characters, and whether they are quoted."""
Segments = tuple[Segment, ...]
_WILD = re.compile(r"[*?\[]")
_CLASSES = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": " \\t-\\r",
    "blank": " \\t",
    "xdigit": "0-9A-Fa-f",
    "punct": "!-/:-@\\[-`{-~",
    "cntrl": "\\x00-\\x1f\\x7f",
    "print": " -~",
    "graph": "!-~",
}
"""As they are in the locale C."""


def is_pattern(segments: Iterable[Segment]) -> bool:
    """Whether there is a wildcard outside quotes."""
    return any(not is_quoted and _WILD.search(text) for text, is_quoted in segments)


@dataclass(frozen=True)
class Pattern:
    """Runs of expressions for one character each, with a star between one run and the next."""

    runs: tuple[tuple[str, ...], ...]

    @cached_property
    def length(self) -> int:
        """How many characters it holds."""
        return sum(len(run) for run in self.runs) + len(self.runs)

    @cached_property
    def whole(self) -> re.Pattern[str]:
        """For the whole of a text, and for the longest part from its start."""
        return re.compile(_early(self.runs[:-1]) + _last(self.runs, ".*"), re.DOTALL)

    @cached_property
    def shortest(self) -> re.Pattern[str]:
        """For the shortest part from the start of a text."""
        return re.compile(_early(self.runs[:-1]) + _last(self.runs, ".*?"), re.DOTALL)

    @cached_property
    def backwards(self) -> "Pattern":
        """The same for texts that are written backwards."""
        return Pattern(tuple(run[::-1] for run in self.runs[::-1]))


def _early(runs: tuple[tuple[str, ...], ...]) -> str:
    """All runs but the last, each found at the first place there is and kept there."""
    return "".join("".join(run) if not index else f"(?>.*?{''.join(run)})" for index, run in enumerate(runs))


def _last(runs: tuple[tuple[str, ...], ...], star: str) -> str:
    return (star if len(runs) > 1 else "") + "".join(runs[-1])


@lru_cache(maxsize=512)
def pattern_of(segments: Segments) -> Pattern:
    """Read a pattern; raises NotUnderstood."""
    characters = [(character, is_quoted) for text, is_quoted in segments for character in text]
    runs: list[list[str]] = [[]]
    place = 0
    while place < len(characters):
        character, is_quoted = characters[place]
        if is_quoted or character not in "*?[\\":
            runs[-1].append(re.escape(character))
        elif character == "*":
            if runs[-1] or len(runs) == 1:
                runs.append([])
        elif character == "?":
            runs[-1].append(".")
        elif character == "[":
            bracket, place = _bracket(characters, place)
            runs[-1].append(bracket)
        else:
            place += 1
            if place == len(characters):
                raise NotUnderstood("a pattern that ends with a backslash")
            runs[-1].append(re.escape(characters[place][0]))
        place += 1
    return Pattern(tuple(tuple(run) for run in runs))


def _bracket(characters: list[tuple[str, bool]], start: int) -> tuple[str, int]:
    """A bracket expression and where it ends; an open one stands for itself (2.13.1)."""
    place = start + 1
    is_inverse = characters[place : place + 1] == [("!", False)]
    if characters[place : place + 1] == [("^", False)]:
        raise NotUnderstood("[^...] means different things in different shells; [!...] is the standard's")
    place += is_inverse
    first, members = place, ""
    while place < len(characters):
        character, is_quoted = characters[place]
        if character == "]" and not is_quoted and place > first:
            return _set(members, is_inverse=is_inverse), place
        if character == "[" and not is_quoted and _opens_class(characters, place + 1):
            added, place = _class(characters, place)
        elif character == "\\" and not is_quoted:
            raise NotUnderstood("a backslash from a variable inside brackets")
        elif characters[place + 1 : place + 2] == [("-", False)] and _ends_range(characters, place + 2):
            added, place = _range(character, characters[place + 2][0]), place + 3
        else:
            added, place = re.escape(character), place + 1
        members += added
    return re.escape("["), start


def _set(members: str, *, is_inverse: bool) -> str:
    if not members:
        return "." if is_inverse else "(?!)"
    return f"[{'^' if is_inverse else ''}{members}]"


def _ends_range(characters: list[tuple[str, bool]], place: int) -> bool:
    return place < len(characters) and characters[place] != ("]", False)


def _opens_class(characters: list[tuple[str, bool]], place: int) -> bool:
    return place < len(characters) and characters[place] in {(":", False), (".", False), ("=", False)}


def _range(first: str, last: str) -> str:
    if last in "[\\":
        raise NotUnderstood(f"a range of characters up to {last}")
    return f"{re.escape(first)}-{re.escape(last)}" if first <= last else ""


def _class(characters: list[tuple[str, bool]], start: int) -> tuple[str, int]:
    """``[:name:]`` inside brackets."""
    text = "".join(character for character, _ in characters[start : start + 12])
    found = re.match(r"\[:([a-z]+):\]", text)
    if found is None or found[1] not in _CLASSES:
        raise NotUnderstood(f"{text[:8]} inside brackets")
    return _CLASSES[found[1]], start + found.end()


def matches(text: str, segments: Segments) -> bool:
    """Whether a text fits a pattern."""
    return pattern_of(segments).whole.fullmatch(text) is not None


def trimmed(text: str, segments: Segments, operator: str) -> str:
    """``%``, ``%%``, ``#`` and ``##`` of a parameter (2.6.2)."""
    pattern = pattern_of(segments)
    if operator.startswith("#"):
        found = (pattern.whole if operator == "##" else pattern.shortest).match(text)
        return text[found.end() :] if found else text
    backwards = pattern.backwards
    found = (backwards.whole if operator == "%%" else backwards.shortest).match(text[::-1])
    return text[: len(text) - found.end()] if found else text
