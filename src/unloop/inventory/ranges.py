"""Host ranges: ``web[01-40]`` to names, and names back to the shortest text."""

import itertools
import re
from collections.abc import Iterable, Iterator

MOST_NAMES = 100_000
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_NUMBERS = re.compile(r"([0-9]+)(?:[-:]([0-9]+)(?:[/:]([0-9]+))?)?")
_LETTERS = re.compile(r"([A-Za-z])[-:]([A-Za-z])")
_LAST_NUMBER = re.compile(r"^(.*?)([0-9]+)([^0-9]*)$", re.DOTALL)


class BadRange(ValueError):
    """A range can't be read; says why."""


def expand(pattern: str) -> tuple[str, ...]:
    """The names that a pattern stands for: ``[01-03]``, ``[1-9/2]`` (step), ``[1-3,7]``, ``[a-f]``; ``:`` does for ``-``."""
    parts: list[tuple[str, ...]] = []
    at = 0
    for bracket in _BRACKET.finditer(pattern):
        parts += [(pattern[at : bracket.start()],), tuple(_members(bracket[1], pattern))]
        at = bracket.end()
    parts.append((pattern[at:],))
    if any(mark in text for (text,) in parts[::2] for mark in "[]"):
        raise BadRange(f"the brackets of {pattern!r} don't match")
    total = 1
    for part in parts:
        total *= len(part)
    if total > MOST_NAMES:
        raise BadRange(f"{pattern!r} stands for {total:,} names; at most {MOST_NAMES:,} are allowed")
    return tuple("".join(choice) for choice in itertools.product(*parts))


def fold(names: Iterable[str]) -> str:
    """The shortest text that expands to these names, each once: ``web[01-40],db1``. Folds the last number of each name."""
    families: dict[tuple[str, str], set[str]] = {}
    for name in names:
        match = _LAST_NUMBER.match(name)
        prefix, number, suffix = match.groups() if match else (name, "", "")
        families.setdefault((prefix, suffix), set()).add(number)
    return ",".join(f"{prefix}{_folded(numbers)}{suffix}" for (prefix, suffix), numbers in _in_order(families))


def _in_order(families: dict[tuple[str, str], set[str]]) -> Iterator[tuple[tuple[str, str], set[str]]]:
    """A bare name and numbered ones are families apart: ``web`` and ``web1``."""
    for (prefix, suffix), numbers in sorted(families.items()):
        bare = numbers & {""}
        if bare:
            yield (prefix, suffix), bare
        if numbers - bare:
            yield (prefix, suffix), numbers - bare


def _folded(numbers: set[str]) -> str:
    if numbers == {""}:
        return ""
    runs: list[tuple[str, str]] = []
    for _, texts in sorted(_by_width(numbers).items()):
        for text in sorted(texts, key=int):
            first, last = runs[-1] if runs else ("", "")
            if runs and text == str(int(last) + 1).zfill(len(first)):
                runs[-1] = (first, text)
            else:
                runs.append((text, text))
    shown = [first if first == last else f"{first}-{last}" for first, last in runs]
    return shown[0] if len(shown) == 1 and "-" not in shown[0] else f"[{','.join(shown)}]"


def _by_width(numbers: set[str]) -> dict[int, set[str]]:
    """Numbers that can share a range: those padded to one width, and the rest by their own length (9 then 10)."""
    padded = {len(text) for text in numbers if text.startswith("0") and len(text) > 1}
    widths: dict[int, set[str]] = {}
    for text in numbers:
        widths.setdefault(len(text) if len(text) in padded else 0, set()).add(text)
    return widths


def _members(content: str, pattern: str) -> Iterator[str]:
    for item in content.split(","):
        item = item.strip()
        if match := _NUMBERS.fullmatch(item):
            yield from _numbers(match[1], match[2] or match[1], int(match[3] or 1), pattern)
        elif match := _LETTERS.fullmatch(item):
            yield from map(chr, range(ord(match[1]), ord(match[2]) + 1))
        else:
            raise BadRange(f"{item!r} in {pattern!r} is no range; write [01-40], [1-9/2], [1-3,7] or [a-f]")


def _numbers(first: str, last: str, step: int, pattern: str) -> Iterator[str]:
    low, high = int(first), int(last)
    if high < low:
        raise BadRange(f"the range {first}-{last} in {pattern!r} runs backwards")
    if step < 1:
        raise BadRange(f"the step in {pattern!r} must be at least 1")
    if (high - low) // step >= MOST_NAMES:
        raise BadRange(f"{pattern!r} stands for more than {MOST_NAMES:,} names")
    width = len(first)
    return (str(value).zfill(width) for value in range(low, high + 1, step))
