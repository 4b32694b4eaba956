"""Carry out a PowerShell program on a simulated host: in memory, bounded, and nowhere else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from unloop.rehearsal.machine import Machine
from unloop.rehearsal.powershell.console import printed
from unloop.rehearsal.powershell.error_types import end_of, record_of
from unloop.rehearsal.powershell.errors import ErrorRecord, Exit, Failure, GoOn, Leave, NotUnderstood, Return
from unloop.rehearsal.powershell.execute import Interpreter
from unloop.rehearsal.powershell.host_types import Version
from unloop.rehearsal.powershell.parser import parse
from unloop.rehearsal.powershell.plain import plain
from unloop.rehearsal.powershell.state import SHELL_VERSION, Session, environment_of, limit
from unloop.rehearsal.powershell.values import Hashtable, inward

__all__ = ["ErrorRecord", "Outcome", "run"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended, what it put out, and how long it slept.

    ``output`` holds plain values: str, int, float, bool, None, lists, and dicts for records. ``text`` is the same as a
    console prints it. ``had_errors`` says that an error ended the program.
    """

    output: tuple[Any, ...]
    text: str
    errors: tuple[ErrorRecord, ...]
    code: int
    had_errors: bool
    waited: float = 0.0


def run(
    machine: Machine, program: str, *, later: Callable[[float], None], safe: bool = False, given: str | None = None
) -> Outcome:
    """Run a program on a machine; ``later`` restarts it so many seconds from now, ``safe`` says it is in safe mode.

    ``given`` is its standard input, which it finds in ``$input``.
    """
    lines = None if given is None else tuple(inward(line) for line in given.splitlines())
    session = Session(machine, later, is_safe_mode=safe or bool(machine.safe_mode), given=lines)
    session.environment = environment_of(session)
    session.root.variables["psversiontable"] = _version_table()
    code, had_errors = _run(session, program)
    try:
        output, text = tuple(plain(value, session.budget) for value in session.output), printed(session)
    except (NotUnderstood, RecursionError) as error:
        session.errors.append(_end(error))
        output, text, code, had_errors = (), "", 1, True
    return Outcome(output, text, tuple(session.errors), code, had_errors, session.waited)


def _run(session: Session, program: str) -> tuple[int, bool]:
    """Run to the end; the exit code, and whether an error ended it."""
    interpreter = Interpreter(session)
    try:
        for part in parse(program).parts:
            interpreter.run(part.body, session.output)
    except Exit as ending:
        return ending.code, False
    except (Return, Leave, GoOn):
        return 0, False
    except Failure as failure:
        session.errors.append(record_of(failure))
        return 1, True
    except (NotUnderstood, RecursionError) as error:
        session.errors.append(_end(error))
        return 1, True
    return 0, False


def _end(error: NotUnderstood | RecursionError) -> ErrorRecord:
    if isinstance(error, NotUnderstood):
        return end_of(error)
    return end_of(limit("a program that is nested too deeply for a simulated host"))


def _version_table() -> Hashtable:
    table = Hashtable()
    table.put("PSVersion", Version(SHELL_VERSION))
    table.put("PSEdition", "Desktop")
    table.put("PSCompatibleVersions", [Version(text) for text in ("1.0", "2.0", "3.0", "4.0", "5.0", SHELL_VERSION)])
    table.put("BuildVersion", Version("10.0.20348.2582"))
    table.put("CLRVersion", Version("4.0.30319.42000"))
    table.put("WSManStackVersion", Version("3.0"))
    table.put("PSRemotingProtocolVersion", Version("2.3"))
    table.put("SerializationVersion", Version("1.1.0.1"))
    return table
