"""Expand words: parameters, substitutions, arithmetic (POSIX XCU 2.6). Fields are split by ``splitting``."""

import re
from collections.abc import Callable

from unloop.rehearsal.posix import arithmetic, patterns
from unloop.rehearsal.posix.globbing import paths
from unloop.rehearsal.posix.patterns import Segment, Segments
from unloop.rehearsal.posix.splitting import Splitter
from unloop.rehearsal.posix.state import Shell
from unloop.rehearsal.posix.streams import bound
from unloop.rehearsal.posix.syntax import (
    Arithmetic,
    Home,
    NotUnderstood,
    Parameter,
    Part,
    Program,
    ShellError,
    Substitution,
    Text,
    Word,
)

Substitute = Callable[[Shell, Program], str]
_ASSIGNED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_FIELD = 32
"""Characters that take as long to look at as a field takes to be made."""
_TRIMS = frozenset({"%", "%%", "#", "##"})


class Expander:
    """Expands for one shell; ``substitute`` runs what stands in ``$(...)``."""

    def __init__(self, shell: Shell, substitute: Substitute) -> None:
        self._shell, self._substitute = shell, substitute

    def fields(self, words: tuple[Word, ...]) -> list[str]:
        """The fields of a command line."""
        found: list[str] = []
        for word in words:
            if len(word) == 1 and isinstance(word[0], Text) and not patterns.is_pattern(((word[0].text, False),)):
                found.append(word[0].text)
                continue
            splitter = Splitter(self._shell.variables.get("IFS"))
            for part in word:
                self._into(splitter, part)
            fields = splitter.done()
            self._shell.budget.spend(_FIELD * len(fields))
            for field in fields:
                found += paths(self._shell, field)
        return found

    def assignments(self, words: tuple[Word, ...]) -> list[str]:
        """The operands of ``export``: what stands behind a ``name=`` is not split."""
        found: list[str] = []
        for word in words:
            first = word[0]
            start = _ASSIGNED.match(first.text) if isinstance(first, Text) and not first.is_quoted else None
            if start and any(isinstance(part, Text) and not part.is_quoted and "~" in part.text for part in word):
                raise NotUnderstood("export of a tilde")
            found += [self.text(word)] if start else self.fields((word,))
        return found

    def text(self, word: Word) -> str:
        """A word as one text: nothing is split, no path is looked for."""
        return "".join(text for text, _ in self.pattern(word))

    def pattern(self, word: Word) -> Segments:
        """A word as one text, with what is quoted in it still known."""
        found: list[Segment] = []
        length = 0
        for part in word:
            segments = self._segments(part)
            length += sum(len(text) for text, _ in segments)
            bound(length)
            found += segments
        return tuple(found)

    def _into(self, splitter: Splitter, part: Part, *, is_inner: bool = False) -> None:
        """Add a part to the fields; unquoted text inside ``${...}`` is split too."""
        if isinstance(part, Text):
            if is_inner and not part.is_quoted:
                splitter.split(part.text)
            else:
                splitter.literal(part.text, is_quoted=part.is_quoted)
        elif isinstance(part, Parameter) and part.name in "@*" and not (part.is_quoted and part.name == "*"):
            self._arguments_into(splitter, part)
        elif isinstance(part, Parameter) and part.operator and (word := self._replacement(part)) is not None:
            for inner in word:
                self._into(splitter, inner, is_inner=True)
        else:
            for text, is_quoted in self._segments(part):
                self._shell.budget.move(len(text))
                if is_quoted or part.is_quoted:
                    splitter.literal(text, is_quoted=True)
                else:
                    splitter.split(text)

    def _arguments_into(self, splitter: Splitter, part: Parameter) -> None:
        for index, argument in enumerate(self._shell.arguments):
            self._shell.budget.move(len(argument))
            if index:
                splitter.end_field()
            if part.is_quoted:
                splitter.literal(argument, is_quoted=True)
            else:
                splitter.split(argument)

    def _segments(self, part: Part) -> Segments:
        if isinstance(part, Text):
            return ((part.text, part.is_quoted),)
        if isinstance(part, Substitution):
            return ((self._substitute(self._shell, part.program).rstrip("\n"), part.is_quoted),)
        if isinstance(part, Arithmetic):
            value = arithmetic.value_of(self.text(part.word), self._number, self._assign)
            return ((str(value), part.is_quoted),)
        if isinstance(part, Home):
            return ((self._shell.value("HOME") or "~", True),)
        if part.operator and (word := self._replacement(part)) is not None:
            return self.pattern(word)
        return ((self._value(part), part.is_quoted),)

    def _replacement(self, part: Parameter) -> Word | None:
        """The word that stands for a parameter, where ``-``, ``=``, ``?`` or ``+`` says so."""
        kind = part.operator[-1:]
        if kind not in "-=?+" or part.operator in _TRIMS:
            return None
        value = self._lookup(part.name)
        is_there = bool(value) if part.operator.startswith(":") else value is not None
        if kind == "+":
            return part.word if is_there else ()
        if is_there:
            return None
        if kind == "-":
            return part.word
        text = self.text(part.word)
        if kind == "?":
            raise ShellError(f"{part.name}: {text or 'parameter not set'}")
        self._assign(part.name, text)
        return None

    def _value(self, part: Parameter) -> str:
        value, operator = self._lookup(part.name), part.operator
        if value is None:
            if self._shell.refuses_unset and (not operator or operator in _TRIMS or operator == "length"):
                raise ShellError(f"{part.name}: parameter not set")
            value = ""
        if operator == "length":
            return str(len(value))
        if operator in _TRIMS:
            segments = self.pattern(part.word)
            self._shell.budget.spend(len(value) * patterns.pattern_of(segments).length)
            return patterns.trimmed(value, segments, operator)
        return value

    def _lookup(self, name: str) -> str | None:
        shell = self._shell
        if name in shell.variables:
            return shell.variables[name]
        if name.isdigit():
            index = int(name[:9])
            if not index:
                return shell.name
            return shell.arguments[index - 1] if index <= len(shell.arguments) else None
        if name in "@*":
            separator = shell.variables.get("IFS", " ")[:1]
            return separator.join(shell.arguments)
        if name == "-":
            raise NotUnderstood("$-")
        if name == "!":
            return "4712" if shell.has_background else None
        special = {"?": str(shell.status), "#": str(len(shell.arguments)), "$": "4711"}
        return special[name] if name in special else shell.value(name)

    def _number(self, name: str) -> str:
        """A variable in an arithmetic expression: not being set is no error there."""
        return self._lookup(name) or ""

    def _assign(self, name: str, value: str) -> None:
        if name[0].isdigit():
            raise ShellError(f"{name}: bad variable name")
        self._shell.variables[name] = value
