"""The commands of cmd that work on files: dir, del, ren, move, type, md."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from unloop.rehearsal.cmd.paths import NoPath, Path, chosen, has_wildcards, path_of, shown, sorted_out
from unloop.rehearsal.cmd.state import Cmd
from unloop.rehearsal.filetree import FileInUse, Node

_NO_FILE = "The system cannot find the file specified."
_NO_PATH = "The system cannot find the path specified."
IN_USE = "The process cannot access the file because it is being used by another process."
_SYNTAX = "The syntax of the command is incorrect."
_FREE = 32_768_000_000
_SERIAL = "756E-6C70"


def delete(cmd: Cmd, rest: str) -> None:
    """DEL [/F] [/Q] names: what is not there, or can't be deleted, is told, and is no error to cmd."""
    switches, targets = sorted_out(rest)
    if not targets:
        cmd.complain(_SYNTAX, 1)
        return
    cmd.code = 0
    for target in targets:
        path = path_of(cmd, target)
        if not has_wildcards(path) and cmd.machine.files.exists(path) and cmd.machine.files.stat(path).is_directory:
            path = (*path, "*")
        found = [(place, node) for place, node in chosen(cmd.machine.files, path) if not node.is_directory]
        if not found:
            cmd.complain(f"Could Not Find {shown(path)}")
        for place, node in found:
            _delete(cmd, place, node, forces="/f" in switches)


def _delete(cmd: Cmd, place: Path, node: Node, *, forces: bool) -> None:
    if node.read_only and not forces:
        cmd.complain(f"{shown(place)}\r\nAccess is denied.")
        return
    if node.read_only:
        cmd.machine.files.change(place, modified=node.modified, read_only=False)
    try:
        cmd.machine.files.remove(place)
    except FileInUse:
        cmd.complain(f"{shown(place)}\r\n{IN_USE}")


def rename(cmd: Cmd, rest: str) -> None:
    """REN name new-name."""
    _, targets = sorted_out(rest)
    if len(targets) != 2 or "\\" in targets[1] or ":" in targets[1] or any(mark in targets[1] for mark in "*?"):
        cmd.complain(_SYNTAX, 1)
        return
    found = chosen(cmd.machine.files, path_of(cmd, targets[0]))
    if not found:
        cmd.complain(_NO_FILE, 1)
        return
    for place, _ in found:
        try:
            cmd.machine.files.rename(place, (*place[:-1], targets[1]))
        except FileExistsError:
            cmd.complain("A duplicate file name exists, or the file\r\ncannot be found.", 1)
            return
    cmd.code = 0


def move(cmd: Cmd, rest: str) -> None:
    """MOVE [/Y] names place: into a directory that is there, or to a name."""
    switches, targets = sorted_out(rest)
    if len(targets) != 2:
        cmd.complain(_SYNTAX, 1)
        return
    files, goal = cmd.machine.files, path_of(cmd, targets[1])
    found = chosen(files, path_of(cmd, targets[0]))
    into = files.exists(goal) and files.stat(goal).is_directory
    if not found:
        cmd.complain(_NO_FILE, 1)
    elif not into and (len(found) > 1 or not files.exists(goal[:-1])):
        cmd.complain(_NO_PATH if not files.exists(goal[:-1]) else _SYNTAX, 1)
    else:
        moved = sum(
            _move(cmd, place, (*goal, place[-1]) if into else goal, replaces="/y" in switches) for place, _ in found
        )
        cmd.say(f"{moved:9d} file(s) moved.\r\n")
        cmd.code = 0 if moved == len(found) else 1


def _move(cmd: Cmd, place: Path, goal: Path, *, replaces: bool) -> bool:
    """Nobody is there to be asked whether to overwrite, so that is a no."""
    files = cmd.machine.files
    if files.exists(goal) and not files.same(place, goal):
        if not replaces:
            cmd.say(f"Overwrite {shown(goal)}? (Yes/No/All): ")
            return False
        if files.stat(goal).is_directory or files.stat(goal).read_only:
            cmd.complain("Access is denied.")
            return False
        files.remove(goal)
    files.rename(place, goal)
    return True


