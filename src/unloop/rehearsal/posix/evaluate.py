"""Carry out what the parser read (POSIX XCU 2.9): commands of every kind, in a shell."""

from collections.abc import Callable

from unloop.rehearsal.posix import builtins, compound, programs
from unloop.rehearsal.posix.contents import reason
from unloop.rehearsal.posix.expand import Expander
from unloop.rehearsal.posix.parser import parse
from unloop.rehearsal.posix.redirect import redirected
from unloop.rehearsal.posix.scripts import known_script
from unloop.rehearsal.posix.state import Clock, Exit, Jump, Return, Shell
from unloop.rehearsal.posix.streams import Sink, Source
from unloop.rehearsal.posix.syntax import (
    Case,
    Choice,
    Command,
    Each,
    Function,
    Group,
    Kind,
    Lines,
    Loop,
    NotUnderstood,
    Pipeline,
    Program,
    Redirection,
    Sequence,
    ShellError,
    Simple,
    Text,
)

NOT_FOUND = 127


def run_text(shell: Shell, text: str) -> int:
    """Run a program in a shell of its own; answers its exit code."""
    return _apart(shell, lambda: _run_lines(shell, parse(text)))


def _run_lines(shell: Shell, program: Lines) -> int:
    for line in program.lines:
        run_program(shell, line)
    if program.error is not None:
        raise type(program.error)(*program.error.args)
    return shell.status


def run_program(shell: Shell, program: Program) -> int:
    """Every sequence of a program."""
    for sequence in program:
        _sequence(shell, sequence)
    return shell.status


def _apart(child: Shell, act: Callable[[], int]) -> int:
    """Do something in a shell whose end is not the end of others."""
    try:
        return act()
    except (Exit, Return) as ending:
        return ending.code & 0xFF
    except Jump:
        return child.status
    except ShellError as error:
        child.complain(f"sh: {error}")
        return 2


def _sequence(shell: Shell, sequence: Sequence) -> None:
    if sequence.is_background:
        _in_background(shell, sequence)
        return
    _pipeline(shell, sequence.first)
    for operator, pipeline in sequence.rest:
        if (shell.status == 0) is (operator == "&&"):
            _pipeline(shell, pipeline)


def _in_background(shell: Shell, sequence: Sequence) -> None:
    """A job is done at once; only its sleeping goes on beside the shell."""
    child = shell.copy()
    child.clock, child.streams[0] = Clock(shell.clock.waited), Source()
    _apart(child, lambda: run_program(child, (Sequence(sequence.first, sequence.rest),)))
    shell.clock.background = max(shell.clock.background, child.clock.waited)
    shell.status, shell.has_background = 0, True


def _pipeline(shell: Shell, pipeline: Pipeline) -> None:
    if len(pipeline.commands) == 1:
        _command(shell, pipeline.commands[0])
    else:
        shell.status = _piped(shell, pipeline.commands)
    if pipeline.is_negated:
        shell.status = int(not shell.status)


def _piped(shell: Shell, commands: tuple[Command, ...]) -> int:
    code, given, last = 0, shell.streams.get(0), len(commands) - 1
    for index, command in enumerate(commands):
        child, sink = shell.copy(), Sink()
        if given is not None:
            child.streams[0] = given
        if index < last:
            child.streams[1] = sink
        code = _apart(child, lambda child=child, command=command: _status_of(child, command))  # type: ignore[misc]
        given = Source(bytes(sink.data))
    return code


def _status_of(shell: Shell, command: Command) -> int:
    _command(shell, command)
    return shell.status


def substitute(shell: Shell, program: Program) -> str:
    """What ``$(...)`` stands for; its exit code is kept for a command that is nothing but assignments."""
    child, sink = shell.copy(), Sink()
    child.streams[1] = sink
    shell.substituted = _apart(child, lambda: run_program(child, program))
    shell.budget.move(len(sink.data))
    return sink.data.replace(b"\0", b"").decode("latin-1")


def _command(shell: Shell, command: Command) -> None:
    shell.budget.spend()
    kind, before = command.kind, shell.streams
    if isinstance(kind, Simple):
        _simple(shell, kind, command)
        return
    if command.redirections and not _redirect(shell, command.redirections):
        return
    try:
        _compound(shell, kind)
    finally:
        shell.streams = before


def _compound(shell: Shell, kind: Kind) -> None:
    expander = Expander(shell, substitute)
    match kind:
        case Group():
            _group(shell, kind)
        case Choice():
            compound.choose(shell, kind, run_program)
        case Loop():
            compound.repeat(shell, kind, run_program)
        case Each():
            compound.go_over(shell, kind, run_program, expander)
        case Case():
            compound.select(shell, kind, run_program, expander)
        case Function():
            _define(shell, kind)


