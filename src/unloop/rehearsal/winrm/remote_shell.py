"""What every kind of remote shell has: a name, commands, and somebody who waits for what it says."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from unloop.rehearsal.machine import Machine
from unloop.rehearsal.winrm import fault
from unloop.rehearsal.winrm.fault import Fault
from unloop.rehearsal.winrm.outbox import Outbox
from unloop.rehearsal.winrm.soap import Message

MOST_COMMANDS = 100
LONGEST_INPUT = 8 * 1024 * 1024
TERMINATE, BREAKS = "terminate", frozenset({"ctrl_c", "ctrl_break"})


@dataclass(frozen=True, slots=True)
class Host:
    """Where shells run: the machine, how it is restarted some seconds from now, and a clock that only goes on."""

    machine: Machine
    later: Callable[[float], None]
    clock: Callable[[], float] = time.monotonic


class RemoteShell(ABC):
    """One shell of one client."""

    def __init__(self, identity: str, resource: str, host: Host) -> None:
        self.identity, self.resource, self.host = identity, resource, host
        self.since = host.clock()
        self.commands: dict[str, Outbox] = {}
        """By their identities in upper case."""
        self.is_closed = False
        self._waiters: set[Callable[[], None]] = set()

    @property
    @abstractmethod
    def description(self) -> str:
        """What the client is told of it when it is made, as XML."""

    @abstractmethod
    def command(self, message: Message) -> str:
        """Begin a command; answers its identity. Raises Fault."""

    @abstractmethod
    def send(self, command: str, data: bytes, *, is_end: bool) -> None:
        """Take input for a command, or for the shell where it is ''; raises Fault."""

    @abstractmethod
    def stop(self, command: str) -> None:
        """A command is told to stop; raises Fault."""

    def outbox(self, command: str) -> Outbox:
        """What a command says; raises Fault when there is no such command, or it has ended and said all."""
        found = self.commands.get(command.upper())
        if found is None:
            raise Fault(fault.UNEXPECTED_SELECTORS)
        return found

    def add_command(self, identity: str) -> Outbox:
        """Room for a new command; raises Fault."""
        if len(self.commands) >= MOST_COMMANDS:
            raise Fault(fault.TOO_MANY_COMMANDS)
        if identity.upper() in self.commands:
            raise Fault(fault.INVALID_PARAMETER)
        return self.commands.setdefault(identity.upper(), Outbox())

    def forget(self, command: str) -> None:
        """A command is over for the client; raises Fault when there is none."""
        self.outbox(command)
        del self.commands[command.upper()]
        self.changed()

    def close(self) -> None:
        """The shell ends, and what waits for it is told."""
        self.is_closed = True
        self.commands.clear()
        self.changed()

    def wait(self, waiter: Callable[[], None]) -> None:
        """Call when something changes."""
        self._waiters.add(waiter)

    def leave(self, waiter: Callable[[], None]) -> None:
        """Don't call any more."""
        self._waiters.discard(waiter)

    def changed(self) -> None:
        """Tell everybody who waits."""
        for waiter in tuple(self._waiters):
            waiter()
