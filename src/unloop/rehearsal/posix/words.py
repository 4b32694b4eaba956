"""Read the words of the shell language: quotes, parameters, substitutions (POSIX XCU 2.2, 2.6)."""

import re
from abc import ABC, abstractmethod

from unloop.rehearsal.posix.scanner import Scanner
from unloop.rehearsal.posix.syntax import (
    Arithmetic,
    Home,
    Parameter,
    Part,
    Program,
    Substitution,
    Text,
    Word,
)

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BREAKS = frozenset(" \t\n;&|<>()")
_SPECIAL = frozenset("@*#?-$!0123456789")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-]")
_LENGTH = re.compile(r"#([A-Za-z_][A-Za-z0-9_]*|[0-9]+)\}")
_OPERATORS = re.compile(r":?[-=?+]|%%?|##?")
_PLAIN = re.compile(r"[^\s;&|<>()\\'\"$`]+|[^\S \t\n]+")
_TILDE = re.compile(r"~(?=/|[\s;&|<>()]|$)")
_IN_QUOTES = re.compile(r"[^\\$`\"}]+")


class WordReader(Scanner, ABC):
    """Reads words; the commands of substitutions are read by whoever reads commands."""

    @abstractmethod
    def program(self, ends: frozenset[str]) -> Program:
        """The commands of a substitution."""

    def word(self) -> Word:
        """The word that stands here; empty when none does."""
        parts: list[Part] = []
        if self.peek("~"):
            self._home(parts)
        while self.place < len(self.text) and self.text[self.place] not in _BREAKS:
            self._part(parts)
        return joined(parts)

    def value(self) -> Word:
        """The word behind ``name=``, where a tilde counts after each colon too."""
        word = self.word()
        unquoted = "".join(part.text for part in word if isinstance(part, Text) and not part.is_quoted)
        if ":" in unquoted and "~" in unquoted:
            raise self.refuse("a tilde behind a colon")
        return word

    def document(self, body: str) -> Word:
        """A here-document is read as if in double quotes, which are plain in it (2.7.4)."""
        inner, parts = type(self)(body), list[Part]()
        while not inner.at_end():
            inner._quoted_part(parts, ends="")  # noqa: SLF001 - of our own kind
        return joined(parts)

    def _home(self, parts: list[Part]) -> None:
        if _TILDE.match(self.text, self.place) is None:
            raise self.refuse("the home of another user")
        self.place += 1
        parts.append(Home())

    def _part(self, parts: list[Part]) -> None:
        character = self.text[self.place]
        plain = _PLAIN.match(self.text, self.place)
        if plain:
            self.place = plain.end()
            parts.append(Text(plain[0]))
        elif character == "\\":
            escaped = self.text[self.place + 1 : self.place + 2]
            self.place += 2
            if escaped != "\n":
                parts.append(Text(escaped or "\\", is_quoted=True))
        elif character == "'":
            end = self.text.find("'", self.place + 1)
            if end < 0:
                raise self.wrong("unterminated quoted string")
            parts.append(Text(self.text[self.place + 1 : end], is_quoted=True))
            self.place = end + 1
        elif character == '"':
            self._double_quoted(parts)
        else:
            self._dollar(parts, is_quoted=False)

    def _double_quoted(self, parts: list[Part]) -> None:
        """What is quoted is a field even when empty; ``"$@"`` alone is as many fields as there are arguments."""
        self.place += 1
        inside: list[Part] = []
        while not self.peek('"'):
            if self.at_end():
                raise self.wrong("unterminated quoted string")
            self._quoted_part(inside, ends='"')
        self.place += 1
        if inside != [Parameter("@", is_quoted=True)]:
            parts.append(Text("", is_quoted=True))
        parts += inside

    def _quoted_part(self, parts: list[Part], *, ends: str) -> None:
        character = self.text[self.place]
        if character == "\\":
            escaped = self.text[self.place + 1 : self.place + 2]
            self.place += 2
            if escaped and escaped in "$`\\" + ends:
                parts.append(Text(escaped, is_quoted=True))
            elif escaped != "\n":
                parts.append(Text("\\" + escaped, is_quoted=True))
        elif character in "$`":
            self._dollar(parts, is_quoted=True)
        else:
            plain = _IN_QUOTES.match(self.text, self.place)
            end = plain.end() if plain else self.place + 1
            parts.append(Text(self.text[self.place : end], is_quoted=True))
            self.place = end

    def _dollar(self, parts: list[Part], *, is_quoted: bool) -> None:
        if self.peek("`"):
            raise self.refuse("backquotes; $(...) does the same")
        self.place += 1
        if self.peek("(("):
            self.place += 2
            parts.append(Arithmetic(self._until_double_close(), is_quoted))
        elif self.peek("("):
            self.place += 1
            parts.append(Substitution(self._substituted(), is_quoted))
        elif self.peek("{"):
            self.place += 1
            self.deeper()
            parts.append(self._braced(is_quoted=is_quoted))
            self.depth -= 1
        else:
            parts.append(self._named(is_quoted=is_quoted))

    def _named(self, *, is_quoted: bool) -> Part:
        name = NAME.match(self.text, self.place)
        character = self.text[self.place : self.place + 1]
        if name:
            self.place = name.end()
        elif character and character in _SPECIAL:
            self.place += 1
        if self.peek("\\\n"):
            raise self.refuse("a parameter that goes on in the next line")
        if name:
            return Parameter(name[0], is_quoted)
        return Parameter(character, is_quoted) if character and character in _SPECIAL else Text("$", is_quoted)

    def _substituted(self) -> Program:
        outer, self.pending = self.pending, []
        start, depth = self.place, self.depth
        self.deeper()
        body = self.program(frozenset())
        if self.pending or (outer and "\n" in self.text[start : self.place]):
            raise self.refuse("a here-document across the border of $(...)")
        self.expect(")")
        self.pending, self.depth = outer, depth
        return body

    def _braced(self, *, is_quoted: bool) -> Parameter:
        length = _LENGTH.match(self.text, self.place)
        if length:
            self.place = length.end()
            return Parameter(length[1], is_quoted, "length")
        name = _PARAMETER.match(self.text, self.place)
        if name is None:
            raise self.wrong("bad substitution")
        self.place = name.end()
        if self.peek("}"):
            self.place += 1
            return Parameter(name[0], is_quoted)
        operator = _OPERATORS.match(self.text, self.place)
        if operator is None:
            raise self.wrong("bad substitution")
        if name[0] in "@*#?$!-":
            raise self.refuse(f"${{{name[0]}{operator[0]}...}}")
        self.place = operator.end()
        return Parameter(name[0], is_quoted, operator[0], self._braced_word(operator[0], is_quoted=is_quoted))

    def _braced_word(self, operator: str, *, is_quoted: bool) -> Word:
        """The word up to the brace; in double quotes, quotes are plain unless it is a pattern."""
        keeps_quotes = is_quoted and operator[0] not in "%#"
        parts: list[Part] = []
        if self.peek("~") and not is_quoted:
            raise self.refuse("a tilde inside ${...}")
        while not self.peek("}"):
            if self.at_end():
                raise self.wrong("bad substitution")
            if keeps_quotes and self.peek('"'):
                raise self.refuse("double quotes inside ${...} inside double quotes")
            if keeps_quotes:
                self._quoted_part(parts, ends='}"')
            elif self.text[self.place] in "\\'\"$`":
                self._part(parts)
            else:
                start = self.place
                while not self.at_end() and self.text[self.place] not in "\\'\"$`}":
                    self.place += 1
                parts.append(Text(self.text[start : self.place]))
        self.place += 1
        return joined(parts)

    def _until_double_close(self) -> Word:
        parts: list[Part] = []
        depth = 0
        while depth or not self.peek("))"):
            if self.at_end():
                raise self.wrong("expected ))")
            character = self.text[self.place]
            if character in "\\'\"`":
                raise self.refuse("quotes inside $((...))")
            if character == "$":
                self._dollar(parts, is_quoted=True)
                continue
            depth += {"(": 1, ")": -1}.get(character, 0)
            if depth < 0:
                raise self.refuse("a parenthesis inside $((...))")
            parts.append(Text(character, is_quoted=True))
            self.place += 1
        self.place += 2
        return joined(parts)


def joined(parts: list[Part]) -> Word:
    """The same word with as few parts as can be."""
    found: list[Part] = []
    for part in parts:
        last = found[-1] if found else None
        if isinstance(part, Text) and isinstance(last, Text) and part.is_quoted is last.is_quoted:
            found[-1] = Text(last.text + part.text, part.is_quoted)
        else:
            found.append(part)
    return tuple(found)
