"""The files of the host as .NET reaches them: how paths are read, and which exception each refusal is."""

from collections.abc import Callable
from datetime import UTC, datetime

from unloop.rehearsal.filetree import FileTree, Node
from unloop.rehearsal.powershell.errors import NetError
from unloop.rehearsal.powershell.state import DRIVE, Session
from unloop.rehearsal.powershell.values import inward, outward

Place = tuple[str, ...]
_ILLEGAL = frozenset('"<>|*?') | frozenset(chr(number) for number in range(32))
_LONGEST_PATH = 260
_TOO_LONG = (
    "The specified path, file name, or both are too long. The fully qualified file name must be less than 260 characters, "
    "and the directory name must be less than 248 characters."
)
READ, WRITE, DELETE = 1, 2, 4
ALL = READ | WRITE | DELETE
IN_USE = frozenset({("pagefile.sys",), ("swapfile.sys",), ("hiberfil.sys",)})
"""Files that Windows itself holds open and shares with nobody."""


def full_path(session: Session, path: object) -> str:
    """A path from the root of its drive, without dots; raises NetError as Path.GetFullPath does."""
    if path is None:
        raise NetError("System.ArgumentNullException", "Value cannot be null.\r\nParameter name: path")
    text = str(path).replace("/", "\\")
    if not text.strip():
        raise NetError("System.ArgumentException", "The path is not of a legal form.")
    if any(character in _ILLEGAL for character in text):
        raise NetError("System.ArgumentException", "Illegal characters in path.")
    if ":" in text[2:] or (":" in text and not text[:1].isalpha()):
        raise NetError("System.NotSupportedException", "The given path's format is not supported.")
    if text.startswith("\\\\"):
        raise NetError("System.IO.IOException", "The network path was not found.\r\n")
    drive, rest = (text[:2], text[2:]) if text[1:2] == ":" else (DRIVE, text)
    if not rest.startswith("\\"):
        rest = f"{session.home[2:]}\\{rest}"
    parts = _parts(rest)
    ending = "\\" if text.endswith("\\") and parts else ""
    full = f"{drive}\\{chr(92).join(parts)}{ending}"
    if len(full) >= _LONGEST_PATH:
        raise NetError("System.IO.PathTooLongException", _TOO_LONG)
    return full


def _parts(rest: str) -> list[str]:
    found: list[str] = []
    for part in rest.split("\\"):
        if part == "..":
            del found[-1:]
        elif part.rstrip(". "):
            found.append(part.rstrip(". "))
    return found


def place_of(full: str) -> Place:
    """The place in the tree of a full path; raises NetError for another drive than the only one."""
    if full[:2].upper() != DRIVE:
        raise no_part(full)
    return tuple(part for part in outward(full[3:]).split("\\") if part)


def shown(place: Place) -> str:
    """The full path of a place."""
    return inward(f"{DRIVE}\\" + "\\".join(place))


def node_at(files: FileTree, place: Place) -> Node | None:
    """What is there."""
    return files.stat(place) if files.exists(place) else None


def file_there(session: Session, path: object) -> bool:
    """File.Exists: no path is an error."""
    try:
        node = node_at(session.machine.files, place_of(full_path(session, path)))
    except NetError:
        return False
    return node is not None and not node.is_directory


def demand_file(session: Session, full: str) -> tuple[Place, Node]:
    """A file that must be there; raises NetError."""
    place, files = place_of(full), session.machine.files
    node = node_at(files, place)
    if node is None:
        parent = node_at(files, place[:-1])
        raise no_part(full) if parent is None or not parent.is_directory else no_file(full)
    if node.is_directory:
        raise denied(full)
    return place, node


def demand_free(session: Session, place: Place, full: str, *, access: int, share: int = ALL) -> None:
    """That what others do with a file, and what we want with it, can go together; raises NetError."""
    key = key_of(place)
    is_held = session.machine.files.is_held(place) and (access & ~READ or not share & READ)
    if (key in IN_USE or is_held) or any(
        each.key == key and (access & ~each.share or each.access & ~share) for each in session.open_files
    ):
        raise in_use(full)


