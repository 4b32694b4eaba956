"""Carry out a command line on a simulated host: in memory, bounded, and nowhere else."""

from collections.abc import Callable
from dataclasses import dataclass

from unloop.rehearsal.machine import Machine
from unloop.rehearsal.posix.bytetext import inside
from unloop.rehearsal.posix.evaluate import run_text
from unloop.rehearsal.posix.state import Shell
from unloop.rehearsal.posix.streams import Sink, Source, Stream
from unloop.rehearsal.posix.syntax import NotUnderstood

_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/games"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended, what it said, and how long it slept; ``refused`` says what was not understood of it."""

    code: int
    stdout: bytes
    stderr: bytes
    waited: float = 0.0
    refused: str = ""


def run(machine: Machine, command: str, given: Source | bytes = b"", *, later: Callable[[float], None]) -> Outcome:
    """Run a command line on a machine; ``later`` restarts it so many seconds from now.

    What is not understood ends the whole program, whoever of its parts it was, with exit code 2.
    """
    output, errors = Sink(), Sink()
    source = given if isinstance(given, Source) else Source(given)
    streams: dict[int, Stream] = {0: source, 1: output, 2: errors}
    variables = {"PATH": _PATH, "HOME": "/root", "USER": inside(machine.spec.username), "PWD": "/root"}
    shell = Shell(machine, later, variables=variables, exported=set(variables), streams=streams)
    refused = ""
    try:
        code = run_text(shell, inside(command))
    except NotUnderstood as error:
        code, refused = 2, str(error)
    except RecursionError:
        code, refused = 2, "a program that is nested too deeply"
    said = f"this simulated host does not understand: {refused}\n".encode("latin-1", "replace") if refused else b""
    return Outcome(code, bytes(output.data), bytes(errors.data) + said, shell.clock.waited, refused)