def _redirect(shell: Shell, redirections: tuple[Redirection, ...]) -> bool:
    """Open what a command wants; False, with a status, when something can't be opened."""
    try:
        shell.streams = redirected(shell, redirections, Expander(shell, substitute).text)
    except OSError as error:
        shell.complain(f"sh: cannot open {error.filename or error}: {reason(error)}")
        shell.status = 2
        return False
    return True


def _group(shell: Shell, group: Group) -> None:
    if group.is_subshell:
        child = shell.copy()
        shell.status = _apart(child, lambda: run_program(child, group.body))
    else:
        run_program(shell, group.body)


def _define(shell: Shell, function: Function) -> None:
    if function.name in builtins.SPECIAL:
        raise NotUnderstood(f"a function of the name {function.name}")
    shell.functions[function.name] = function.body
    shell.status = 0


def _simple(shell: Shell, simple: Simple, command: Command) -> None:
    shell.substituted = 0
    expander, before = Expander(shell, substitute), shell.streams
    is_export = len(simple.words) > 1 and simple.words[0] == (Text("export"),)
    fields = ["export", *expander.assignments(simple.words[1:])] if is_export else expander.fields(simple.words)
    try:
        if command.redirections and not _redirect(shell, command.redirections):
            if fields and fields[0] in builtins.SPECIAL:
                raise Exit(2)
            return
        if fields:
            _call(shell, fields, simple, expander)
        else:
            for name, word in simple.assignments:
                shell.variables[name] = expander.text(word)
            shell.status = shell.substituted
    finally:
        shell.streams = before


def _call(shell: Shell, fields: list[str], simple: Simple, expander: Expander) -> None:
    """Assignments in front of a command are its own, but those in front of a special builtin stay."""
    name, arguments = fields[0], fields[1:]
    if not simple.assignments:
        shell.status = _invoke(shell, name, arguments)
        return
    exported, before = set(shell.exported), list[tuple[str, str | None]]()
    for variable, word in simple.assignments:
        value = expander.text(word)
        before.append((variable, shell.variables.get(variable)))
        shell.variables[variable] = value
        shell.exported.add(variable)
    if name in builtins.SPECIAL:
        shell.exported = exported
        shell.status = _invoke(shell, name, arguments)
        return
    try:
        shell.status = _invoke(shell, name, arguments)
    finally:
        for variable, kept in reversed(before):
            if kept is None:
                shell.variables.pop(variable, None)
            else:
                shell.variables[variable] = kept
        shell.exported = exported


def _invoke(shell: Shell, name: str, arguments: list[str]) -> int:
    if name in shell.functions:
        return _function(shell, shell.functions[name], arguments)
    builtin = builtins.BUILTINS.get(name)
    return builtin(shell, arguments) if builtin else call_program(shell, name, arguments)


def _function(shell: Shell, body: Command, arguments: list[str]) -> int:
    outer, loops = shell.arguments, shell.loops
    shell.arguments, shell.loops = arguments, 0
    try:
        return _status_of(shell, body)
    except Return as ending:
        return ending.code
    finally:
        shell.arguments, shell.loops = outer, loops


def call_program(shell: Shell, name: str, arguments: list[str]) -> int:
    """Run a program by name; 127 when this host has none of that name."""
    path = programs.path_of(shell, name)
    if path is None:
        shell.complain(f"sh: {name}: not found")
        return NOT_FOUND
    bare = path.rpartition("/")[2]
    if bare in programs.SHELLS:
        return _another_shell(shell, arguments)
    if bare == "nohup":
        if not arguments or arguments[0].startswith("-"):
            raise NotUnderstood("nohup without a command")
        return call_program(shell, arguments[0], arguments[1:])
    try:
        return programs.PROGRAMS[bare](shell, arguments)
    except NotUnderstood as error:
        raise NotUnderstood(f"{bare}: {error}") from error


def _another_shell(shell: Shell, arguments: list[str]) -> int:
    """``sh -c script`` and ``sh -s``: a script that a fixture knows has the effect which that says."""
    child = shell.copy()
    child.variables = {name: value for name, value in shell.variables.items() if name in shell.exported}
    child.functions, child.arguments, child.loops, child.status = {}, [], 0, 0
    child.refuses_unset = child.has_background = False
    if arguments[:1] == ["-c"] and len(arguments) > 1:
        effect = known_script(shell, arguments[1])
        if effect is not None:
            return effect
        child.name, child.arguments = (arguments[2:] or ["sh"])[0], arguments[3:]
        return run_text(child, arguments[1])
    if arguments not in ([], ["-s"]):
        raise NotUnderstood(f"sh {' '.join(arguments)[:40]}")
    return run_text(child, shell.input().rest().decode("latin-1"))
