"""Redirections (POSIX XCU 2.7): files of the tree, here-documents, and streams that are there already."""

from collections.abc import Callable

from unloop.rehearsal.posix.contents import NULL, content_of, put
from unloop.rehearsal.posix.state import Shell
from unloop.rehearsal.posix.streams import FileSink, Nowhere, Source, Stream
from unloop.rehearsal.posix.syntax import Document, NotUnderstood, Redirection, ShellError, Word

Text = Callable[[Word], str]


def redirected(shell: Shell, redirections: tuple[Redirection, ...], text: Text) -> dict[int, Stream]:
    """The streams of a command, opened in order; ``text`` expands a word. Raises OSError for what can't be opened."""
    streams = dict(shell.streams)
    for redirection in redirections:
        streams[redirection.descriptor] = _stream(shell, redirection, streams, text)
    return streams


def _stream(shell: Shell, redirection: Redirection, streams: dict[int, Stream], text: Text) -> Stream:
    word, operator = redirection.word, redirection.operator
    if isinstance(word, Document):
        try:
            return Source(text(word.word).encode("latin-1"))
        except ShellError as error:
            raise OSError(0, str(error), f"here-document: {error}") from error
    target = text(word)
    if operator in {">&", "<&"}:
        if not target.isdigit() or int(target) not in streams:
            raise NotUnderstood(f"{operator}{target}")
        return streams[int(target)]
    if operator == "<":
        return _source(shell, target)
    if operator == "<>":
        raise NotUnderstood("<>")
    return _sink(shell, target, appends=operator == ">>")


def _source(shell: Shell, path: str) -> Source:
    try:
        return Source(content_of(shell, path))
    except IsADirectoryError as error:
        raise NotUnderstood("a directory as input") from error


def _sink(shell: Shell, path: str, *, appends: bool) -> FileSink | Nowhere:
    place, files = shell.place(path), shell.machine.files
    if place == NULL:
        return Nowhere()
    if place[:1] in {("dev",), ("proc",), ("sys",)}:
        raise NotUnderstood(f"writing to {path}")
    if shell.node(place) is None and path.endswith("/"):
        raise IsADirectoryError(21, "Is a directory", path)
    if not appends or shell.node(place) is None:
        put(files, place, b"")
    elif files.stat(place).is_directory:
        raise IsADirectoryError(21, "Is a directory", path)
    return FileSink(files=files, path=place, appends=appends)
