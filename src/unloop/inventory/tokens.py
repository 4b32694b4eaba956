"""Cut a selection into words, signs and quoted texts, each with its column."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from unloop.errors import InputError, Problem


class Kind(StrEnum):
    """What a token is."""

    WORD = "word"
    QUOTED = "quoted"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One token and the column, from 1, at which it starts."""

    kind: Kind
    text: str
    column: int

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these words of the language."""
        return self.kind is Kind.WORD and self.text.lower() in words

    def is_sign(self, *signs: str) -> bool:
        """Whether it is one of these signs."""
        return self.kind is Kind.SIGN and self.text in signs

    @property
    def shown(self) -> str:
        """The token as messages name it."""
        return "the end" if self.kind is Kind.END else repr(self.text)


# A minus inside a name belongs to the name; the set operator stands between blanks.
_TOKEN = re.compile(
    r"""(?P<blank>\s+)
      | '(?P<single>[^']*)' | "(?P<double>[^"]*)"
      | (?P<sign><=|>=|!=|!~|[=<>~(),+&]|-(?=\s))
      | (?P<word>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)?|(?:[\w.*?@:/\\-]|\[[^\[\]]*\])+)""",
    re.VERBOSE,
)


def fault(selection: str, column: int, what: str, hint: str = "") -> InputError:
    """The error for a selection that can't be understood at a column."""
    return InputError(Problem(what, f"selection {selection!r}", None, column, hint=hint))


def tokens(selection: str) -> Iterator[Token]:
    """The tokens of a selection, an END last."""
    at = 0
    while at < len(selection):
        match = _TOKEN.match(selection, at)
        if match is None:
            hints = {
                "'": "the quotation isn't closed",
                '"': "the quotation isn't closed",
                "[": "the bracket isn't closed",
            }
            hint = hints.get(selection[at], "")
            raise fault(selection, at + 1, f"{selection[at]!r} has no meaning here", hint)
        group = match.lastgroup or ""
        if group in ("single", "double"):
            yield Token(Kind.QUOTED, match[group], at + 1)
        elif group != "blank":
            yield Token(Kind(group), match[group], at + 1)
        at = match.end()
    yield Token(Kind.END, "", len(selection) + 1)
