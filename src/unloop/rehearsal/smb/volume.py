"""The tree of files as an NTFS volume shows it: names, attributes, sizes and times ([MS-FSCC] 2.1.5, 2.6)."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

from unloop.channels.filetime import filetime
from unloop.rehearsal.filetree import FileTree, Node
from unloop.rehearsal.smb.state import Path, Tree
from unloop.rehearsal.smb.status import Refused, Status
from unloop.rehearsal.smb.wire import moment_of

CLUSTER = 4096
LARGEST_FILE = 64 * 1024 * 1024
READ_ONLY, DIRECTORY, ARCHIVE = 0x1, 0x10, 0x20
_FORBIDDEN = frozenset('"*/:<>?|') | frozenset(chr(number) for number in range(32))
_LONGEST_NAME, _DEEPEST = 255, 64
_KEEP = frozenset({0, 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFE})


def path_of(tree: Tree, name: str) -> Path:
    """The place in the volume that a name below a share means; raises Refused."""
    if name.startswith("\\"):
        raise Refused(Status.INVALID_PARAMETER)
    parts = tuple(part for part in name.rstrip("\\").split("\\") if part not in {"", "."})
    if len(parts) > _DEEPEST or any(part == ".." or len(part) > _LONGEST_NAME for part in parts):
        raise Refused(Status.OBJECT_NAME_INVALID)
    if any(character in _FORBIDDEN for part in parts for character in part):
        raise Refused(Status.OBJECT_NAME_INVALID)
    return (*tree.root, *parts)


def attributes_of(node: Node) -> int:
    """[MS-FSCC] 2.6."""
    return (DIRECTORY if node.is_directory else ARCHIVE) | (READ_ONLY if node.read_only else 0)


def allocated(node: Node) -> int:
    """What the file takes on the volume, in whole clusters."""
    return -(-len(node.content) // CLUSTER) * CLUSTER


def times_of(node: Node) -> tuple[int, int, int, int]:
    """Creation, last access, last write and change; the tree knows one time."""
    moment = filetime(node.modified)
    return moment, moment, moment, moment


def identity_of(files: FileTree, path: Path) -> int:
    """A number for a file that stays while its name does."""
    name = "\\".join(path if files.case_sensitive else (part.casefold() for part in path))
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little") or 1


def require_parent(files: FileTree, path: Path) -> None:
    """A name can only be made in a directory; raises Refused."""
    if not files.exists(path[:-1]) or not files.stat(path[:-1]).is_directory:
        raise Refused(Status.OBJECT_PATH_NOT_FOUND)


def put(files: FileTree, path: Path, content: bytes) -> None:
    """Give a file another content, now; raises Refused when it is too long for the volume."""
    read_only = files.stat(path).read_only if files.exists(path) else False
    files.write(path, content, modified=datetime.now(UTC), read_only=read_only)


def splice(files: FileTree, path: Path, offset: int, data: bytes) -> None:
    """Write into a file, filling a hole with zeros; raises Refused when it grows too long."""
    content = files.stat(path).content
    if offset + len(data) > LARGEST_FILE:
        raise Refused(Status.DISK_FULL)
    filled = content.ljust(offset, b"\0")
    put(files, path, filled[:offset] + data + filled[offset + len(data) :])


def resize(files: FileTree, path: Path, length: int) -> None:
    """Cut a file or fill it with zeros; raises Refused when it grows too long."""
    if length > LARGEST_FILE:
        raise Refused(Status.DISK_FULL)
    content = files.stat(path).content
    if length != len(content):
        put(files, path, content[:length].ljust(length, b"\0"))


def retouch(files: FileTree, path: Path, *, written: int, attributes: int) -> None:
    """Set the time of the last write and the attributes; 0 and -1 leave them as they are ([MS-FSCC] 2.4.7)."""
    node = files.stat(path)
    changed = node
    if written not in _KEEP:
        changed = replace(changed, modified=moment_of(written))
    if attributes:
        changed = replace(changed, read_only=bool(attributes & READ_ONLY) and not node.is_directory)
    if changed != node and path:
        files.change(path, modified=changed.modified, read_only=changed.read_only)
