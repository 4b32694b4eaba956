"""Files over SFTP, as OpenSSH serves it on Linux and on Windows: each operation as a talk. Paths are the host's own.

Times have whole seconds only. What was written or renamed is synced where the server knows ``fsync@openssh.com``: files
everywhere, directories (which hold the names) on Linux. Requests that need nothing of each other go together.
"""

import hashlib
import stat
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from unloop.channels import sftp_wire as wire
from unloop.channels.dialogue import Answer, Ask, Delete, HashFile, ListDirectory, Move, ReadHead, Write
from unloop.channels.sftp_talk import Talk
from unloop.channels.sftp_wire import Attributes, Reply, Request, Status
from unloop.errors import AccessDenied, ProtocolError
from unloop.model.files import FileEntry
from unloop.model.patterns import has_wildcard, is_posix, join, split

BLOCK = 32768
"""Bytes per read that every SFTP server gives."""
FIRST, MOST = 4, 32
"""Reads, writes and parts of a listing that go together: at first, and when a file or directory turns out to be long."""

MOST_ENTRIES = 100_000
"""Entries of one directory that are taken; more would take longer than any window."""


def answered(ask: Ask) -> Talk[Answer]:
    """The talk that answers one ask of a dialogue."""
    match ask:
        case ListDirectory(directory, pattern):
            return looked_up(directory, pattern) if not has_wildcard(pattern) else listed(directory)
        case ReadHead(path, length):
            return read(path, limit=length)
        case HashFile(path):
            return hashed(path)
        case Move(source, destination):
            return moved(source, destination)
        case Delete(path):
            return deleted(path)
        case Write(path, content):
            return written(path, content)


def looked_up(directory: str, name: str) -> Talk[tuple[FileEntry, ...]]:
    """The one entry of a directory that has a name, as far as it is a regular file or a directory."""
    path = join(directory, name)
    (reply,) = yield (wire.look(remote(path)),)
    if reply.status == Status.NO_SUCH_FILE:
        return ()
    return tuple(_entries(directory, ((name, reply.attributes(path)),)))


def listed(directory: str) -> Talk[tuple[FileEntry, ...]]:
    """Every regular file and directory; links and devices are left out."""
    (opened,) = yield (wire.open_directory(remote(directory)),)
    handle, many = opened.handle(directory), FIRST
    found: list[FileEntry] = []
    seen = 0
    while True:
        replies = yield (wire.list_on(handle),) * many
        for reply in replies:
            names = reply.names(directory)
            seen += len(names)
            if seen > MOST_ENTRIES:
                raise ProtocolError(f"{directory}: the host lists more than {MOST_ENTRIES:,} entries")
            found += _entries(directory, names)
            if not names:
                yield (wire.close(handle),)
                return tuple(found)
        many = min(2 * many, MOST)


def read(path: str, *, limit: int) -> Talk[bytes]:
    """The first ``limit`` bytes of a file."""
    content = b""
    (opened,) = yield (wire.open_file(remote(path)),)
    handle = opened.handle(path)
    while len(content) < limit:
        (reply,) = yield (wire.read(handle, len(content), min(BLOCK, limit - len(content))),)
        part = reply.data(path)
        content += part
        if not part:
            break
    yield (wire.close(handle),)
    return content[:limit]


def hashed(path: str) -> Talk[str]:
    """The SHA-256 of the whole file, lowercase hex."""
    digest, place, many = hashlib.sha256(), 0, FIRST
    (opened,) = yield (wire.open_file(remote(path)),)
    handle = opened.handle(path)
    while True:
        replies = yield tuple(wire.read(handle, place + BLOCK * number, BLOCK) for number in range(many))
        for reply in replies:
            part = reply.data(path)
            digest.update(part)
            place += len(part)
            if not part:
                yield (wire.close(handle),)
                return digest.hexdigest()
            if len(part) < BLOCK:
                break
        many = min(2 * many, MOST)


