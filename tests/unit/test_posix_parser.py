"""Reading shell programs: line by line, with errors where they stand."""

import pytest

from unloop.rehearsal.posix.parser import parse
from unloop.rehearsal.posix.syntax import (
    Arithmetic,
    Document,
    NotUnderstood,
    Parameter,
    Redirection,
    ShellError,
    Simple,
    Substitution,
    Text,
    Word,
)


def words(text: str) -> tuple[Word, ...]:
    """The words of a simple command."""
    kind = parse(text).lines[0][0].first.commands[0].kind
    assert isinstance(kind, Simple)
    return kind.words


def test_words_keep_what_is_quoted() -> None:
    """Quotes vanish, and what stood in them is known to be no pattern."""
    assert words("a'*'\"$x\"*\\? ''") == (
        (Text("a"), Text("*", is_quoted=True), Parameter("x", is_quoted=True), Text("*"), Text("?", is_quoted=True)),
        (Text("", is_quoted=True),),
    )


def test_expansions_are_told_apart() -> None:
    """Parameters, substitutions and arithmetic each have their form."""
    found = words("${x:-a} ${#y} ${z%%.*} $1 $(a) $((1+$n))")
    assert found[:4] == (
        (Parameter("x", operator=":-", word=(Text("a"),)),),
        (Parameter("y", operator="length"),),
        (Parameter("z", operator="%%", word=(Text(".*"),)),),
        (Parameter("1"),),
    )
    assert isinstance(found[4][0], Substitution)
    assert found[5] == (Arithmetic((Text("1+", is_quoted=True), Parameter("n", is_quoted=True))),)


def test_a_here_document_comes_after_its_line() -> None:
    """The rest of the line is read first, then the document, then what follows it."""
    program = parse("a <<E b; c\n$x\nE\nd\n")
    first, second = program.lines
    redirection = first[0].first.commands[0].redirections[0]
    assert isinstance(redirection, Redirection)
    assert isinstance(redirection.word, Document)
    assert redirection.word.word == (Parameter("x", is_quoted=True), Text("\n", is_quoted=True))
    assert (len(first), len(second)) == (2, 1)


@pytest.mark.parametrize(
    ("text", "lines", "error"),
    [
        ("a\nb\n)", 2, ShellError),
        ("a\nif b; then", 1, ShellError),
        ("a; fi", 0, ShellError),
        ("a\n'b", 1, ShellError),
        ("a\n`b`", 1, NotUnderstood),
        ("a\nb <<E\n", 1, NotUnderstood),
        ("a\n" + "(" * 200, 1, NotUnderstood),
        ("a # b ) c", 1, None),
    ],
)
def test_the_lines_before_an_error_are_read(text: str, lines: int, error: type[Exception] | None) -> None:
    """A shell has carried out what stands before the line that it can't read."""
    program = parse(text)
    assert (len(program.lines), type(program.error)) == (lines, error or type(None))


def test_an_error_names_its_line() -> None:
    """Whoever wrote the program finds the place."""
    assert "3: Syntax error" in str(parse("a\nb\nc )\n").error)
