"""Read the words of the shell language: quotes, parameters, substitutions, here-documents (XCU 2.2, 2.6, 2.7.4)."""

import re
from abc import ABC, abstractmethod

from unloop.rehearsal.posix.syntax import (
    Arithmetic,
    Parameter,
    Part,
    Program,
    Redirection,
    ShellError,
    Substitution,
    Text,
    Word,
)

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BREAKS = frozenset(" \t\n;&|<>()")
_SPECIAL = frozenset("@*#?-$!0123456789")
_OPERATORS = re.compile(r":?[-=?+]|%%?|##?")
_PLAIN = re.compile(r"[^\s;&|<>()\\'\"$`]+")


class WordReader(ABC):
    """The characters of a program and where the reading has come to."""

    def __init__(self, text: str) -> None:
        self.text, self.place = text, 0

    @abstractmethod
    def program(self, ends: frozenset[str]) -> Program:
        """The commands of a substitution."""

    def at_end(self) -> bool:
        """Whether everything is read."""
        return self.place >= len(self.text)

    def peek(self, token: str) -> bool:
        """Whether this stands here."""
        return self.text.startswith(token, self.place)

    def expect(self, token: str) -> None:
        """Take this; raises ShellError when something else stands here."""
        self.skip_blanks()
        if not self.peek(token):
            raise self.wrong(f"expected {token}")
        self.place += len(token)

    def line(self) -> int:
        """The number of the line."""
        return self.text.count("\n", 0, self.place) + 1

    def wrong(self, what: str = "") -> ShellError:
        """That the program can't be read here."""
        found = self.text[self.place : self.place + 12].split("\n")[0] or "end of line"
        return ShellError(f"{self.line()}: Syntax error: {found!r} unexpected{f' ({what})' if what else ''}")

    def skip_blanks(self) -> bool:
        """Pass over blanks and a comment; always False, so that it can stand in a condition."""
        while not self.at_end():
            if self.text[self.place] in " \t":
                self.place += 1
            elif self.peek("\\\n"):
                self.place += 2
            elif self.peek("#"):
                end = self.text.find("\n", self.place)
                self.place = len(self.text) if end < 0 else end
            else:
                break
        return False

    def skip_lines(self) -> bool:
        """Pass over blanks, comments and ends of lines; always False, so that it can stand in a condition."""
        while not self.skip_blanks() and self.peek("\n"):
            self.place += 1
        return False

    def word(self) -> Word:
        """The word that stands here; empty when none does."""
        parts: list[Part] = []
        while not self.at_end() and self.text[self.place] not in _BREAKS:
            self._part(parts)
        return tuple(parts)

    def here_document(self, descriptor: int, *, strips_tabs: bool) -> Redirection:
        """A here-document, whose text comes after the line."""
        delimiter = self.word()
        is_literal = any(isinstance(part, Text) and part.is_quoted for part in delimiter)
        ending = "".join(part.text for part in delimiter if isinstance(part, Text))
        if not ending:
            raise self.wrong()
        parts: list[Part] = []
        before, end = self.place, self.text.find("\n", self.place)
        self.place = len(self.text) if end < 0 else end + 1
        self._take_document(ending, parts, strips_tabs=strips_tabs, is_literal=is_literal)
        # The rest of the line is read next: the document is cut out, so that the line after it follows.
        self.text = self.text[: end + 1 if end >= 0 else len(self.text)] + self.text[self.place :]
        self.place = before
        return Redirection(descriptor, "<<", tuple(parts))

    def _take_document(self, delimiter: str, parts: list[Part], *, strips_tabs: bool, is_literal: bool) -> None:
        lines = []
        while not self.at_end():
            end = self.text.find("\n", self.place)
            end = len(self.text) if end < 0 else end
            line = self.text[self.place : end]
            self.place = min(end + 1, len(self.text))
            line = line.lstrip("\t") if strips_tabs else line
            if line == delimiter:
                break
            lines.append(line + "\n")
        body = "".join(lines)
        if is_literal:
            parts.append(Text(body, is_quoted=True))
            return
        inner = type(self)(body)
        while not inner.at_end():
            inner._quoted_part(parts, ends="")  # noqa: SLF001 - of our own kind

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
        self.place += 1
        parts.append(Text("", is_quoted=True))
        while not self.peek('"'):
            if self.at_end():
                raise self.wrong("unterminated quoted string")
            self._quoted_part(parts, ends='"')
        self.place += 1

    def _quoted_part(self, parts: list[Part], *, ends: str) -> None:
        character = self.text[self.place]
        if character == "\\":
            escaped = self.text[self.place + 1 : self.place + 2]
            self.place += 2
            if escaped in {"$", "`", "\\"} or (escaped and escaped in ends):
                parts.append(Text(escaped, is_quoted=True))
            elif escaped != "\n":
                parts.append(Text("\\" + escaped, is_quoted=True))
        elif character in "$`":
            self._dollar(parts, is_quoted=True)
        else:
            start = self.place
            while not self.at_end() and self.text[self.place] not in "\\$`" + ends:
                self.place += 1
            parts.append(Text(self.text[start : self.place], is_quoted=True))

    def _dollar(self, parts: list[Part], *, is_quoted: bool) -> None:
        if self.peek("`"):
            raise self.wrong("backquotes are not understood here")
        self.place += 1
        if self.peek("(("):
            self.place += 2
            parts.append(Arithmetic(self._until_double_close(), is_quoted))
        elif self.peek("("):
            self.place += 1
            body = self.program(frozenset())
            self.expect(")")
            parts.append(Substitution(body, is_quoted))
        elif self.peek("{"):
            self.place += 1
            parts.append(self._braced(is_quoted=is_quoted))
        else:
            name = NAME.match(self.text, self.place)
            character = self.text[self.place : self.place + 1]
            if name:
                self.place = name.end()
                parts.append(Parameter(name[0], is_quoted))
            elif character and character in _SPECIAL:
                self.place += 1
                parts.append(Parameter(character, is_quoted))
            else:
                parts.append(Text("$", is_quoted))

    def _braced(self, *, is_quoted: bool) -> Parameter:
        if self.peek("#") and not self.peek("#}"):
            self.place += 1
            name = self._parameter_name()
            self._close()
            return Parameter(name, is_quoted, "length")
        name = self._parameter_name()
        if self.peek("}"):
            self.place += 1
            return Parameter(name, is_quoted)
        operator = _OPERATORS.match(self.text, self.place)
        if operator is None:
            raise self.wrong("bad substitution")
        self.place = operator.end()
        keeps_quotes = is_quoted and operator[0][0] not in "%#"
        parts: list[Part] = []
        while not self.peek("}"):
            if self.at_end():
                raise self.wrong("bad substitution")
            if keeps_quotes and not self.peek('"'):
                self._quoted_part(parts, ends='}"')
            elif self.text[self.place] in _BREAKS:
                parts.append(Text(self.text[self.place], is_quoted))
                self.place += 1
            elif self.text[self.place] in "\\'\"$`":
                self._part(parts)
            else:
                self._text_until_brace(parts)
        self.place += 1
        return Parameter(name, is_quoted, operator[0], tuple(parts))

    def _text_until_brace(self, parts: list[Part]) -> None:
        start = self.place
        while not self.at_end() and self.text[self.place] not in "\\'\"$`}" and self.text[self.place] not in _BREAKS:
            self.place += 1
        parts.append(Text(self.text[start : self.place]))

    def _parameter_name(self) -> str:
        name = NAME.match(self.text, self.place) or re.compile(r"[0-9]+|[@*#?$!-]").match(self.text, self.place)
        if name is None:
            raise self.wrong("bad substitution")
        self.place = name.end()
        return name[0]

    def _close(self) -> None:
        if not self.peek("}"):
            raise self.wrong("bad substitution")
        self.place += 1

    def _until_double_close(self) -> Word:
        parts: list[Part] = []
        depth = 0
        while depth or not self.peek("))"):
            if self.at_end():
                raise self.wrong("expected ))")
            character = self.text[self.place]
            if character in "$`":
                self._dollar(parts, is_quoted=True)
                continue
            depth += {"(": 1, ")": -1}.get(character, 0)
            parts.append(Text(character, is_quoted=True))
            self.place += 1
        self.place += 2
        return tuple(parts)
