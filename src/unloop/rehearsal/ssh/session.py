"""One command of an SSH client, given to the interpreter; nothing of it reaches the operator's machine."""

import asyncio
from collections.abc import Callable
from typing import Any

from unloop.model.host import System
from unloop.rehearsal.cmd import shell as cmd
from unloop.rehearsal.cmd.shell import takes_input
from unloop.rehearsal.cmd.surroundings import Surroundings
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.posix.parser import parse
from unloop.rehearsal.posix.shell import Outcome, run
from unloop.rehearsal.posix.streams import Source
from unloop.rehearsal.posix.syntax import NotUnderstood, Simple, Text
from unloop.rehearsal.this_boot import ThisBoot

LONGEST_INPUT = 8 * 1024 * 1024
_READERS = frozenset({"sh", "dash", "/bin/sh", "cat", "sha256sum", "base64", "tr", "cut", "sed", "head", "od", "read"})


class Unread(Source):
    """The input of a command that is not known to want any: reading it is refused, for nobody waits for it."""

    def line(self) -> tuple[bytes, bool]:
        """Refused."""
        raise NotUnderstood("a command that reads its input behind another one")

    def rest(self) -> bytes:
        """Refused."""
        raise NotUnderstood("a command that reads its input behind another one")


async def run_command(machine: Machine, process: Any) -> None:
    """Carry out what a client asks for and say how it ended; a log-on shell takes its commands from the input."""
    boot = ThisBoot(machine)
    command = process.command or ("sh -s" if machine.spec.system is System.LINUX else "")
    is_linux = machine.spec.system is System.LINUX
    given: Source | None = Unread()
    if wants_input(command) if is_linux else takes_input(command):
        given = await _all_of(process.stdin)
    if given is None:
        _say(process, Outcome(2, b"", f"more than {LONGEST_INPUT >> 20} MiB of input\n".encode()))
        return
    if not boot.lasts():
        return
    outcome = (run if is_linux else _run_cmd)(machine, command, given, later=boot.restart)
    await asyncio.sleep(outcome.waited)
    if boot.lasts():
        _say(process, outcome)


def _run_cmd(machine: Machine, command: str, given: Source, *, later: Callable[[float], None]) -> Outcome:
    """A line of cmd, the shell of OpenSSH on Windows. It has no console, so it is no log-on shell."""
    text = "" if isinstance(given, Unread) else given.rest().decode("utf-8", "replace")
    ran = cmd.run(machine, command or "cmd", later=later, around=Surroundings({}, given=text))
    return Outcome(ran.code & 0xFFFFFFFF, ran.output.encode(), ran.errors.encode(), ran.waited)


def wants_input(command: str) -> bool:
    """Whether the first thing that a command line does may be to read."""
    lines = parse(command).lines
    first = lines[0][0].first.commands[0] if lines else None
    if first is None or not isinstance(first.kind, Simple) or not first.kind.words:
        return False
    words = [word[0].text if len(word) == 1 and isinstance(word[0], Text) else "" for word in first.kind.words]
    return words[0] in _READERS and "-c" not in words[1:2]


async def _all_of(stdin: Any) -> Source | None:
    """All input up to its end; None when it is too long."""
    collected = bytearray()
    while chunk := await stdin.read(65536):
        collected += chunk
        if len(collected) > LONGEST_INPUT:
            return None
    return Source(bytes(collected))


def _say(process: Any, outcome: Outcome) -> None:
    process.stdout.write(outcome.stdout)
    process.stderr.write(outcome.stderr)
    process.exit(outcome.code)
