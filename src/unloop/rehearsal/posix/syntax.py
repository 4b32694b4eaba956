"""What a shell program is made of, as the parser hands it to the shell (POSIX XCU 2.9)."""

from dataclasses import dataclass


class ShellError(Exception):
    """The program can't be read, or does what this interpreter does not know; the text says what."""


@dataclass(frozen=True, slots=True)
class Text:
    """Characters as they stand; in quotes they are no patterns."""

    text: str
    is_quoted: bool = False


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


Part = Text | Parameter | Substitution | Arithmetic
Word = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Redirection:
    """``[n]<word`` and its kin; a here-document has its text as the word."""

    descriptor: int
    operator: str
    word: Word


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


@dataclass(frozen=True, slots=True)
class Command:
    """A command of any kind with where its input and output go."""

    kind: Simple | Group | Choice | Loop | Each | Case | Function
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
