"""The files of one simulated host, in memory: a tree with times, sizes and the system's own rules about case."""

import errno
import fnmatch
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FileInUse(OSError):
    """Somebody on the host has the file open and lets others only read it."""

    def __init__(self, path: tuple[str, ...]) -> None:
        super().__init__(errno.EBUSY, "in use", "/".join(path))


@dataclass(frozen=True, slots=True)
class Node:
    """One file or directory. ``name`` keeps the case in which it was created; ``modified`` is aware, in UTC."""

    name: str
    modified: datetime
    content: bytes = b""
    is_directory: bool = False
    read_only: bool = False


@dataclass
class FileTree:
    """Paths are tuples of components from the root of one volume, for example ``("Windows", "System32")``.

    Windows trees match without regard to case and keep it. Errors are the builtin ones: FileNotFoundError,
    FileExistsError, NotADirectoryError, IsADirectoryError, PermissionError, OSError(ENOTEMPTY); and FileInUse for what
    somebody holds.
    """

    case_sensitive: bool
    _nodes: dict[tuple[str, ...], Node] = field(default_factory=dict)
    _held: frozenset[tuple[str, ...]] = frozenset()

    def _key(self, path: tuple[str, ...]) -> tuple[str, ...]:
        return path if self.case_sensitive else tuple(part.casefold() for part in path)

    def stat(self, path: tuple[str, ...]) -> Node:
        """The node at a path; raises FileNotFoundError."""
        if not path:
            return Node(name="", modified=EPOCH, is_directory=True)
        try:
            return self._nodes[self._key(path)]
        except KeyError:
            raise FileNotFoundError("/".join(path)) from None

    def exists(self, path: tuple[str, ...]) -> bool:
        """Whether anything is at a path."""
        return not path or self._key(path) in self._nodes

    def hold(self, paths: Iterable[tuple[str, ...]]) -> None:
        """From now on these files, and no others, are held: they can be read, and neither written, moved nor deleted."""
        self._held = frozenset(self._key(path) for path in paths)

    def is_held(self, path: tuple[str, ...]) -> bool:
        """Whether somebody holds this very file."""
        return self._key(path) in self._held

    def children(self, path: tuple[str, ...]) -> tuple[Node, ...]:
        """The nodes in a directory, in order of name; raises FileNotFoundError or NotADirectoryError."""
        if not self.stat(path).is_directory:
            raise NotADirectoryError("/".join(path))
        parent = self._key(path)
        found = [node for key, node in self._nodes.items() if len(key) == len(parent) + 1 and key[:-1] == parent]
        return tuple(sorted(found, key=lambda node: node.name.casefold()))

    def glob(self, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """The full paths of the nodes that match wildcards in the last component; a missing directory matches none."""
        directory, pattern = path[:-1], path[-1]
        if not self.exists(directory):
            return
        for node in self.children(directory):
            name, wanted = (node.name, pattern) if self.case_sensitive else (node.name.lower(), pattern.lower())
            if fnmatch.fnmatchcase(name, wanted):
                yield (*directory, node.name)

    def make_directory(self, path: tuple[str, ...], *, modified: datetime) -> None:
        """Make a directory and those above it; an existing one is left as it is."""
        for depth in range(1, len(path) + 1):
            part = path[:depth]
            if not self.exists(part):
                self._nodes[self._key(part)] = Node(name=part[-1], modified=modified, is_directory=True)
            elif not self.stat(part).is_directory:
                raise NotADirectoryError("/".join(part))

    def write(self, path: tuple[str, ...], content: bytes, *, modified: datetime, read_only: bool = False) -> None:
        """Create a file or replace its content; makes no directories."""
        if not self.stat(path[:-1]).is_directory:
            raise NotADirectoryError("/".join(path[:-1]))
        if self.exists(path) and self.stat(path).is_directory:
            raise IsADirectoryError("/".join(path))
        self._demand_free(path)
        name = self.stat(path).name if self.exists(path) else path[-1]
        self._nodes[self._key(path)] = Node(name=name, modified=modified, content=content, read_only=read_only)

    def change(self, path: tuple[str, ...], *, modified: datetime, read_only: bool) -> None:
        """Give a node another time and protection; its content stays."""
        node = self.stat(path)
        if path:
            self._nodes[self._key(path)] = replace(node, modified=modified, read_only=read_only)

    def same(self, first: tuple[str, ...], second: tuple[str, ...]) -> bool:
        """Whether two paths mean the same place, by the system's rules about case."""
        return self._key(first) == self._key(second)

    def remove(self, path: tuple[str, ...]) -> None:
        """Delete a file or an empty directory."""
        node = self.stat(path)
        if node.is_directory and self.children(path):
            raise OSError(39, "directory not empty", "/".join(path))
        if node.read_only:
            raise PermissionError("/".join(path))
        self._demand_free(path)
        del self._nodes[self._key(path)]

    def rename(self, source: tuple[str, ...], destination: tuple[str, ...]) -> None:
        """Move a node with all below it; never overwrites."""
        node = self.stat(source)
        if len(destination) > len(source) and self.same(destination[: len(source)], source):
            raise OSError(errno.EINVAL, "a directory can't be moved into itself", "/".join(destination))
        if self.exists(destination) and self._key(source) != self._key(destination):
            raise FileExistsError("/".join(destination))
        if not self.stat(destination[:-1]).is_directory:
            raise NotADirectoryError("/".join(destination[:-1]))
        self._demand_free(source)
        old, new = self._key(source), self._key(destination)
        if any(key[: len(old)] == old for key in self._held):
            raise PermissionError("/".join(source))
        moved = {new + key[len(old) :]: value for key, value in self._nodes.items() if key[: len(old)] == old}
        for key in [key for key in self._nodes if key[: len(old)] == old]:
            del self._nodes[key]
        self._nodes.update(moved)
        self._nodes[new] = replace(node, name=destination[-1])

    def _demand_free(self, path: tuple[str, ...]) -> None:
        if self.is_held(path):
            raise FileInUse(path)