def moved(source: str, destination: str) -> Talk[None]:
    """Rename without overwriting, then sync both directories; makes the destination's directories.

    Where the file turns out not to be there, what was made for it is removed again.
    """
    making, renaming = _directories(destination), wire.rename(remote(source), remote(destination))
    syncing = tuple(dict.fromkeys((split(destination)[0], split(source)[0]))) if is_posix(source) else ()
    opening = tuple(wire.open_file(remote(directory)) for directory in syncing)
    replies = yield (*map(wire.make_directory, making), renaming, *opening)
    made = [path for path, reply in zip(making, replies, strict=False) if reply.status == Status.OK]
    reply, opened = replies[len(making)], replies[len(making) + 1 :]
    if reply.status == Status.NO_SUCH_FILE and made:  # a server that takes requests in another order
        (reply,) = yield (renaming,)
    if reply.status == Status.NO_SUCH_FILE:
        yield tuple(wire.remove_directory(path) for path in reversed(made))
    if reply.status != Status.OK:
        yield tuple(map(wire.close, _handles(opened)))
    yield from _demand(reply, source, destination)
    yield from _synced(opened)


def deleted(path: str) -> Talk[None]:
    """Delete one file and sync its directory."""
    opening = (wire.open_file(remote(split(path)[0])),) if is_posix(path) else ()
    reply, *opened = yield (wire.remove(remote(path)), *opening)
    if reply.status != Status.OK:
        yield tuple(map(wire.close, _handles(opened)))
    reply.check(path)
    yield from _synced(opened)


def written(path: str, content: bytes) -> Talk[None]:
    """Write a new file and sync it; never overwrites; makes its directories. What can't be written whole is removed."""
    making, opening = _directories(path), wire.open_file(remote(path), wire.CREATE_TO_WRITE)
    replies = yield (*map(wire.make_directory, making), opening)
    reply = replies[-1]
    if reply.status == Status.NO_SUCH_FILE and any(reply.status == Status.OK for reply in replies):
        (reply,) = yield (opening,)
    yield from _demand(reply, path, path)
    handle = reply.handle(path)
    for some in _blocks(handle, content):
        replies = yield some
        failure = next((found for reply in replies if (found := reply.failure(path))), None)
        if failure is not None:
            yield (wire.close(handle), wire.remove(remote(path)))
            raise failure
    opening_directory = (wire.open_file(remote(split(path)[0])),) if is_posix(path) else ()
    replies = yield (wire.sync(handle), wire.close(handle), *opening_directory)
    yield from _synced(replies[1:])


def remote(path: str) -> bytes:
    """A path as SFTP writes it: ``C:\\x`` is ``/C:/x`` to OpenSSH on Windows."""
    text = path if is_posix(path) else "/" + path.replace("\\", "/")
    return text.encode("utf-8", "surrogateescape")


def _demand(reply: Reply, path: str, destination: str) -> Talk[None]:
    """Raise what kept a name from being given. A taken one is a bare "failure" to SFTP: looking afterwards tells."""
    failure = reply.failure(path)
    if isinstance(failure, AccessDenied):
        (there,) = yield (wire.look(remote(destination)),)
        if there.status == Status.OK:
            raise AccessDenied(f"{destination}: the name is taken; nothing is overwritten") from failure
    if failure is not None:
        raise failure


def _synced(opened: Sequence[Reply]) -> Talk[None]:
    """Sync what could be opened, and close it; what can't be synced is left."""
    handles = _handles(opened)
    yield (*map(wire.sync, handles), *map(wire.close, handles))


def _handles(opened: Sequence[Reply]) -> list[bytes]:
    return [reply.handle("") for reply in opened if reply.status == Status.OK]


def _directories(path: str) -> list[bytes]:
    """Every directory above a file but the root, the highest first."""
    found: list[bytes] = []
    directory, name = split(split(path)[0])
    while name:
        found.insert(0, remote(join(directory, name)))
        directory, name = split(directory)
    return found


def _blocks(handle: bytes, content: bytes) -> Iterator[tuple[Request, ...]]:
    """The content as writes, so many at a time."""
    starts = range(0, len(content), BLOCK)
    writes = [wire.write(handle, start, content[start : start + BLOCK]) for start in starts]
    for start in range(0, len(writes), MOST):
        yield tuple(writes[start : start + MOST])


def _entries(directory: str, names: tuple[tuple[str, Attributes], ...]) -> Iterator[FileEntry]:
    """Regular files and directories, without the dots."""
    for name, found in names:
        is_directory = stat.S_ISDIR(found.mode)
        if name in {".", ".."} or not (is_directory or stat.S_ISREG(found.mode)):
            continue
        modified = datetime.fromtimestamp(found.modified, UTC)
        yield FileEntry(join(directory, name), name, found.size, modified, is_directory=is_directory)
