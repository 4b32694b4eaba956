"""The services of a simulated Windows host: those that its fixture names, and those that clients create.

A fixture's service is a state and no more: what it runs, nobody knows, so it answers the service control manager. A created
service is a command line: it is started as the local system, and answers nothing, as a command of cmd's does.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from unloop.rehearsal.cmd.command_line import NoProgram, run_command_line
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.powershell.registry import has_key
from unloop.rehearsal.scm.win32 import Failed, Win32

STOPPED, RUNNING = 1, 4
"""[MS-SCMR] 2.2.47."""
OWN_PROCESS, SHARED_PROCESS = 0x10, 0x20
DEMAND_START, DISABLED = 3, 4
MOST_SERVICES = 256
PATIENCE = 30.0
"""How long the service control manager waits for a program to answer (ServicesPipeTimeout)."""
_SAFE_BOOT = "SYSTEM\\CurrentControlSet\\Control\\SafeBoot"
_KEYS = {"network": "Network", "minimal": "Minimal"}


@dataclass(slots=True)
class Service:
    """One service. ``command_line`` is '' for one of the fixture's; ``deleted_in`` is the boot in which it was deleted."""

    name: str
    display_name: str
    command_line: str = ""
    kind: int = SHARED_PROCESS
    start_type: int = DEMAND_START
    error_control: int = 1
    exit_code: int = Win32.SERVICE_NEVER_STARTED
    deleted_in: int | None = None
    opens: tuple[int, int] = (0, 0)
    """A boot, and how many handles there are in it."""


class Database:
    """The services of one machine. ``later`` restarts it; ``pause`` is told how long an answer takes."""

    def __init__(self, machine: Machine, later: Callable[[float], None], pause: Callable[[float], None]) -> None:
        self._machine, self._later, self._pause = machine, later, pause

    def all(self) -> Iterator[Service]:
        """Every service, in order of name."""
        known: dict[str, str] = self._machine.state.get("services", {})
        names = {name.casefold() for name in known} | self._created().keys()
        yield from (self.find(name) for name in sorted(names))

    def find(self, name: str) -> Service:
        """A service by its name, without regard to case; raises Failed."""
        wanted = name.casefold()
        for key, service in self._created().items():
            if key == wanted:
                return service
        for known in self._machine.state.get("services", {}):
            if known.casefold() == wanted:
                return self._created().setdefault(wanted, Service(known, known, exit_code=0))
        raise Failed(Win32.SERVICE_DOES_NOT_EXIST)

    def create(self, service: Service) -> Service:
        """Add a service; raises Failed."""
        names = [one.name.casefold() for one in self.all()]
        shown = [one.display_name.casefold() for one in self.all()]
        if service.name.casefold() in names:
            is_leaving = self.find(service.name).deleted_in is not None
            raise Failed(Win32.SERVICE_MARKED_FOR_DELETE if is_leaving else Win32.SERVICE_EXISTS)
        if {service.display_name.casefold(), service.name.casefold()} & {
            *shown
        } or service.display_name.casefold() in names:
            raise Failed(Win32.DUPLICATE_SERVICE_NAME)
        if len(names) >= MOST_SERVICES:
            raise Failed(Win32.NOT_ENOUGH_MEMORY)
        self._created()[service.name.casefold()] = service
        return service

    def delete(self, service: Service) -> None:
        """Mark a service: it goes with its last handle when it does not run, or with the boot; raises Failed."""
        if service.deleted_in is not None:
            raise Failed(Win32.SERVICE_MARKED_FOR_DELETE)
        service.deleted_in = self._machine.boots

    def take(self, service: Service, *, handles: int = 1) -> None:
        """A handle is opened; -1 for one that is closed."""
        boot, count = service.opens
        service.opens = self._machine.boots, handles + (count if boot == self._machine.boots else 0)
        if service.opens[1] <= 0 and service.deleted_in is not None and self.state_of(service) != RUNNING:
            self._remove(service)

    def state_of(self, service: Service) -> int:
        """Whether it runs; in safe mode none does that we know of."""
        known: dict[str, str] = self._machine.state.get("services", {})
        return RUNNING if known.get(service.name) == "running" and not self._machine.safe_mode else STOPPED

    def start(self, service: Service) -> None:
        """Start a service; raises Failed. A command has run when it fails with SERVICE_REQUEST_TIMEOUT."""
        if service.deleted_in is not None:
            raise Failed(Win32.SERVICE_MARKED_FOR_DELETE)
        if service.start_type == DISABLED:
            raise Failed(Win32.SERVICE_DISABLED)
        if not self._may_start(service):
            raise Failed(Win32.NOT_SAFEBOOT_SERVICE)
        if self.state_of(service) == RUNNING:
            raise Failed(Win32.SERVICE_ALREADY_RUNNING)
        if not service.command_line:
            self._machine.state["services"][service.name] = "running"
            return
        try:
            ran = run_command_line(self._machine, service.command_line, self._later)
        except NoProgram as error:
            service.exit_code = Win32.FILE_NOT_FOUND
            raise Failed(Win32.FILE_NOT_FOUND) from error
        self._pause(min(ran.waited, PATIENCE))
        service.exit_code = Win32.SERVICE_REQUEST_TIMEOUT
        raise Failed(Win32.SERVICE_REQUEST_TIMEOUT)

    def stop(self, service: Service) -> None:
        """Stop a service; raises Failed."""
        if self.state_of(service) != RUNNING:
            raise Failed(Win32.SERVICE_NOT_ACTIVE)
        self._machine.state["services"][service.name] = "stopped"

    def _may_start(self, service: Service) -> bool:
        """In safe mode those start that are registered for it; directory services repair mode leaves nothing out."""
        key = _KEYS.get(self._machine.safe_mode)
        return key is None or has_key(self._machine, f"{_SAFE_BOOT}\\{key}\\{service.name}")

    def _created(self) -> dict[str, Service]:
        """The records of services; those that were deleted in an earlier boot are gone."""
        found: dict[str, Service] = self._machine.state.setdefault("service_records", {})
        for service in list(found.values()):
            if service.deleted_in is not None and service.deleted_in != self._machine.boots:
                self._remove(service)
        return found

    def _remove(self, service: Service) -> None:
        self._machine.state.get("services", {}).pop(service.name, None)
        self._machine.state["service_records"].pop(service.name.casefold(), None)
