"""Carry out a shell program on a simulated host: in memory, bounded, and nowhere else."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from unloop.rehearsal.machine import Machine
from unloop.rehearsal.posix import builtins, patterns, programs
from unloop.rehearsal.posix.expand import Expander
from unloop.rehearsal.posix.parser import parse
from unloop.rehearsal.posix.state import Clock, Exit, Jump, Return, Shell
from unloop.rehearsal.posix.streams import FileSink, Nowhere, Sink, Source, Stream
from unloop.rehearsal.posix.syntax import (
    Case,
    Choice,
    Command,
    Each,
    Function,
    Group,
    Loop,
    Pipeline,
    Program,
    Redirection,
    Sequence,
    ShellError,
    Simple,
)

NOT_FOUND = 127
_NULL = ("dev", "null")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended, what it said, and how long it slept."""

    code: int
    stdout: bytes
    stderr: bytes
    waited: float = 0.0


def run(machine: Machine, command: str, given: bytes, *, later: Callable[[float], None]) -> Outcome:
    """Run a command line on a machine; ``later`` restarts it so many seconds from now."""
    output, errors = Sink(), Sink()
    streams: dict[int, Stream] = {0: Source(given), 1: output, 2: errors}
    variables = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "USER": machine.spec.username}
    shell = Shell(machine, later, variables=variables, streams=streams)
    code = run_text(shell, command)
    return Outcome(code, bytes(output.data), bytes(errors.data), shell.clock.waited)


def run_text(shell: Shell, text: str) -> int:
    """Run a program in a shell of its own; answers its exit code."""
    try:
        return run_program(shell, parse(text))
    except Exit as ending:
        return ending.code
    except (Return, Jump):
        return shell.status
    except ShellError as error:
        shell.complain(f"sh: {error}")
        return 2
    except RecursionError:
        shell.complain("sh: nested too deeply")
        return 2


def run_program(shell: Shell, program: Program) -> int:
    """Every sequence of a program."""
    for sequence in program:
        _sequence(shell, sequence)
    return shell.status


def _sequence(shell: Shell, sequence: Sequence) -> None:
    if sequence.is_background:
        child = shell.copy(clock=Clock(shell.clock.waited))
        _apart(child, (Sequence(sequence.first, sequence.rest),))
        shell.status = 0
        return
    _pipeline(shell, sequence.first)
    for operator, pipeline in sequence.rest:
        if (shell.status == 0) is (operator == "&&"):
            _pipeline(shell, pipeline)


def _pipeline(shell: Shell, pipeline: Pipeline) -> None:
    if len(pipeline.commands) == 1:
        _command(shell, pipeline.commands[0])
    else:
        given = shell.streams.get(0, Source())
        for index, command in enumerate(pipeline.commands):
            sink = shell.output() if index == len(pipeline.commands) - 1 else Sink()
            child = shell.copy()
            child.streams |= {0: given, 1: sink}
            shell.status = _apart(child, (Sequence(Pipeline((command,))),))
            given = Source(bytes(sink.data)) if index < len(pipeline.commands) - 1 else given
    if pipeline.is_negated:
        shell.status = int(not shell.status)


def _apart(child: Shell, program: Program) -> int:
    """Run in a subshell, whose end is not the end of this one."""
    try:
        return run_program(child, program)
    except Exit as ending:
        return ending.code
    except (Return, Jump):
        return child.status


def substitute(shell: Shell, program: Program) -> str:
    """What ``$(...)`` stands for; its exit code becomes the shell's."""
    sink = Sink()
    child = shell.copy()
    child.streams[1] = sink
    shell.status = _apart(child, program)
    return sink.data.replace(b"\0", b"").decode("utf-8", "surrogateescape")


def _command(shell: Shell, command: Command) -> None:
    shell.budget.spend()
    before = dict(shell.streams) if command.redirections else None
    try:
        for redirection in command.redirections:
            _redirect(shell, redirection)
        _carry_out(shell, command)
    except OSError as error:
        shell.complain(f"sh: {command.line}: {error.filename or error.strerror or error}: {_reason(error)}")
        shell.status = 2
    finally:
        if before is not None:
            shell.streams = before


def _reason(error: OSError) -> str:
    known = {FileNotFoundError: "No such file or directory", PermissionError: "Permission denied"}
    return known.get(type(error), error.strerror or "can't be done")


def _redirect(shell: Shell, redirection: Redirection) -> None:
    target = Expander(shell, substitute).text(redirection.word)
    operator, files = redirection.operator, shell.machine.files
    if operator == "<<":
        shell.streams[redirection.descriptor] = Source(target.encode("utf-8", "surrogateescape"))
    elif operator in {">&", "<&"}:
        if not target.isdigit() or int(target) not in shell.streams:
            raise ShellError(f"{operator}{target} is not understood here")
        shell.streams[redirection.descriptor] = shell.streams[int(target)]
    elif operator == "<":
        place = shell.place(target)
        content = b"" if place == _NULL else programs.content_of(shell, target)
        shell.streams[redirection.descriptor] = Source(content)
    elif operator in {">", ">>", ">|"}:
        place = shell.place(target)
        if place == _NULL:
            shell.streams[redirection.descriptor] = Nowhere()
            return
        if operator != ">>" or not files.exists(place):
            files.write(place, b"", modified=datetime.now(UTC))
        shell.streams[redirection.descriptor] = FileSink(files=files, path=place)
    else:
        raise ShellError(f"{operator} is not understood here")


