"""Carry out a cmd line on a simulated Windows host: in memory, bounded, and nowhere else."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from unloop.rehearsal.cmd import powershell
from unloop.rehearsal.cmd.files import FILE_COMMANDS, IN_USE
from unloop.rehearsal.cmd.parser import parse
from unloop.rehearsal.cmd.paths import NoPath, chosen, path_of, words
from unloop.rehearsal.cmd.programs import PROGRAMS
from unloop.rehearsal.cmd.state import NOT_RECOGNIZED, Cmd, Exit, Overrun
from unloop.rehearsal.cmd.surroundings import NOTHING, VERSION, Surroundings, home_of, variables_of
from unloop.rehearsal.cmd.syntax import Chain, CmdError, Command, Condition, Group, If, Redirection, Simple
from unloop.rehearsal.filetree import FileInUse
from unloop.rehearsal.machine import Machine

SYSTEM = r"c:\windows\system32" + "\\"
_PLACES = (SYSTEM, r"c:\windows\sysnative" + "\\", SYSTEM + r"windowspowershell\v1.0" + "\\")
_VARIABLE = re.compile(r"%([^%\s:]+)%")
_REST = ("copy", "xcopy", "cd", "chdir", "rd", "rmdir", "set", "for", "call", "start", "attrib", "pushd", "popd",
         "mklink", "assoc", "ftype", "path", "prompt", "title", "date", "time", "vol", "verify", "setlocal",
         "endlocal", "goto", "shift", "pause", "cls", "color", "break", "label")  # fmt: skip
"""Commands that a real cmd has and this one has not."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a line ended, what it said, and how long it took."""

    code: int
    output: str
    errors: str
    waited: float = 0.0


def run(machine: Machine, line: str, *, later: Callable[[float], None], around: Surroundings = NOTHING) -> Outcome:
    """Run a line on a machine as ``cmd /c`` does; ``later`` restarts it so many seconds from now."""
    cmd = Cmd(machine, later, variables_of(machine, around.variables), given=around.given)
    try:
        cmd.directory = path_of(cmd, around.directory or home_of(machine))
        run_line(cmd, line)
    except NoPath as error:
        cmd.complain(str(error), 1)
    except (Overrun, RecursionError) as error:
        cmd.errors.append(f"cmd: this simulated host stops here: {error or 'nested too deeply'}\r\n")
        cmd.code = 1
    code = 1 if cmd.code == NOT_RECOGNIZED else cmd.code
    return Outcome(code, "".join(cmd.output), "".join(cmd.errors), cmd.waited)


def takes_input(line: str) -> bool:
    """Whether a line waits for its standard input to end before it does anything."""
    name, _, rest = line.strip().partition(" ")
    return program_of(name) == "powershell" and powershell.takes_input(rest)


def run_line(cmd: Cmd, line: str) -> None:
    """Run a line in a shell that is there; its ``exit`` ends the line."""
    expanded = _VARIABLE.sub(lambda match: cmd.variables.get(match[1].upper(), match[0]), line)
    if not expanded.strip():
        return
    try:
        _chain(cmd, parse(expanded))
    except CmdError as error:
        cmd.complain(str(error), 1)
    except Exit:
        return


def program_of(name: str) -> str:
    """The program in the path that a name means, '' when it is none that we have."""
    plain = name.strip('"').lower().replace("/", "\\")
    place = next((place for place in sorted(_PLACES, key=len, reverse=True) if plain.startswith(place)), "")
    plain = plain.removeprefix(place).removesuffix(".exe")
    return plain if plain in PROGRAMS or plain in {"powershell", "cmd"} else ""


def start(cmd: Cmd, name: str, rest: str) -> bool:
    """Start a program; False when there is none of that name."""
    program = program_of(name)
    if program in PROGRAMS:
        PROGRAMS[program](cmd, rest)
    elif program == "powershell":
        powershell.powershell(cmd, rest)
    elif program == "cmd":
        _cmd(cmd, rest)
    return bool(program)


def _chain(cmd: Cmd, chain: Chain) -> None:
    _command(cmd, chain.first)
    for separator, command in chain.rest:
        if separator == "&" or (separator == "&&") is (cmd.code == 0):
            _command(cmd, command)


def _command(cmd: Cmd, command: Command) -> None:
    cmd.count()
    if isinstance(command, If):
        chosen_one = command.then if _holds(cmd, command.condition) else command.otherwise
        if chosen_one is not None:
            _command(cmd, chosen_one)
        return
    kept = cmd.output, cmd.errors
    cmd.output, cmd.errors = [], []
    try:
        if isinstance(command, Group):
            _chain(cmd, command.inner)
        else:
            _simple(cmd, command)
    finally:
        said = cmd.output, cmd.errors
        cmd.output, cmd.errors = kept
        _route(cmd, command.redirections, *said)


