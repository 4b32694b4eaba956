"""What the programs of a simulated host read and write: its tree, its standard input, and nothing else."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from unloop.rehearsal.filetree import FileTree
from unloop.rehearsal.posix.state import Path, Shell
from unloop.rehearsal.posix.syntax import NotUnderstood

NULL: Path = ("dev", "null")
_STAT: Path = ("proc", "stat")
_REASONS: tuple[tuple[type[OSError], str], ...] = (
    (FileNotFoundError, "No such file or directory"),
    (FileExistsError, "File exists"),
    (NotADirectoryError, "Not a directory"),
    (IsADirectoryError, "Is a directory"),
)


def reason(error: OSError) -> str:
    """What went wrong, as libc says it."""
    return next(
        (text for kind, text in _REASONS if isinstance(error, kind)), error.strerror or "Operation not permitted"
    )


def content_of(shell: Shell, path: str) -> bytes:
    """A file's content; raises OSError. /proc/stat is made when it is read."""
    place = shell.place(path)
    if place == _STAT:
        return f"cpu  0 0 0 0\nbtime {int(shell.machine.boot_time.timestamp())}\nprocesses 1\n".encode()
    if place == NULL:
        return b""
    if place[:1] == ("dev",):
        raise NotUnderstood(f"the device {path}")
    node = shell.machine.files.stat(place)
    if node.is_directory:
        raise IsADirectoryError(21, "Is a directory", path)
    shell.budget.move(len(node.content))
    return node.content


def put(files: FileTree, place: Path, content: bytes) -> None:
    """Write a file as root does, who is stopped by no protection, and leaves it as it is."""
    is_protected = files.exists(place) and files.stat(place).read_only
    files.write(place, content, modified=datetime.now(UTC), read_only=is_protected)


def drop(files: FileTree, place: Path) -> None:
    """Delete a file or an empty directory as root does."""
    node = files.stat(place)
    if node.read_only:
        files.change(place, modified=node.modified, read_only=False)
    files.remove(place)


def given(shell: Shell, paths: list[str], complaint: str) -> bytes | None:
    """The content of one operand or of standard input; None when it can't be read, which is said."""
    if len(paths) > 1:
        raise NotUnderstood("several files")
    if not paths or paths == ["-"]:
        data = shell.input().rest()
        shell.budget.move(len(data))
        return data
    try:
        return content_of(shell, paths[0])
    except OSError as error:
        shell.complain(f"{complaint.format(paths[0])}: {reason(error)}")
        return None


def for_each(
    shell: Shell, paths: Iterable[str], complaint: str, act: Callable[[str], None], *, failure: int = 1
) -> int:
    """Do something with each operand; those that fail are named in the words of the program, and the others done."""
    code = 0
    for path in paths:
        shell.budget.spend()
        try:
            act(path)
        except OSError as error:
            shell.complain(f"{complaint.format(path)}: {reason(error)}")
            code = failure
    return code
