"""What a shell program is made of, as the parser hands it to the shell (POSIX XCU 2.9)."""

from dataclasses import dataclass


class ShellError(Exception):
    """An error that ends a shell, as it would end a real one; the text says what."""


class NotUnderstood(Exception):
    """A program that this interpreter can't carry out as a real host would: it ends here, as an error, whoever ran it."""


@dataclass(frozen=True, slots=True)
class Text:
    """Characters as they stand; in quotes they are no patterns."""

    text: str
    is_quoted: bool = False


@dataclass(frozen=True, slots=True)
class Home:
    """An unquoted ``~`` in front of a word (2.6.1)."""

    is_quoted: bool = True


@dataclass(frozen=True, slots=True)
class Parameter:
    """``$name`` and ``${name...}``; ``operator`` is '' , 'length', or what stands between name and word."""

    name: str
    is_quoted: bool = False
    operator: str = ""
    word: "Word" = ()


@dataclass(frozen=True, slots=True)
class Substitution:
    """``$(...)``."""

    program: "Program"
    is_quoted: bool = False


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``$((...))``."""

    word: "Word"
    is_quoted: bool = False


Part = Text | Home | Parameter | Substitution | Arithmetic
Word = tuple[Part, ...]


@dataclass(slots=True, eq=False)
class Document:
    """A here-document; its text comes after the line, so it is filled in later."""

    ending: str
    strips_tabs: bool
    is_literal: bool
    word: Word = ()


@dataclass(frozen=True, slots=True)
class Redirection:
    """``[n]<word`` and its kin."""

    descriptor: int
    operator: str
    word: Word | Document


@dataclass(frozen=True, slots=True)
class Simple:
    """Assignments, then a command and its arguments."""

    assignments: tuple[tuple[str, Word], ...]
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """``{ ...; }``, or ``( ... )`` with a shell of its own."""

    body: "Program"
    is_subshell: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """``if``: conditions with what follows from each, and what else."""

    branches: tuple[tuple["Program", "Program"], ...]
    otherwise: "Program"


@dataclass(frozen=True, slots=True)
class Loop:
    """``while`` and ``until``."""

    condition: "Program"
    body: "Program"
    is_until: bool


@dataclass(frozen=True, slots=True)
class Each:
    """``for``; without ``in`` it goes over the arguments."""

    name: str
    words: tuple[Word, ...] | None
    body: "Program"


@dataclass(frozen=True, slots=True)
class Case:
    """``case``: patterns with what follows from each."""

    word: Word
    branches: tuple[tuple[tuple[Word, ...], "Program"], ...]


@dataclass(frozen=True, slots=True)
class Function:
    """``name() ...``."""

    name: str
    body: "Command"


Kind = Simple | Group | Choice | Loop | Each | Case | Function


@dataclass(frozen=True, slots=True)
class Command:
    """A command of any kind with where its input and output go."""

    kind: Kind
    redirections: tuple[Redirection, ...] = ()
    line: int = 1


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands joined by ``|``, perhaps with ``!`` in front."""

    commands: tuple[Command, ...]
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """Pipelines joined by ``&&`` and ``||``, perhaps with ``&`` behind."""

    first: Pipeline
    rest: tuple[tuple[str, Pipeline], ...] = ()
    is_background: bool = False


Program = tuple[Sequence, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """A whole program as it is read: line by line, up to the one that can't be read."""

    lines: tuple[Program, ...]
    error: ShellError | NotUnderstood | None = None
