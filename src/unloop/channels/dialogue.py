"""What a remedy of file operations asks of a host, round by round, without doing it: sans-IO.

A dialogue is a generator. It yields a round of asks that do not depend on each other, so that a channel may send them all
at once; it is sent their answers, in order; and it returns what it came to. A channel that broke off throws its error in.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from unloop.channels.base import Files
from unloop.errors import AccessDenied, ChannelError, NotFound, Unsupported
from unloop.model.files import FileEntry

LOCAL = (AccessDenied, NotFound, Unsupported)
"""Errors of one file, after which the connection still stands: they are answers. Every other error ends the exchange."""


@dataclass(frozen=True, slots=True)
class ListDirectory:
    """The entries of a directory; at least those whose name ``pattern`` matches. Answer: a tuple of FileEntry."""

    directory: str
    pattern: str = "*"


@dataclass(frozen=True, slots=True)
class ReadHead:
    """The first ``length`` bytes of a file. Answer: bytes, fewer when the file is shorter."""

    path: str
    length: int


@dataclass(frozen=True, slots=True)
class HashFile:
    """The SHA-256 of a whole file. Answer: lowercase hex."""

    path: str


@dataclass(frozen=True, slots=True)
class Move:
    """Rename within one volume, through to the disk, never overwriting; directories are made.

    Answer: the FileEntry of what was moved where the channel saw it, else None.
    """

    source: str
    destination: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete one file. Answer: None."""

    path: str


@dataclass(frozen=True, slots=True)
class Write:
    """Write a new file through to the disk; never overwrites; directories are made. Answer: None."""

    path: str
    content: bytes


Ask = ListDirectory | ReadHead | HashFile | Move | Delete | Write
Answer = tuple[FileEntry, ...] | FileEntry | bytes | str | ChannelError | None
Round = tuple[Ask, ...]
Answers = tuple[Answer, ...]
ResultT = TypeVar("ResultT")
Dialogue = Generator[Round, Answers, ResultT]


def carry(dialogue: Dialogue[ResultT], files: Files) -> ResultT:
    """Carry a dialogue out over anything that moves files, one ask after the other."""
    return carry_by(dialogue, lambda asks: tuple(_answer(ask, files) for ask in asks))


def carry_by(dialogue: Dialogue[ResultT], answers: Callable[[Round], Answers]) -> ResultT:
    """Carry a dialogue out over whatever answers its rounds."""
    try:
        asks = next(dialogue)
        while True:
            asks = dialogue.send(answers(asks))
    except StopIteration as end:
        result: ResultT = end.value
        return result


def _answer(ask: Ask, files: Files) -> Answer:
    try:
        return _done(ask, files)
    except LOCAL as error:
        return error


def _done(ask: Ask, files: Files) -> Answer:
    match ask:
        case ListDirectory(directory):
            return files.list_directory(directory)
        case ReadHead(path, length):
            return files.read(path, limit=length)
        case HashFile(path):
            return files.sha256(path)
        case Move(source, destination):
            files.move(source, destination)
        case Delete(path):
            files.delete(path)
        case Write(path, content):
            files.write(path, content)
    return None
