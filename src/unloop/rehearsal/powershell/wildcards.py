"""The wildcards of ``-like``: ``*``, ``?``, ``[a-z]``, and the backtick that makes a character plain (WildcardPattern)."""

from dataclasses import dataclass
from functools import lru_cache

from unloop.rehearsal.powershell.errors import Category, Failure, NotUnderstood
from unloop.rehearsal.powershell.state import Budget
from unloop.rehearsal.powershell.values import fold

ANY, ONE = object(), object()
_LONGEST_PATTERN = 4096


@dataclass(frozen=True, slots=True)
class Choice:
    """``[a-z]``: one of these characters, or one between two."""

    ranges: tuple[tuple[str, str], ...]

    def holds(self, character: str) -> bool:
        """Whether a character is one of them."""
        return any(low <= character <= high for low, high in self.ranges)


Token = str | Choice | object


def matches(text: str, pattern: str, budget: Budget, *, minds_case: bool = False) -> bool:
    """Whether a pattern means a text; raises Failure for a pattern that is none."""
    if len(pattern) > _LONGEST_PATTERN:
        raise NotUnderstood("a pattern of that length")
    tokens = _tokens(pattern if minds_case else fold(pattern))
    text = text if minds_case else fold(text)
    place = token = 0
    star, resumed = -1, 0
    while place < len(text):
        if token < len(tokens) and tokens[token] is ANY:
            star, resumed = token, place
            token += 1
        elif token < len(tokens) and _fits(tokens[token], text[place]):
            place, token = place + 1, token + 1
        elif star >= 0:
            budget.spend()
            resumed += 1
            place, token = resumed, star + 1
        else:
            return False
    return all(rest is ANY for rest in tokens[token:])


def has_wildcards(pattern: str) -> bool:
    """Whether a pattern holds anything but plain characters."""
    return any(character in pattern for character in "*?[")


def _fits(token: Token, character: str) -> bool:
    if isinstance(token, Choice):
        return token.holds(character)
    return token is ONE or token == character


@lru_cache(maxsize=512)
def _tokens(pattern: str) -> tuple[Token, ...]:
    found: list[Token] = []
    place = 0
    while place < len(pattern):
        character = pattern[place]
        if character == "`" and place + 1 < len(pattern):
            found.append(pattern[place + 1])
            place += 1
        elif character == "*":
            found.append(ANY)
        elif character == "?":
            found.append(ONE)
        elif character == "[":
            choice, place = _choice(pattern, place + 1)
            found.append(choice)
        else:
            found.append(character)
        place += 1
    return tuple(found)


def _choice(pattern: str, place: int) -> tuple[Choice, int]:
    """The choice that begins here, and where its bracket closes."""
    characters: list[tuple[str, bool]] = []
    start = place
    while place < len(pattern) and (pattern[place] != "]" or place == start):
        is_escaped = pattern[place] == "`" and place + 1 < len(pattern)
        place += is_escaped
        characters.append((pattern[place], is_escaped))
        place += 1
    if place >= len(pattern):
        what = f"The specified wildcard character pattern is not valid: {pattern}"
        kind = "System.Management.Automation.WildcardPatternException"
        raise Failure(what, "RuntimeException", Category.NOT_SPECIFIED, type_name=kind)
    ranges = []
    while characters:
        low = high = characters.pop(0)[0]
        if len(characters) > 1 and characters[0] == ("-", False):
            high = characters[1][0]
            del characters[:2]
        ranges.append((low, high))
    return Choice(tuple(ranges)), place