def key_of(place: Place) -> Place:
    """A place without regard to case."""
    return tuple(part.lower() for part in place)


def write(session: Session, place: Place, content: bytes, full: str) -> None:
    """Give a file its content; raises NetError when its directory is missing or it can't be written."""
    files = session.machine.files
    node = node_at(files, place)
    if node is not None and (node.is_directory or node.read_only):
        raise denied(full)
    _translated(lambda: files.write(place, content, modified=datetime.now(UTC)), full)


def delete(session: Session, full: str) -> None:
    """File.Delete: a file that is not there is no error; raises NetError."""
    files, place = session.machine.files, place_of(full)
    parent = node_at(files, place[:-1])
    if parent is None or not parent.is_directory:
        raise no_part(full)
    node = node_at(files, place)
    if node is None:
        return
    if node.is_directory or node.read_only:
        raise denied(full)
    demand_free(session, place, full, access=DELETE)
    files.remove(place)


def move(session: Session, source: str, destination: str) -> None:
    """File.Move, which calls MoveFile and so never overwrites; its messages name no path but a missing source's."""
    if not file_there(session, source):
        raise no_file(source)
    origin, goal = place_of(source), place_of(destination)
    demand_free(session, origin, "", access=DELETE)
    files = session.machine.files
    parent = node_at(files, goal[:-1])
    if parent is None or not parent.is_directory:
        raise NetError("System.IO.DirectoryNotFoundException", "Could not find a part of the path.")
    if files.exists(goal) and not files.same(origin, goal):
        raise NetError("System.IO.IOException", "Cannot create a file when that file already exists.\r\n", win32=183)
    files.rename(origin, goal)


def make_directory(session: Session, full: str) -> None:
    """Directory.CreateDirectory, with those above it; raises NetError where a file stands in the way."""
    place, files = place_of(full), session.machine.files
    for depth in range(1, len(place) + 1):
        node = node_at(files, place[:depth])
        if node is not None and not node.is_directory:
            if depth < len(place):
                raise no_part(full)
            what = f'Cannot create "{full}" because a file or directory with the same name already exists.'
            raise NetError("System.IO.IOException", what)
    _translated(lambda: files.make_directory(place, modified=datetime.now(UTC)), full)


def _translated(change: Callable[[], None], full: str) -> None:
    try:
        change()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise no_part(full) from error
    except (PermissionError, IsADirectoryError) as error:
        raise denied(full) from error


def children(session: Session, full: str) -> list[tuple[Place, Node]]:
    """What is in a directory; raises NetError when it is missing, or no directory."""
    place, files = place_of(full), session.machine.files
    node = node_at(files, place)
    if node is None:
        raise no_part(full)
    if not node.is_directory:
        raise NetError("System.IO.IOException", "The directory name is invalid.\r\n")
    found = files.children(place)
    session.budget.spend(len(found) * 64)
    return [((*place, child.name), child) for child in found]


def no_part(full: str) -> NetError:
    """A directory is missing."""
    return NetError("System.IO.DirectoryNotFoundException", f"Could not find a part of the path '{full}'.")


def no_file(full: str) -> NetError:
    """A file is missing."""
    return NetError("System.IO.FileNotFoundException", f"Could not find file '{full}'.")


def in_use(full: str = "") -> NetError:
    """Somebody else has the file open; where no path is named, the text is that of Windows (ERROR_SHARING_VIOLATION)."""
    where, ending = (f" '{full}'", "") if full else ("", "\r\n")
    what = f"The process cannot access the file{where} because it is being used by another process.{ending}"
    return NetError("System.IO.IOException", what, win32=32)


def denied(full: str) -> NetError:
    """The file is protected, or a directory."""
    return NetError("System.UnauthorizedAccessException", f"Access to the path '{full}' is denied.")
