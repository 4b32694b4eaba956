"""Moving, deleting and writing as chains; every change is through to the disk before it is reported."""

from collections.abc import Generator, Sequence

from unloop.channels.dialogue import Answer, Move, Write
from unloop.channels.smb_status import (
    STATUS_ACCESS_DENIED,
    STATUS_INTERNAL_ERROR,
    STATUS_OBJECT_PATH_NOT_FOUND,
    STATUS_SHARING_VIOLATION,
    STATUS_SUCCESS,
)
from unloop.channels.strike.smb2 import requests
from unloop.channels.strike.smb2.answers import Opened, written
from unloop.channels.strike.smb2.chain import Chain
from unloop.channels.strike.smb2.requests import BLOCK, Request
from unloop.channels.strike.smb2.volume import Volume
from unloop.channels.strike.smb2.wire import Command
from unloop.errors import AccessDenied, NotFound, ProtocolError
from unloop.model.files import FileEntry
from unloop.model.patterns import split

Work = Generator[Chain, None, Answer]
_MOST_BLOCKS = 8
_NO_WRITING = frozenset({STATUS_ACCESS_DENIED, STATUS_SHARING_VIOLATION})
"""A driver in use or a read-only file can be renamed, but not be opened for writing, which FLUSH asks for."""


def move(volume: Volume, ask: Move, name: bytes, goal: bytes) -> Work:
    """Rename, and flush where the file can be opened for writing. FLUSH comes last, for it may take its time.

    Directories are made in the same chain where a quarantine is new, and elsewhere once they are missed.
    """
    directories, flushes = volume.directories(ask.destination, untried=True), True
    may_make = not directories
    while True:
        chain, at = _moving(name, goal, directories, flushes=flushes), len(directories)
        yield chain
        opened, status = chain.opened(at), chain.status(at + 1)
        if opened is not None and status in {STATUS_SUCCESS, STATUS_INTERNAL_ERROR}:
            return (yield from _moved(volume, ask, chain, goal, at=at))
        volume.leave(chain.handle_at(at))
        if opened is None and flushes and chain.status(at) in _NO_WRITING:
            directories, flushes = [] if chain.failed == at else directories, False
        elif opened is not None and status == STATUS_OBJECT_PATH_NOT_FOUND and may_make:
            directories, may_make = volume.directories(ask.destination, untried=False), False
        else:
            return _not_moved(volume, ask, chain, at)


def _moving(name: bytes, goal: bytes, directories: Sequence[Request], *, flushes: bool) -> Chain:
    """The chain. A directory that can't be opened may be there all the same, so the rename is tried in any case."""
    access = requests.MOVING_FLUSHED if flushes else requests.MOVING
    opening = requests.create(name, access, requests.FILE_THROUGH, "move")
    last = (requests.flush(),) if flushes else ()
    return Chain((*directories, opening, requests.rename(goal), *last), changes=True)


def _not_moved(volume: Volume, ask: Move, chain: Chain, at: int) -> Answer:
    """Why; NotFound is the file's alone."""
    volume.unmake(chain, ask.destination)
    if chain.opened(at) is None and at < len(chain.answers):
        return volume.failure(chain, at, ask.source)
    failed = at + 1 if chain.failed is None else chain.failed
    error = volume.failure(chain, failed, ask.source)
    return AccessDenied(f"no place to move it to: {error.message}") if isinstance(error, NotFound) else error


def _moved(volume: Volume, ask: Move, chain: Chain, goal: bytes, *, at: int) -> Work:
    """The rename is done; or the host could not do it in a compound, as when another must first let go of the file."""
    opened, handle, last, flushes = chain.opened(at), chain.handle_at(at), at + 2, len(chain.requests) > at + 2
    if chain.status(at + 1) == STATUS_INTERNAL_ERROR:
        chain = Chain((requests.rename(goal),), handle, changes=True)
        yield chain
        if chain.status(0) != STATUS_SUCCESS:
            volume.leave(handle)
            return volume.failure(chain, 0, ask.source)
        if flushes:
            volume.has_changed = True
            chain, last = Chain((requests.flush(),), handle), 0
            yield chain
    volume.has_changed = True
    volume.has_directory(ask.destination)
    volume.is_flushed &= flushes and chain.status(last) == STATUS_SUCCESS
    volume.leave(handle)
    return _entry(ask.source, opened)


def _entry(path: str, opened: Opened | None) -> FileEntry | None:
    if opened is None:
        return None
    return FileEntry(path, split(path)[1], opened.size, opened.modified, opened.is_directory)


def delete(volume: Volume, path: str, name: bytes) -> Work:
    """Delete one file: it is gone when it is closed."""
    options = requests.FILE_THROUGH | requests.DELETE_ON_CLOSE
    chain = Chain((requests.create(name, requests.MOVING, options, "delete"), requests.close("delete")), changes=True)
    yield chain
    for place in range(2):
        if chain.status(place) != STATUS_SUCCESS:
            return volume.failure(chain, place, path)
    volume.has_changed = True
    return None


def write(volume: Volume, ask: Write, name: bytes) -> Work:
    """Write a new file and flush it; its directories are made once they are missed."""
    starts = range(0, len(ask.content), BLOCK)
    blocks = [requests.write(start, ask.content[start : start + BLOCK]) for start in starts]
    opening = requests.create(name, requests.MOVING_FLUSHED, requests.FILE_THROUGH, "write", requests.CREATE)
    directories: list[Request] = []
    while True:
        chain, at = Chain((*directories, opening, *_writing(blocks, 0)), changes=True), len(directories)
        yield chain
        if chain.handle_at(at) is not None:
            return (yield from _filled(volume, ask, chain, at, blocks))
        if chain.status(at) != STATUS_OBJECT_PATH_NOT_FOUND or directories:
            return volume.failure(chain, at if chain.failed is None else chain.failed, ask.path)
        directories = volume.directories(ask.path, untried=False)


def _filled(volume: Volume, ask: Write, chain: Chain, at: int, blocks: Sequence[Request]) -> Work:
    """The file is made: write what is left of it, some blocks in each flight."""
    volume.has_changed = True
    handle, done = chain.handle_at(at), 0
    while True:
        for index, request in enumerate(chain.requests[at + 1 :], start=at + 1):
            if chain.status(index) != STATUS_SUCCESS:
                volume.leave(handle)
                return volume.failure(chain, index, ask.path)
            if request.command == Command.WRITE and written(chain.answers[index]) != _length(ask.content, done):
                raise ProtocolError(f"{ask.path}: the host wrote less than it was sent")
            done += 1
        if done >= len(blocks):
            volume.leave(handle)
            return None
        at, chain = -1, Chain(_writing(blocks, done), handle, changes=True)
        yield chain


def _writing(blocks: Sequence[Request], done: int) -> tuple[Request, ...]:
    """The next blocks, and the flush behind the last."""
    last = (requests.flush(),) if done + _MOST_BLOCKS >= len(blocks) else ()
    return (*blocks[done : done + _MOST_BLOCKS], *last)


def _length(content: bytes, block: int) -> int:
    """How long a block is."""
    return min(BLOCK, len(content) - block * BLOCK)
