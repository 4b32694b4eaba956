"""Paths as cmd reads them, on the one volume that a simulated host has."""

from unloop.rehearsal.cmd.state import DRIVE, Cmd
from unloop.rehearsal.filetree import FileTree, Node
from unloop.rehearsal.smb.patterns import DOS_DOT, DOS_MARK, DOS_STAR, fits

Path = tuple[str, ...]
_FORBIDDEN = frozenset('<>|"')
_DEEPEST = 128


class NoPath(Exception):
    """The text names no place on this host; the message is what cmd says."""


def path_of(cmd: Cmd, text: str) -> Path:
    """The place that a path means; raises NoPath."""
    plain = text.replace("/", "\\")
    if plain[1:2] == ":":
        if plain[:2].upper() != DRIVE:
            raise NoPath("The system cannot find the drive specified.")
        plain = plain[2:]
    if (
        any(character in _FORBIDDEN or character < " " for character in plain)
        or ":" in plain
        or plain.startswith("\\\\")
    ):
        raise NoPath("The filename, directory name, or volume label syntax is incorrect.")
    found: list[str] = [] if plain.startswith("\\") else list(cmd.directory)
    for part in plain.split("\\")[: _DEEPEST + 1]:
        if part == "..":
            del found[-1:]
        elif part not in {"", "."}:
            found.append(part)
    return tuple(found)


def shown(path: Path) -> str:
    """A place as cmd writes it."""
    return "\\".join((DRIVE, *path)) if path else f"{DRIVE}\\"


def has_wildcards(path: Path) -> bool:
    """Whether the last part is a pattern."""
    return bool(path) and any(character in path[-1] for character in "*?")


def chosen(files: FileTree, path: Path) -> list[tuple[Path, Node]]:
    """The nodes that a path means, by its pattern or by its name; none when its directory is missing."""
    if not has_wildcards(path):
        return [(path, files.stat(path))] if files.exists(path) else []
    directory, pattern = path[:-1], translated(path[-1])
    if not files.exists(directory) or not files.stat(directory).is_directory:
        return []
    return [((*directory, node.name), node) for node in files.children(directory) if fits(node.name, pattern)]


def translated(pattern: str) -> str:
    """A pattern of the command line in the wildcards of NTFS, as FindFirstFile does it ([MS-FSA] 2.1.4.4)."""
    if pattern == "*.*":
        return "*"
    found = ""
    for index, character in enumerate(pattern):
        following = pattern[index + 1 : index + 2]
        if character == "?":
            found += DOS_MARK
        elif character == "." and following in {"?", "*"}:
            found += DOS_DOT
        elif character == "*" and following == ".":
            found += DOS_STAR
        else:
            found += character
    return found


def words(rest: str) -> list[str]:
    """The words behind a command, without their quotes."""
    found: list[str] = []
    word, quoted, has_begun = "", False, False
    for character in rest:
        if character == '"':
            quoted, has_begun = not quoted, True
        elif character in " \t" and not quoted:
            if has_begun:
                found.append(word)
            word, has_begun = "", False
        else:
            word, has_begun = word + character, True
    return [*found, word] if has_begun else found


def sorted_out(rest: str) -> tuple[set[str], list[str]]:
    """Switches in lower case, and what is none."""
    switches: set[str] = set()
    others: list[str] = []
    for word in words(rest):
        if word.startswith("/"):
            switches |= {f"/{part.lower()}" for part in word[1:].split("/")}
        else:
            others.append(word)
    return switches, others
