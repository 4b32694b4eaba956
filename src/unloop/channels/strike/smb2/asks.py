"""What a dialogue asks, as chains: an ask becomes a generator that yields its next chain and returns the answer."""

import hashlib
from collections.abc import Sequence

from unloop.channels.dialogue import Ask, Delete, HashFile, ListDirectory, Move, ReadHead, Write
from unloop.channels.smb_status import STATUS_END_OF_FILE, STATUS_NO_MORE_FILES, STATUS_NO_SUCH_FILE, STATUS_SUCCESS
from unloop.channels.strike.smb2 import requests
from unloop.channels.strike.smb2.answers import Listed, data_read, listed
from unloop.channels.strike.smb2.chain import Chain
from unloop.channels.strike.smb2.changes import Work, delete, move, write
from unloop.channels.strike.smb2.requests import BLOCK, Request
from unloop.channels.strike.smb2.volume import Volume
from unloop.channels.strike.smb2.wire import encoded
from unloop.errors import ProtocolError, Unsupported
from unloop.model.files import FileEntry
from unloop.model.patterns import join

MOST_ENTRIES = 100_000
"""How many entries of one directory are taken."""
_MOST_PAGES, _BLOCKS = 8, 4
"""How many pages of a listing, or blocks of a file, are asked for at once."""
_DOS_WILDCARDS = frozenset('<>"')
_END = frozenset({STATUS_NO_MORE_FILES, STATUS_NO_SUCH_FILE})


def work(volume: Volume, ask: Ask) -> Work:
    """Carry one ask out; raises what ends the whole exchange."""
    try:
        doing = _begun(volume, ask)
    except Unsupported as error:
        return error
    return (yield from doing)


def _begun(volume: Volume, ask: Ask) -> Work:
    """The generator that carries an ask out; raises Unsupported when a path is on another drive."""
    match ask:
        case ListDirectory(directory, pattern):
            return _list(volume, directory, volume.name(directory), pattern)
        case ReadHead(path, length):
            return _read(volume, path, volume.name(path), length)
        case HashFile(path):
            return _hash(volume, path, volume.name(path))
        case Move(source, destination):
            return move(volume, ask, volume.name(source), volume.name(destination))
        case Delete(path):
            return delete(volume, path, volume.name(path))
        case Write(path):
            return write(volume, ask, volume.name(path))


def _list(volume: Volume, directory: str, name: bytes, pattern: str) -> Work:
    """[MS-SMB2] 3.3.5.18: a listing has ended only when the host says so; the second page is to say it."""
    wanted = encoded(pattern if _DOS_WILDCARDS.isdisjoint(pattern) else "*")
    page = requests.query_directory(wanted, "list")
    opening = requests.create(name, requests.READING, requests.DIRECTORY, "list")
    chain = Chain((opening, page, page))
    yield chain
    handle = chain.handle_at(0)
    if handle is None:
        return volume.failure(chain, 0, directory)
    found: list[FileEntry] = []
    place, pages = 1, 2
    while True:
        for index in range(place, len(chain.requests)):
            status = chain.status(index)
            if status in _END:
                volume.leave(handle)
                return tuple(found)
            if status != STATUS_SUCCESS:
                volume.leave(handle)
                return volume.failure(chain, index, directory)
            found += _entries(directory, listed(chain.answers[index]))
        if len(found) > MOST_ENTRIES:
            raise ProtocolError(f"{directory}: more than {MOST_ENTRIES} entries")
        place, pages = 0, min(2 * pages, _MOST_PAGES)
        chain = Chain((page,) * pages, handle)
        yield chain


def _entries(directory: str, page: Sequence[Listed]) -> list[FileEntry]:
    return [FileEntry(join(directory, one.name), one.name, one.size, one.modified, one.is_directory) for one in page]


def _read(volume: Volume, path: str, name: bytes, length: int) -> Work:
    """The first bytes of a file; what it is opened for keeps nobody else from it."""
    opening = requests.create(name, requests.READING, requests.FILE, "read")
    blocks = _blocks(0, length, "read")
    chain = Chain((opening, *blocks, requests.close("read")))
    yield chain
    if chain.opened(0) is None:
        return volume.failure(chain, 0, path)
    if chain.failed is not None:
        volume.leave(chain.handle_at(0))
    head = bytearray()
    for index, asked in enumerate(blocks, start=1):
        status = chain.status(index)
        if status == STATUS_END_OF_FILE:
            break
        if status != STATUS_SUCCESS:
            return volume.failure(chain, index, path)
        data = _data(chain, index)
        head += data
        if len(data) < BLOCK and asked is not blocks[-1]:
            break
    return bytes(head[:length])


def _hash(volume: Volume, path: str, name: bytes) -> Work:
    """The whole of a file, some blocks in each flight; a block that comes short is asked for to its end."""
    opening = requests.create(name, requests.READING, requests.FILE, "hash")
    chain = Chain((opening, *_blocks(0, _BLOCKS * BLOCK, "hash")))
    yield chain
    file, handle = chain.opened(0), chain.handle_at(0)
    if file is None:
        return volume.failure(chain, 0, path)
    digest, offset, place = hashlib.sha256(), 0, 1
    while offset < file.size:
        for index in range(place, len(chain.requests)):
            status = chain.status(index)
            if status not in {STATUS_SUCCESS, STATUS_END_OF_FILE}:
                volume.leave(handle)
                return volume.failure(chain, index, path)
            data = b"" if status else _data(chain, index)
            digest.update(data)
            offset += len(data)
            if len(data) < BLOCK:
                break
        if not data:
            break
        if offset < file.size:
            place, chain = 0, Chain(_blocks(offset, min(file.size - offset, 2 * _BLOCKS * BLOCK), "hash"), handle)
            yield chain
    volume.leave(handle)
    return digest.hexdigest()


def _blocks(offset: int, length: int, step: str) -> tuple[Request, ...]:
    """Reads of so many bytes, one after the other."""
    ends = range(offset, offset + max(length, 1), BLOCK)
    return tuple(requests.read(start, min(BLOCK, offset + length - start), step) for start in ends)


def _data(chain: Chain, index: int) -> bytes:
    data = data_read(chain.answers[index])
    if len(data) > BLOCK:
        raise ProtocolError("the host sent more than was asked for")
    return data
