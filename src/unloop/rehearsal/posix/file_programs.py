"""The programs that look at files and change them: cat, stat, mv, mkdir, rm, ls, touch (GNU coreutils)."""

import re
from datetime import UTC, datetime

from unloop.rehearsal.filetree import Node
from unloop.rehearsal.posix.bytetext import inside
from unloop.rehearsal.posix.contents import content_of, drop, for_each, put, reason
from unloop.rehearsal.posix.options import options
from unloop.rehearsal.posix.state import Shell
from unloop.rehearsal.posix.streams import FileSink
from unloop.rehearsal.posix.syntax import NotUnderstood


def concatenate(shell: Shell, arguments: list[str]) -> int:
    """cat [file...]."""
    _, paths = options(arguments, "")

    def show(path: str) -> None:
        sink = shell.output()
        if path != "-" and isinstance(sink, FileSink) and sink.path == shell.place(path):
            raise NotUnderstood("cat of the file that it writes")
        shell.write(shell.input().rest() if path == "-" else content_of(shell, path))

    return for_each(shell, paths or ["-"], "cat: {}", show)


def stat(shell: Shell, arguments: list[str]) -> int:
    """stat -c FORMAT file..."""
    found, paths = options(arguments, "", takes="c")
    if "c" not in found or not paths:
        raise NotUnderstood("stat without -c")

    def show(path: str) -> None:
        node = shell.machine.files.stat(shell.place(path))
        shell.say(re.sub(r"%(.?)", lambda mark: _fact(mark[1], path, node), found["c"], flags=re.DOTALL) + "\n")

    return for_each(shell, paths, "stat: cannot statx '{}'", show)


def _fact(letter: str, path: str, node: Node) -> str:
    if letter == "s" and node.is_directory:
        raise NotUnderstood("the size of a directory")
    size = len(node.content)
    kind = "directory" if node.is_directory else "regular file" if size else "regular empty file"
    facts = {"s": str(size), "Y": str(int(node.modified.timestamp() // 1)), "n": path, "F": kind, "%": "%"}
    if letter not in facts:
        raise NotUnderstood(f"%{letter} of stat")
    return facts[letter]


def move(shell: Shell, arguments: list[str]) -> int:
    """mv [-n | -f] source destination."""
    found, paths = options(arguments, "nf")
    if len(paths) != 2 or len(found) > 1:
        raise NotUnderstood("mv of anything but one to another")
    try:
        if shell.node(shell.place(paths[0])) is None:
            raise FileNotFoundError
    except OSError as error:
        shell.complain(f"mv: cannot stat '{paths[0]}': {reason(error)}")
        return 1
    try:
        return _move(shell, paths[0], paths[1], overwrites="n" not in found)
    except OSError as error:
        shell.complain(f"mv: cannot move '{paths[0]}' to '{paths[1]}': {reason(error)}")
        return 1


def _move(shell: Shell, source_path: str, goal_path: str, *, overwrites: bool) -> int:
    files, source, goal = shell.machine.files, shell.place(source_path), shell.place(goal_path)
    node = files.stat(source)
    if not source or source[0] in {"dev", "proc", "sys"} or goal[:1] in {("dev",), ("proc",), ("sys",)}:
        raise NotUnderstood("mv of what is no plain file")
    there = shell.node(goal)
    if there is not None and there.is_directory:
        goal = (*goal, source[-1])
        there = shell.node(goal)
    elif there is None and goal_path.endswith("/") and not node.is_directory:
        raise NotADirectoryError(20, "Not a directory", goal_path)
    if there is None:
        files.rename(source, goal)
        return 0
    if files.same(source, goal):
        raise NotUnderstood("mv of a file to itself")
    if not overwrites:
        return 0
    if node.is_directory or there.is_directory:
        raise NotUnderstood("mv over a directory")
    drop(files, goal)
    files.rename(source, goal)
    return 0


def make_directories(shell: Shell, arguments: list[str]) -> int:
    """mkdir [-p] directory..."""
    found, paths = options(arguments, "p")
    if not paths:
        raise NotUnderstood("mkdir without operands")
    files = shell.machine.files

    def make(path: str) -> None:
        place = shell.place(path)
        node = shell.node(place)
        if node is not None and not (node.is_directory and "p" in found):
            raise FileExistsError(17, "File exists", path)
        if "p" not in found and not files.stat(place[:-1]).is_directory:
            raise NotADirectoryError(20, "Not a directory", path)
        files.make_directory(place, modified=datetime.now(UTC))

    return for_each(shell, paths, "mkdir: cannot create directory '{}'", make)


def remove(shell: Shell, arguments: list[str]) -> int:
    """rm [-f] file..."""
    found, paths = options(arguments, "f")
    if not paths and "f" not in found:
        raise NotUnderstood("rm without operands")
    files = shell.machine.files

    def delete(path: str) -> None:
        try:
            place = shell.place(path)
            node = files.stat(place)
        except (FileNotFoundError, NotADirectoryError):
            if "f" in found:
                return
            raise
        if node.is_directory:
            raise IsADirectoryError(21, "Is a directory", path)
        if place[0] in {"dev", "proc", "sys"}:
            raise NotUnderstood("rm of what is no plain file")
        drop(files, place)

    return for_each(shell, paths, "rm: cannot remove '{}'", delete)


def list_files(shell: Shell, arguments: list[str]) -> int:
    """ls [-a] [-1] [directory | file...], in the order of the locale C."""
    found, paths = options(arguments, "a1")
    files = shell.machine.files
    plain: list[str] = []
    directories: list[str] = []

    def sort_out(path: str) -> None:
        (directories if files.stat(shell.place(path)).is_directory else plain).append(path)

    code = for_each(shell, paths or ["."], "ls: cannot access '{}'", sort_out, failure=2)
    if len(paths) > 1 and directories:
        raise NotUnderstood("ls of several directories")
    names = sorted(plain)
    for path in directories:
        names = sorted(inside(node.name) for node in files.children(shell.place(path)))
        names = [".", "..", *names] if "a" in found else [name for name in names if not name.startswith(".")]
        names.sort()
    shell.say("".join(f"{name}\n" for name in names))
    return code


def touch(shell: Shell, arguments: list[str]) -> int:
    """touch file..."""
    _, paths = options(arguments, "")
    if not paths:
        raise NotUnderstood("touch without operands")
    files = shell.machine.files

    def change(path: str) -> None:
        place = shell.place(path)
        node = shell.node(place)
        if node is not None:
            files.change(place, modified=datetime.now(UTC), read_only=node.read_only)
        elif path.endswith("/"):
            raise FileNotFoundError(2, "No such file or directory", path)
        else:
            put(files, place, b"")

    return for_each(shell, paths, "touch: cannot touch '{}'", change)