def _carry_out(shell: Shell, command: Command) -> None:
    kind = command.kind
    if isinstance(kind, Simple):
        _simple(shell, kind, command.line)
    elif isinstance(kind, Group):
        shell.status = _apart(shell.copy(), kind.body) if kind.is_subshell else _within(shell, kind.body)
    elif isinstance(kind, Choice):
        _choose(shell, kind)
    elif isinstance(kind, Loop):
        _loop(shell, kind)
    elif isinstance(kind, Each):
        _each(shell, kind)
    elif isinstance(kind, Case):
        _case(shell, kind)
    elif isinstance(kind, Function):
        shell.functions[kind.name] = kind.body
        shell.status = 0


def _within(shell: Shell, program: Program) -> int:
    shell.status = 0
    return run_program(shell, program)


def _choose(shell: Shell, choice: Choice) -> None:
    for condition, body in choice.branches:
        if run_program(shell, condition) == 0:
            _within(shell, body)
            return
    _within(shell, choice.otherwise)


def _loop(shell: Shell, loop: Loop) -> None:
    status = 0
    while (run_program(shell, loop.condition) == 0) is not loop.is_until:
        shell.budget.spend()
        try:
            status = run_program(shell, loop.body)
        except Jump as jump:
            if _leaves(jump):
                break
    shell.status = status


def _each(shell: Shell, each: Each) -> None:
    values = list(shell.arguments) if each.words is None else Expander(shell, substitute).fields(each.words)
    shell.status = 0
    for value in values:
        shell.variables[each.name] = value
        try:
            run_program(shell, each.body)
        except Jump as jump:
            if _leaves(jump):
                break


def _leaves(jump: Jump) -> bool:
    """Whether a loop ends by this; outer loops hear of it when they are meant too."""
    if jump.levels > 1:
        raise Jump(jump.levels - 1, goes_on=jump.goes_on)
    return not jump.goes_on


def _case(shell: Shell, case: Case) -> None:
    expander = Expander(shell, substitute)
    value = expander.text(case.word)
    for choices, body in case.branches:
        if any(patterns.matches(value, expander.pattern(choice)) for choice in choices):
            _within(shell, body)
            return
    shell.status = 0


def _simple(shell: Shell, simple: Simple, line: int) -> None:
    substituted = False

    def substitute_here(inner: Shell, program: Program) -> str:
        nonlocal substituted
        substituted = True
        return substitute(inner, program)

    expander = Expander(shell, substitute_here)
    fields = expander.fields(simple.words)
    values: dict[str, str] = {}
    for name, word in simple.assignments:
        values[name] = expander.text(word)
        if not fields:
            shell.variables[name] = values[name]
    if fields:
        _call(shell, fields, values, line)
    elif not substituted:
        shell.status = 0


def _call(shell: Shell, fields: list[str], values: dict[str, str], line: int) -> None:
    name, arguments = fields[0], fields[1:]
    if name in shell.functions:
        shell.variables |= values
        _function(shell, shell.functions[name], arguments)
        return
    before = {key: shell.variables.get(key) for key in values}
    shell.variables |= values
    try:
        if name in builtins.BUILTINS:
            shell.status = builtins.BUILTINS[name](shell, arguments)
        else:
            shell.status = call_program(shell, name, arguments, line)
    finally:
        for key, value in before.items():
            if value is None:
                shell.variables.pop(key, None)
            else:
                shell.variables[key] = value


def call_program(shell: Shell, name: str, arguments: list[str], line: int = 1) -> int:
    """Run a program by name; 127 when this host has none of that name."""
    bare = name.rpartition("/")[2] if name.startswith(("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/")) else name
    if bare in {"sh", "dash", "bash"}:
        return _another_shell(shell, arguments)
    if bare == "nohup" and arguments:
        return call_program(shell, arguments[0], arguments[1:], line)
    found = programs.PROGRAMS.get(bare)
    if found is None:
        shell.complain(f"sh: {line}: {name}: not found")
        return NOT_FOUND
    try:
        return found(shell, arguments)
    except OSError as error:
        shell.complain(f"{bare}: {error.filename or error}: {_reason(error)}")
        return 1
    except programs.Misused as error:
        shell.complain(f"{bare}: {error}")
        return 1


def _another_shell(shell: Shell, arguments: list[str]) -> int:
    """``sh -c script`` and ``sh -s``: a script that a fixture knows has the effect which that says."""
    child = shell.copy(variables={**shell.variables}, functions={}, refuses_unset=False, arguments=[])
    plain = [argument for argument in arguments if argument != "--posix"]
    if plain[:1] == ["-c"] and len(plain) > 1:
        effect = programs.known_script(shell, plain[1])
        if effect is not None:
            return effect
        child.arguments = plain[3:]
        return run_text(child, plain[1])
    if plain not in ([], ["-s"], ["-"]):
        raise ShellError(f"sh {' '.join(plain)[:40]}: not understood by this simulated host")
    return run_text(child, shell.input().rest().decode("utf-8", "surrogateescape"))


def _function(shell: Shell, body: Command, arguments: list[str]) -> None:
    outer, shell.arguments = shell.arguments, arguments
    try:
        _command(shell, body)
    except Return as ending:
        shell.status = ending.code
    finally:
        shell.arguments = outer
