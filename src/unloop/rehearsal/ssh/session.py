"""One command of an SSH client, given to the interpreter; nothing of it reaches the operator's machine."""

import asyncio
import re
from typing import Any

from unloop.model.host import System
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.posix.shell import Outcome, run

LONGEST_INPUT = 8 * 1024 * 1024
_TAKES_INPUT = re.compile(r"\s*(/bin/)?(sh|dash|bash)(\s+--posix)?(\s+-s?)?\s*|\s*(cat|sha256sum|base64 -d)\s*")
_LONGEST_WAIT = 60.0


async def run_command(machine: Machine, process: Any) -> None:
    """Carry out what a client asks for and say how it ended; a login shell takes its commands from the input."""
    command = process.command
    if machine.spec.system is not System.LINUX:
        process.stderr.write(
            f"{(command or 'cmd').split()[0]}: this simulated host runs no commands over SSH\r\n".encode()
        )
        process.exit(1)
        return
    given = b""
    if command is None or _TAKES_INPUT.fullmatch(command):
        given = await _all_of(process.stdin)
    outcome = run(machine, command if command is not None else "sh -s", given, later=_later(machine))
    await asyncio.sleep(min(outcome.waited, _LONGEST_WAIT))
    _say(process, outcome)


async def _all_of(stdin: Any) -> bytes:
    collected = bytearray()
    while chunk := await stdin.read(65536):
        collected += chunk
        if len(collected) > LONGEST_INPUT:
            return b""
    return bytes(collected)


def _later(machine: Machine) -> Any:
    """Restart the machine a while from now, unless it has come to another boot by then."""
    loop, boot = asyncio.get_running_loop(), machine.boots

    def restart(seconds: float) -> None:
        loop.call_later(seconds, lambda: machine.restart() if machine.boots == boot else None)

    return restart


def _say(process: Any, outcome: Outcome) -> None:
    process.stdout.write(outcome.stdout)
    process.stderr.write(outcome.stderr)
    process.exit(outcome.code)
