"""Shell patterns (POSIX XCU 2.13): characters that may be quoted, made into an expression to match with."""

import re
from collections.abc import Iterable
from functools import lru_cache

Segment = tuple[str, bool]
"""Characters, and whether they are quoted."""
Segments = tuple[Segment, ...]
_WILD = frozenset("*?[")


def is_pattern(segments: Iterable[Segment]) -> bool:
    """Whether there is a wildcard outside quotes."""
    return any(not is_quoted and not _WILD.isdisjoint(text) for text, is_quoted in segments)


@lru_cache(maxsize=512)
def expression(segments: Segments) -> re.Pattern[str]:
    """The pattern as a regular expression for the whole of a text."""
    characters = [(character, is_quoted) for text, is_quoted in segments for character in text]
    made, place = "", 0
    while place < len(characters):
        character, is_quoted = characters[place]
        if is_quoted or character not in _WILD:
            made += re.escape(character)
        elif character == "[":
            bracket, place = _bracket(characters, place)
            made += bracket
        elif not (character == "*" and made.endswith(".*")):
            made += ".*" if character == "*" else "."
        place += 1
    return re.compile(made, re.DOTALL)


def _bracket(characters: list[tuple[str, bool]], start: int) -> tuple[str, int]:
    """A bracket expression and where it ends; an open one stands for itself."""
    place = start + 1
    is_inverse = place < len(characters) and characters[place][0] in "!^"
    place += is_inverse
    first, members = place, ""
    while place < len(characters):
        character, is_quoted = characters[place]
        if character == "]" and not is_quoted and place > first:
            return f"[{'^' if is_inverse else ''}{members}]", place
        is_range = (
            character == "-" and not is_quoted and first < place and characters[place + 1 : place + 2] != [("]", False)]
        )
        members += character if is_range else re.escape(character)
        place += 1
    return re.escape("["), start


def matches(text: str, segments: Segments) -> bool:
    """Whether a text fits a pattern."""
    return expression(segments).fullmatch(text) is not None


def trimmed(text: str, segments: Segments, operator: str) -> str:
    """``%``, ``%%``, ``#`` and ``##`` of a parameter."""
    fits = expression(segments).fullmatch
    if operator.startswith("#"):
        lengths: Iterable[int] = range(len(text) + 1) if operator == "#" else range(len(text), -1, -1)
        return next((text[length:] for length in lengths if fits(text[:length])), text)
    starts = range(len(text), -1, -1) if operator == "%" else range(len(text) + 1)
    return next((text[:start] for start in starts if fits(text[start:])), text)
