"""Expand words: parameters, substitutions, splitting, paths (POSIX XCU 2.6)."""

from collections.abc import Callable, Iterator

from unloop.rehearsal.posix import arithmetic, patterns
from unloop.rehearsal.posix.patterns import Segment, Segments
from unloop.rehearsal.posix.state import Exit, Path, Shell
from unloop.rehearsal.posix.streams import LONGEST
from unloop.rehearsal.posix.syntax import Arithmetic, Parameter, Part, Program, ShellError, Substitution, Text, Word

Substitute = Callable[[Shell, Program], str]
_BLANKS = " \t\n"


class Expander:
    """Expands for one shell; ``substitute`` runs what stands in ``$(...)``."""

    def __init__(self, shell: Shell, substitute: Substitute) -> None:
        self._shell, self._substitute = shell, substitute

    def fields(self, words: tuple[Word, ...]) -> list[str]:
        """The fields of a command line."""
        return [path for word in words for field in self._split(word) for path in self._paths(field)]

    def text(self, word: Word) -> str:
        """A word as one text: nothing is split, no path is looked for."""
        return "".join(text for text, _ in self.pattern(word))

    def pattern(self, word: Word) -> Segments:
        """A word with what is quoted in it still known."""
        found: list[Segment] = []
        for part in word:
            if isinstance(part, Parameter) and part.name in "@*" and not part.operator:
                found.append((" ".join(self._shell.arguments), part.is_quoted))
            else:
                found += self._segments(part)
        return tuple(found)

    def _split(self, word: Word) -> Iterator[list[Segment]]:
        fields: list[list[Segment]] = [[]]
        for part in word:
            if isinstance(part, Text):
                fields[-1].append((part.text, part.is_quoted))
            elif isinstance(part, Parameter) and part.name == "@" and not part.operator and part.is_quoted:
                for index, argument in enumerate(self._shell.arguments):
                    if index:
                        fields.append([])
                    fields[-1].append((argument, True))
            elif part.is_quoted:
                fields[-1] += [(text, True) for text, _ in self.pattern((part,))] or [("", True)]
            else:
                self._split_into(fields, self.pattern((part,)))
        is_only_arguments = not any(self._shell.arguments) and not self._shell.arguments and _names_arguments(word)
        for field in fields:
            has_quotes = any(is_quoted for _, is_quoted in field) and not is_only_arguments
            if has_quotes or any(text for text, _ in field):
                yield field

    def _split_into(self, fields: list[list[Segment]], segments: Segments) -> None:
        """What an expansion outside quotes gave is split at blanks (2.6.5)."""
        blanks = self._shell.variables.get("IFS", _BLANKS)
        for text, is_quoted in segments:
            if is_quoted:
                fields[-1].append((text, True))
                continue
            piece = ""
            for character in text:
                if character not in blanks:
                    piece += character
                    continue
                if piece:
                    fields[-1].append((piece, False))
                if fields[-1]:
                    fields.append([])
                piece = ""
            if piece:
                fields[-1].append((piece, False))

    def _segments(self, part: Part) -> Segments:
        if isinstance(part, Text):
            return ((part.text, part.is_quoted),)
        if isinstance(part, Substitution):
            return ((self._substitute(self._shell, part.program).rstrip("\n"), part.is_quoted),)
        if isinstance(part, Arithmetic):
            return ((str(arithmetic.value_of(self.text(part.word), self._plain)), part.is_quoted),)
        return self._parameter(part)

    def _parameter(self, part: Parameter) -> Segments:
        value, operator = self._lookup(part.name), part.operator
        if operator == "length":
            return ((str(len(self._demand(part.name, value))), part.is_quoted),)
        if operator in {"%", "%%", "#", "##"}:
            whole = self._demand(part.name, value)
            return ((patterns.trimmed(whole, self.pattern(part.word), operator), part.is_quoted),)
        is_there = bool(value) if operator.startswith(":") else value is not None
        kind = operator[-1:]
        if kind == "+":
            return self.pattern(part.word) if is_there else (("", part.is_quoted),)
        if not kind:
            return ((self._demand(part.name, value), part.is_quoted),)
        if is_there:
            return ((value or "", part.is_quoted),)
        if kind == "-":
            return self.pattern(part.word)
        text = self.text(part.word)
        if kind == "=":
            self._shell.variables[part.name] = text
            return ((text, part.is_quoted),)
        self._shell.complain(f"sh: {part.name}: {text or 'parameter not set'}")
        raise Exit(2)

    def _lookup(self, name: str) -> str | None:
        shell = self._shell
        if name.isdigit():
            index = int(name)
            if not index:
                return "sh"
            return shell.arguments[index - 1] if index <= len(shell.arguments) else None
        special = {"?": str(shell.status), "#": str(len(shell.arguments)), "$": "4711", "!": "4712", "-": ""}
        if name in "@*":
            return " ".join(shell.arguments)
        return special.get(name, shell.variables.get(name))

    def _demand(self, name: str, value: str | None) -> str:
        if value is None and self._shell.refuses_unset and name not in "@*":
            self._shell.complain(f"sh: {name}: parameter not set")
            raise Exit(2)
        if value is not None and len(value) > LONGEST:
            raise ShellError("a value is too long for a simulated shell")
        return value or ""

    def _plain(self, name: str) -> str:
        return self._demand(name, self._lookup(name))

    def _paths(self, field: list[Segment]) -> list[str]:
        """The paths that a pattern means, in order; the pattern itself when there is none (2.13.3)."""
        text = "".join(part for part, _ in field)
        if not patterns.is_pattern(field):
            return [text]
        found = [("/" if text.startswith("/") else "", self._shell.place("/" if text.startswith("/") else ""))]
        components = _components(field)
        for index, component in enumerate(components):
            is_last = index == len(components) - 1
            found = [step for path in found for step in self._step(path, component, is_last=is_last)]
        return sorted(path for path, _ in found) or [text]

    def _step(self, path: tuple[str, Path], component: Segments, *, is_last: bool) -> Iterator[tuple[str, Path]]:
        files, (shown, place) = self._shell.machine.files, path
        text = "".join(part for part, _ in component)
        slash = "" if is_last else "/"
        if not patterns.is_pattern(component):
            goal = (*place, *((text,) if text not in {"", "."} else ()))
            if files.exists(goal):
                yield shown + text + (slash if text or not shown.endswith("/") else ""), goal
            return
        if not files.exists(place) or not files.stat(place).is_directory:
            return
        for name in (".", "..", *(node.name for node in files.children(place))):
            if name.startswith(".") and not text.startswith("."):
                continue
            goal = self._shell.place(f"/{'/'.join((*place, name))}")
            if patterns.matches(name, component) and (is_last or files.stat(goal).is_directory):
                yield shown + name + slash, goal


def _names_arguments(word: Word) -> bool:
    """Whether a word is ``"$@"`` with nothing beside it: without arguments it is no field at all."""
    return all(
        (isinstance(part, Text) and not part.text) or (isinstance(part, Parameter) and part.name == "@")
        for part in word
    )


def _components(field: list[Segment]) -> list[Segments]:
    """A pattern cut at its slashes."""
    found: list[list[Segment]] = [[]]
    for text, is_quoted in field:
        for index, piece in enumerate(text.split("/")):
            if index:
                found.append([])
            found[-1].append((piece, is_quoted))
    if "".join(text for text, _ in field).startswith("/"):
        found = found[1:]
    return [tuple(component) for component in found]