def type_out(cmd: Cmd, rest: str) -> None:
    """TYPE names."""
    _, targets = sorted_out(rest)
    if not targets:
        cmd.complain(_SYNTAX, 1)
        return
    cmd.code = 0
    for target in targets:
        found = [node for _, node in chosen(cmd.machine.files, path_of(cmd, target)) if not node.is_directory]
        if not found:
            cmd.complain(_NO_FILE, 1)
        for node in found:
            cmd.say(node.content.decode("utf-8", "replace"))


def make_directory(cmd: Cmd, rest: str) -> None:
    """MD names, with all directories above them."""
    _, targets = sorted_out(rest)
    if not targets:
        cmd.complain(_SYNTAX, 1)
        return
    cmd.code = 0
    for target in targets:
        path = path_of(cmd, target)
        if cmd.machine.files.exists(path):
            cmd.complain(f"A subdirectory or file {target} already exists.", 1)
        else:
            cmd.machine.files.make_directory(path, modified=datetime.now(UTC))


def listing(cmd: Cmd, rest: str) -> None:
    """DIR [/B] [/A] [name]."""
    switches, targets = sorted_out(rest)
    path = path_of(cmd, targets[0] if targets else ".")
    files = cmd.machine.files
    is_whole = files.exists(path) and files.stat(path).is_directory
    directory = path if is_whole else path[:-1]
    found = [(path, node) for node in files.children(path)] if is_whole else chosen(files, path)
    is_bare = "/b" in switches
    if not is_bare:
        cmd.say(f" Volume in drive C has no label.\r\n Volume Serial Number is {_SERIAL}\r\n\r\n")
        if files.exists(directory):
            cmd.say(f" Directory of {shown(directory)}\r\n\r\n")
    if not found and (is_bare or not is_whole):
        cmd.complain("File Not Found", 1)
        return
    cmd.code = 0
    for _, node in found:
        cmd.say(f"{node.name}\r\n" if is_bare else _line(node))
    if not is_bare:
        _totals(cmd, [node for _, node in found])


def _line(node: Node) -> str:
    size = "<DIR>         " if node.is_directory else f"{len(node.content):>14,}"
    return f"{node.modified:%m/%d/%Y  %I:%M %p}    {size} {node.name}\r\n"


def _totals(cmd: Cmd, nodes: list[Node]) -> None:
    files = [node for node in nodes if not node.is_directory]
    size = sum(len(node.content) for node in files)
    cmd.say(f"{len(files):>16} File(s) {size:>14,} bytes\r\n")
    cmd.say(f"{len(nodes) - len(files):>16} Dir(s)  {_FREE:>14,} bytes free\r\n")


def guarded(command: Callable[[Cmd, str], None]) -> Callable[[Cmd, str], None]:
    """A command whose complaints about paths and files are cmd's."""

    def run(cmd: Cmd, rest: str) -> None:
        try:
            command(cmd, rest)
        except NoPath as error:
            cmd.complain(str(error), 1)
        except FileNotFoundError:
            cmd.complain(_NO_FILE, 1)
        except NotADirectoryError:
            cmd.complain(_NO_PATH, 1)
        except FileInUse:
            cmd.complain(IN_USE, 1)
        except OSError:
            cmd.complain("Access is denied.", 1)

    return run


FILE_COMMANDS: Mapping[str, Callable[[Cmd, str], None]] = {
    name: guarded(command)
    for name, command in {
        "dir": listing,
        "del": delete,
        "erase": delete,
        "ren": rename,
        "rename": rename,
        "move": move,
        "type": type_out,
        "md": make_directory,
        "mkdir": make_directory,
    }.items()
}