def _route(cmd: Cmd, redirections: tuple[Redirection, ...], output: list[str], errors: list[str]) -> None:
    """Send what was said where it belongs."""
    goals: dict[int, str | int] = {1: 1, 2: 2}
    for redirection in redirections:
        other = redirection.target.removeprefix("&")
        is_stream = redirection.target.startswith("&")
        goals[redirection.stream] = goals.get(int(other), 1) if is_stream else redirection.target
    appends = {item.target for item in redirections if item.appends}
    texts: dict[str, str] = {
        item.target: "" for item in redirections if item.stream and not item.target.startswith("&")
    }
    for stream, said in ((1, output), (2, errors)):
        goal = goals[stream]
        if isinstance(goal, int):
            (cmd.output if goal == 1 else cmd.errors).extend(said)
        else:
            texts[goal] += "".join(said)
    for target, text in texts.items():
        if target.lower() != "nul":
            _to_file(cmd, target, text, appends=target in appends)


def _to_file(cmd: Cmd, target: str, text: str, *, appends: bool) -> None:
    files = cmd.machine.files
    try:
        path = path_of(cmd, target)
        before = files.stat(path).content if appends and files.exists(path) else b""
        files.write(path, before + text.encode("utf-8", "replace"), modified=datetime.now(UTC))
    except NoPath as error:
        cmd.complain(str(error), 1)
    except (FileNotFoundError, NotADirectoryError):
        cmd.complain("The system cannot find the path specified.", 1)
    except FileInUse:
        cmd.complain(IN_USE, 1)
    except OSError:
        cmd.complain("Access is denied.", 1)


def _simple(cmd: Cmd, command: Simple) -> None:
    name = command.name.lower()
    if name in FILE_COMMANDS:
        FILE_COMMANDS[name](cmd, command.rest)
    elif name in _BUILTINS:
        _BUILTINS[name](cmd, command.rest)
    elif name in _REST:
        cmd.complain(f"{command.name}: this simulated host does not know this command", 1)
    elif not start(cmd, command.name, command.rest):
        cmd.complain(f"'{command.name}' is not recognized as an internal or external command,")
        cmd.complain("operable program or batch file.", NOT_RECOGNIZED)


def _holds(cmd: Cmd, condition: Condition) -> bool:
    if condition.kind == "exist":
        try:
            answer = bool(chosen(cmd.machine.files, path_of(cmd, condition.left)))
        except NoPath:
            answer = False
    elif condition.kind == "errorlevel":
        answer = condition.left.isascii() and condition.left.isdigit() and cmd.code >= int(condition.left[:10])
    else:
        left, right = condition.left, condition.right
        answer = left.lower() == right.lower() if condition.ignores_case else left == right
    return answer is not condition.is_negated


def _echo(cmd: Cmd, rest: str) -> None:
    cmd.code = 0
    if not rest.strip():
        cmd.say("ECHO is on.\r\n")
    elif rest.strip().lower() not in {"on", "off"} or rest[0] not in " \t":
        cmd.say(f"{rest[1:]}\r\n")


def _version(cmd: Cmd, _rest: str) -> None:
    cmd.code = 0
    cmd.say(f"\r\nMicrosoft Windows [Version {VERSION}]\r\n")


def _exit(cmd: Cmd, rest: str) -> None:
    given = [word for word in words(rest) if word.lower() != "/b"]
    sign = -1 if given and given[0].startswith("-") else 1
    digits = given[0].lstrip("-+") if given else ""
    if digits.isascii() and digits.isdigit():
        cmd.code = sign * int(digits[:9])
    raise Exit


def _cmd(cmd: Cmd, rest: str) -> None:
    """A shell within the shell: ``cmd /c line``."""
    match = re.search(r"/[ck]\s*", rest, re.IGNORECASE)
    if match is None:
        cmd.complain("cmd: this simulated host has no console", 1)
        return
    line = rest[match.end() :]
    if line.startswith('"') and line.rstrip().endswith('"') and len(line.strip()) > 1:
        line = line.strip()[1:-1]
    cmd.count()
    cmd.code = 0
    run_line(cmd, line)
    cmd.code = 1 if cmd.code == NOT_RECOGNIZED else cmd.code


def _remark(_cmd: Cmd, _rest: str) -> None:
    """A remark does nothing."""


_BUILTINS: Mapping[str, Callable[[Cmd, str], None]] = {"echo": _echo, "ver": _version, "exit": _exit, "rem": _remark}
