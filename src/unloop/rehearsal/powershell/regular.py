"""The regular expressions of ``-match``, as far as .NET and Python mean the same by them and none can take for ever."""

import re
from functools import lru_cache

from unloop.rehearsal.powershell.errors import NotUnderstood

_PIECE = re.compile(
    r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[dDwWsSbtrnfv.$^{\[(|)*+?\\/\]}\-' ])"
    r"|\[\^?(?:\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[dwstnrfv\]\\^\-.])|[^\]\\\[])+\]"
    r"|[^\\\[\](){}*+?|]|[()]|(?P<many>[*+]|\{\d{1,3}(?:,\d{0,3})?\})|(?P<maybe>[?|])"
)
_SET_OPERATIONS = ("--", "&&", "~~", "||")
"""Python warns that these will come to mean something in a set."""
_HEAVY = 20_000_000
_LONGEST_PATTERN = 1000
_MOST_CHOICES = 12


def compiled(pattern: str, text: str, *, minds_case: bool = False) -> re.Pattern[str]:
    """A pattern for a text; raises NotUnderstood for one whose meaning, or whose cost on this text, is not sure."""
    found, loops, choices = _compiled(pattern, minds_case)
    if (len(text) + 1) ** (loops + 1) << choices > _HEAVY:
        raise NotUnderstood(f"the pattern {pattern[:40]!r} on a text of {len(text)} characters")
    return found


@lru_cache(maxsize=128)
def _compiled(pattern: str, minds_case: bool) -> tuple[re.Pattern[str], int, int]:
    """The pattern, how many of its pieces repeat, and how many leave a choice."""
    place = loops = choices = 0
    while place < len(pattern):
        piece = _PIECE.match(pattern, place)
        if piece is None or len(pattern) > _LONGEST_PATTERN or choices > _MOST_CHOICES:
            raise NotUnderstood(f"the pattern {pattern[:40]!r}")
        is_quantifier = piece["many"] is not None or piece[0] == "?"
        if is_quantifier and (
            place == 0 or (pattern[place - 1] in "()|^$*+?}" and pattern[place - 2 : place - 1] != "\\")
        ):
            raise NotUnderstood(f"the pattern {pattern[:40]!r}: a repetition of more than one character")
        loops += piece["many"] is not None
        choices += piece["maybe"] is not None
        place = piece.end()
    if any(mark in pattern for mark in _SET_OPERATIONS):
        raise NotUnderstood(f"the pattern {pattern[:40]!r}")
    try:
        return re.compile(pattern, 0 if minds_case else re.IGNORECASE), loops, choices
    except (re.error, OverflowError) as error:
        raise NotUnderstood(f"the pattern {pattern[:40]!r}") from error
