"""What the shell does itself (POSIX XCU 2.14, and the utilities that shells build in)."""

import re
from collections.abc import Callable, Iterator, Mapping

from unloop.rehearsal.posix import conditions, programs
from unloop.rehearsal.posix.state import Exit, Jump, Return, Shell
from unloop.rehearsal.posix.syntax import ShellError

_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", "a": "\a", "b": "\b", "f": "\f", "r": "\r", "v": "\v", "0": "\0"}
_FORMAT = re.compile(r"%([-0]?)(\d*)([sdxcb%])|\\([0-7]{1,3}|.)|([^%\\]+)", re.DOTALL)


def _nothing(_: Shell, __: list[str]) -> int:
    return 0


def _fails(_: Shell, __: list[str]) -> int:
    return 1


def _change_directory(shell: Shell, arguments: list[str]) -> int:
    place = shell.place(arguments[0] if arguments else shell.variables.get("HOME", "/"))
    if not shell.machine.files.exists(place):
        shell.complain(f"sh: cd: can't cd to {arguments[0] if arguments else '~'}")
        return 2
    shell.directory = place
    return 0


def _echo(shell: Shell, arguments: list[str]) -> int:
    plain = arguments[1:] if arguments[:1] == ["-n"] else arguments
    shell.say(" ".join(plain) + ("" if arguments[:1] == ["-n"] else "\n"))
    return 0


def _printf(shell: Shell, arguments: list[str]) -> int:
    if not arguments:
        raise ShellError("printf: no format")
    form, rest = arguments[0], iter(arguments[1:])
    left, made = len(arguments) - 1, ""
    while True:
        piece, used = _formatted(form, rest)
        made += piece
        left -= used
        if left <= 0 or not used:
            break
    shell.say(made)
    return 0


def _formatted(form: str, arguments: Iterator[str]) -> tuple[str, int]:
    """The format once, and how many arguments it took."""
    made, used = "", 0
    for found in _FORMAT.finditer(form):
        flag, width, kind, escape, plain = found.groups()
        if plain is not None:
            made += plain
        elif escape is not None:
            made += chr(int(escape, 8)) if escape.isdigit() else _ESCAPES.get(escape, "\\" + escape)
        elif kind == "%":
            made += "%"
        else:
            value = next(arguments, "0" if kind in "dx" else "")
            used += 1
            text = _converted(kind, value)
            made += (
                text.ljust(int(width or 0)) if flag == "-" else text.rjust(int(width or 0), "0" if flag == "0" else " ")
            )
    return made, used


def _converted(kind: str, value: str) -> str:
    try:
        return {"d": lambda: str(int(value)), "x": lambda: f"{int(value):x}"}.get(kind, lambda: value)()
    except ValueError as error:
        raise ShellError(f"printf: {value}: not a number") from error


def _read(shell: Shell, arguments: list[str]) -> int:
    names = [argument for argument in arguments if argument != "-r"]
    line = shell.input().line()
    text = (line or b"").decode("utf-8", "surrogateescape")
    blanks = shell.variables.get("IFS", " \t\n")
    if blanks:
        text = text.strip(blanks)
    pieces = re.split(f"[{re.escape(blanks)}]+", text, maxsplit=len(names) - 1) if blanks and len(names) > 1 else [text]
    for index, name in enumerate(names):
        shell.variables[name] = pieces[index] if index < len(pieces) else ""
    return 0 if line is not None else 1


def _set(shell: Shell, arguments: list[str]) -> int:
    for index, argument in enumerate(arguments):
        if argument == "--":
            shell.arguments = arguments[index + 1 :]
            return 0
        if argument not in {"-u", "+u"}:
            raise ShellError(f"set {argument}: not understood by this simulated host")
        shell.refuses_unset = argument == "-u"
    return 0


def _shift(shell: Shell, arguments: list[str]) -> int:
    count = _number(arguments, 1)
    if count > len(shell.arguments):
        raise ShellError("shift: can't shift that many")
    shell.arguments = shell.arguments[count:]
    return 0


def _export(shell: Shell, arguments: list[str]) -> int:
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if equals:
            shell.variables[name] = value
    return 0


def _unset(shell: Shell, arguments: list[str]) -> int:
    for name in arguments:
        shell.variables.pop(name, None)
    return 0


def _number(arguments: list[str], otherwise: int) -> int:
    if not arguments:
        return otherwise
    if not arguments[0].isdigit():
        raise ShellError(f"{arguments[0]}: not a number")
    return int(arguments[0])


def _return(shell: Shell, arguments: list[str]) -> int:
    raise Return(_number(arguments, shell.status))


def _exit(shell: Shell, arguments: list[str]) -> int:
    raise Exit(_number(arguments, shell.status))


def _break(_: Shell, arguments: list[str]) -> int:
    raise Jump(_number(arguments, 1), goes_on=False)


def _continue(_: Shell, arguments: list[str]) -> int:
    raise Jump(_number(arguments, 1), goes_on=True)


def _test(shell: Shell, arguments: list[str]) -> int:
    return int(not conditions.holds(shell, arguments))


def _bracket(shell: Shell, arguments: list[str]) -> int:
    if arguments[-1:] != ["]"]:
        raise ShellError("[: missing ]")
    return _test(shell, arguments[:-1])


def _command(shell: Shell, arguments: list[str]) -> int:
    """``command -v`` alone."""
    if arguments[:1] != ["-v"] or len(arguments) != 2:
        raise ShellError("command: only -v is understood by this simulated host")
    name = arguments[1]
    if name in BUILTINS or name in shell.functions or name in programs.PROGRAMS or name in {"sh", "nohup"}:
        shell.say(f"{name}\n")
        return 0
    return 127


def _refuse(name: str) -> Callable[[Shell, list[str]], int]:
    def refuse(_: Shell, __: list[str]) -> int:
        raise ShellError(f"{name}: not understood by this simulated host")

    return refuse


BUILTINS: Mapping[str, Callable[[Shell, list[str]], int]] = {
    ":": _nothing,
    "true": _nothing,
    "umask": _nothing,
    "wait": _nothing,
    "false": _fails,
    "cd": _change_directory,
    "echo": _echo,
    "printf": _printf,
    "read": _read,
    "set": _set,
    "shift": _shift,
    "export": _export,
    "unset": _unset,
    "return": _return,
    "exit": _exit,
    "break": _break,
    "continue": _continue,
    "test": _test,
    "[": _bracket,
    "command": _command,
    **{name: _refuse(name) for name in ("eval", "exec", "trap", "local", "alias", ".", "getopts", "readonly", "times")},
}
"""By name. What this interpreter can't do fails loudly instead of doing something else."""
