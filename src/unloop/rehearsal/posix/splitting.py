"""Split what expansions gave into fields (POSIX XCU 2.6.5)."""

import re
from functools import lru_cache

from unloop.rehearsal.posix.patterns import Segment

_BLANKS = " \t\n"


@lru_cache(maxsize=64)
def _expression(separators: str) -> re.Pattern[str] | None:
    return re.compile(f"[{re.escape(separators)}]") if separators else None


class Splitter:
    """Fields in the making; ``separators`` is IFS, None when it is not set."""

    def __init__(self, separators: str | None) -> None:
        separators = _BLANKS if separators is None else separators
        self._blanks = frozenset(separators) & frozenset(_BLANKS)
        self._separators = _expression(separators)
        self._open: list[Segment] | None = None
        self._after_blank = False
        self.fields: list[list[Segment]] = []

    def literal(self, text: str, *, is_quoted: bool) -> None:
        """Text that is not split; in quotes it makes a field even when it is empty."""
        if text or is_quoted:
            self._add(text, is_quoted=is_quoted)

    def split(self, text: str) -> None:
        """Text that is split."""
        start = 0
        for found in self._separators.finditer(text) if self._separators else ():
            if found.start() > start:
                self._add(text[start : found.start()], is_quoted=False)
            start = found.end()
            self._separate(is_blank=found[0] in self._blanks)
        if start < len(text):
            self._add(text[start:], is_quoted=False)

    def end_field(self) -> None:
        """What follows is another field."""
        if self._open is not None:
            self.fields.append(self._open)
        self._open, self._after_blank = None, False

    def done(self) -> list[list[Segment]]:
        """All fields."""
        self.end_field()
        return self.fields

    def _add(self, text: str, *, is_quoted: bool) -> None:
        self._after_blank = False
        if self._open is None:
            self._open = []
        self._open.append((text, is_quoted))

    def _separate(self, *, is_blank: bool) -> None:
        """A blank ends a field; a mark does too, and makes an empty one where there is none to end."""
        if self._open is not None:
            self.end_field()
            self._after_blank = is_blank
        elif not is_blank and self._after_blank:
            self._after_blank = False
        elif not is_blank:
            self.fields.append([])
