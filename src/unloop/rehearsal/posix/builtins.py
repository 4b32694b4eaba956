"""What the shell does itself (POSIX XCU 2.14, and the utilities that shells build in)."""

import re
from collections.abc import Callable, Mapping

from unloop.rehearsal.posix import conditions, printing, programs
from unloop.rehearsal.posix.bytetext import inside
from unloop.rehearsal.posix.reading import read
from unloop.rehearsal.posix.state import Exit, Jump, Return, Shell
from unloop.rehearsal.posix.syntax import NotUnderstood, ShellError
from unloop.rehearsal.posix.words import NAME

Builtin = Callable[[Shell, list[str]], int]
SPECIAL = frozenset(
    {":", ".", "break", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set", "shift", "times"}
    | {"trap", "unset"}
)
"""What goes wrong with these ends the shell, and what is assigned before them stays (XCU 2.14)."""
_REFUSED = ("eval", "exec", "trap", "local", "alias", "unalias", ".", "getopts", "readonly", "times", "type", "hash")
_REFUSED_TOO = ("ulimit", "jobs", "fg", "bg", "kill", "newgrp", "fc")


def _nothing(_: Shell, __: list[str]) -> int:
    return 0


def _fails(_: Shell, __: list[str]) -> int:
    return 1


def _umask(_: Shell, arguments: list[str]) -> int:
    """Files of a simulated host have no modes."""
    if len(arguments) != 1 or not re.fullmatch(r"[0-7]{1,4}", arguments[0]):
        raise NotUnderstood("umask without an octal number")
    return 0


def _wait(shell: Shell, arguments: list[str]) -> int:
    if arguments:
        raise NotUnderstood("wait for one job")
    shell.clock.waited = max(shell.clock.waited, shell.clock.background)
    return 0


def _change_directory(shell: Shell, arguments: list[str]) -> int:
    if len(arguments) > 1 or "CDPATH" in shell.variables or arguments[:1] == [""] or "".join(arguments)[:2] == "//":
        raise NotUnderstood("cd of this kind")
    goal = arguments[0] if arguments else shell.variables.get("HOME", "")
    if goal == "-":
        goal = shell.variables.get("OLDPWD", "")
    elif goal.startswith("-"):
        raise NotUnderstood(f"cd {goal}")
    try:
        place = shell.place(goal)
        node = shell.node(place)
    except OSError:
        node = None
    if node is None or not node.is_directory:
        shell.complain(f"sh: cd: can't cd to {goal}")
        return 2
    shell.variables["OLDPWD"], shell.directory = _directory(shell), place
    shell.variables["PWD"] = _directory(shell)
    if arguments[:1] == ["-"]:
        shell.say(_directory(shell) + "\n")
    return 0


def _directory(shell: Shell) -> str:
    return "/" + inside("/".join(shell.directory))


def _print_directory(shell: Shell, arguments: list[str]) -> int:
    if arguments:
        raise NotUnderstood("pwd with options")
    shell.say(_directory(shell) + "\n")
    return 0


def _set(shell: Shell, arguments: list[str]) -> int:
    if not arguments:
        raise NotUnderstood("set without arguments")
    rest = list(arguments)
    while rest[:1] in (["-u"], ["+u"]):
        shell.refuses_unset = rest.pop(0) == "-u"
    if rest[:1] == ["--"]:
        shell.arguments = rest[1:]
    elif rest and rest[0][:1] in {"-", "+"}:
        raise NotUnderstood(f"set {rest[0]}")
    elif rest:
        shell.arguments = rest
    return 0


def _shift(shell: Shell, arguments: list[str]) -> int:
    count = _number(arguments, 1)
    if count > len(shell.arguments):
        raise ShellError("shift: can't shift that many")
    shell.arguments = shell.arguments[count:]
    return 0


def _export(shell: Shell, arguments: list[str]) -> int:
    if not arguments:
        raise NotUnderstood("export without names")
    for argument in arguments:
        name, equals, value = argument.partition("=")
        _demand_name("export", name)
        shell.exported.add(name)
        if equals:
            shell.variables[name] = value
    return 0


def _unset(shell: Shell, arguments: list[str]) -> int:
    names = arguments[1:] if arguments[:1] in (["-v"], ["-f"]) else arguments
    for name in names:
        _demand_name("unset", name)
        if arguments[0] == "-f":
            shell.functions.pop(name, None)
        else:
            shell.variables.pop(name, None)
            shell.exported.discard(name)
    return 0


def _demand_name(builtin: str, name: str) -> None:
    if name.startswith("-"):
        raise NotUnderstood(f"{builtin} {name}")
    if not NAME.fullmatch(name):
        raise ShellError(f"{builtin}: {name}: bad variable name")


def _number(arguments: list[str], otherwise: int) -> int:
    if not arguments:
        return otherwise
    if not re.fullmatch(r"[0-9]{1,9}", arguments[0]):
        raise ShellError(f"Illegal number: {arguments[0]}")
    return int(arguments[0])


def _return(shell: Shell, arguments: list[str]) -> int:
    raise Return(_number(arguments, shell.status))


def _exit(shell: Shell, arguments: list[str]) -> int:
    raise Exit(_number(arguments, shell.status))


def _jump(*, goes_on: bool) -> Builtin:
    def jump(shell: Shell, arguments: list[str]) -> int:
        levels = min(_number(arguments, 1), shell.loops)
        if arguments and not _number(arguments, 1):
            raise ShellError(f"Illegal number: {arguments[0]}")
        shell.status = 0
        if levels:
            raise Jump(levels, goes_on=goes_on)
        return 0

    return jump


def _test(shell: Shell, arguments: list[str]) -> int:
    try:
        return int(not conditions.holds(shell, arguments))
    except conditions.Misjudged as error:
        shell.complain(f"sh: test: {error}")
        return 2


def _bracket(shell: Shell, arguments: list[str]) -> int:
    if arguments[-1:] != ["]"]:
        shell.complain("sh: [: missing ]")
        return 2
    return _test(shell, arguments[:-1])


def _command(shell: Shell, arguments: list[str]) -> int:
    """``command -v name``."""
    if arguments[:1] != ["-v"] or len(arguments) != 2:
        raise NotUnderstood("command with anything but -v and one name")
    name = arguments[1]
    if name in BUILTINS or name in shell.functions:
        shell.say(f"{name}\n")
        return 0
    if name in {
        "if",
        "then",
        "else",
        "elif",
        "fi",
        "do",
        "done",
        "case",
        "esac",
        "while",
        "until",
        "for",
        "{",
        "}",
        "!",
    }:
        raise NotUnderstood("command -v of a reserved word")
    path = programs.path_of(shell, name)
    if path is None:
        return 127
    shell.say(f"{path}\n")
    return 0


def _refuse(name: str) -> Builtin:
    def refuse(_: Shell, __: list[str]) -> int:
        raise NotUnderstood(name)

    return refuse


BUILTINS: Mapping[str, Builtin] = {
    ":": _nothing,
    "true": _nothing,
    "false": _fails,
    "umask": _umask,
    "wait": _wait,
    "cd": _change_directory,
    "pwd": _print_directory,
    "echo": printing.echo,
    "printf": printing.printf,
    "read": read,
    "set": _set,
    "shift": _shift,
    "export": _export,
    "unset": _unset,
    "return": _return,
    "exit": _exit,
    "break": _jump(goes_on=False),
    "continue": _jump(goes_on=True),
    "test": _test,
    "[": _bracket,
    "command": _command,
    **{name: _refuse(name) for name in (*_REFUSED, *_REFUSED_TOO)},
}
"""By name. What this interpreter can't do is refused, never done otherwise."""
