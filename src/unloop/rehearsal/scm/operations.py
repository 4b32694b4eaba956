"""The interface svcctl: service control over RPC ([MS-SCMR] 3.1.4), as much of it as lists services and runs them."""

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from unloop.rehearsal.rpc.association import Interface, Operation
from unloop.rehearsal.rpc.ndr import HANDLE_LENGTH, POINTER, Reader, array, numbers
from unloop.rehearsal.rpc.pdu import Fault, FaultStatus
from unloop.rehearsal.scm import layouts
from unloop.rehearsal.scm.database import (
    DEMAND_START,
    DISABLED,
    OWN_PROCESS,
    RUNNING,
    SHARED_PROCESS,
    STOPPED,
    Database,
    Service,
)
from unloop.rehearsal.scm.win32 import Failed, Win32

_IDENTITY = uuid.UUID("367abb81-9844-35f1-ad32-98f038001003")
_MOST_HANDLES = 256
_LONGEST_NAME, _LONGEST_PATH, _LARGEST_BUFFER, _LARGEST_BLOB = 257, 32768, 256 * 1024, 4096
_DATABASE = "servicesactive"
_WIN32, _INTERACTIVE, _ACTIVE, _INACTIVE = 0x30, 0x100, 0x1, 0x2
_CONTROLS_STOP, _CONTROLS_ASK = 1, 4
_STATUS_PROCESS = 0

CREATE, ENUMERATE = 0x2, 0x4
QUERY_CONFIG, QUERY_STATUS, START, STOP, INTERROGATE, DELETE = 0x1, 0x4, 0x10, 0x20, 0x80, 0x10000
"""Rights on a manager's handle, and on a service's ([MS-SCMR] 3.1.4)."""
_ALL = 0xF01FF
_GENERIC = (
    (0x02000000, _ALL),
    (0x10000000, _ALL),
    (0x20000000, START | STOP | 0x140),
    (0x40000000, CREATE | 0x2),
    (0x80000000, QUERY_CONFIG | QUERY_STATUS | ENUMERATE | INTERROGATE),
)


@dataclass(slots=True)
class _Handle:
    """What a handle of a client's stands for: the manager, or a service."""

    access: int
    service: Service | None = None


class ServiceControl:
    """One client's view of the services of a machine: its handles, and what it may do with them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._handles: dict[bytes, _Handle] = {}

    def interface(self) -> Interface:
        """The operations by their numbers."""
        operations: dict[int, Operation] = {
            0: self._close,
            1: _told(self._control, 28),
            2: _told(self._delete),
            6: _told(self._query_status, 28),
            12: _told(self._create, 4 + HANDLE_LENGTH),
            14: self._enumerate,
            15: _told(self._open_manager, HANDLE_LENGTH),
            16: _told(self._open_service, HANDLE_LENGTH),
            17: self._query_config,
            19: _told(self._start),
            40: self._query_status_ex,
        }
        return Interface(_IDENTITY, (2, 0), operations, self._lost)

    def _open_manager(self, call: Reader) -> bytes:
        call.optional_text(_LONGEST_PATH)
        database = call.optional_text(_LONGEST_NAME)
        if database is not None and database.casefold() != _DATABASE:
            raise Failed(Win32.DATABASE_DOES_NOT_EXIST)
        return self._give(_Handle(_granted(call.number())))

    def _open_service(self, call: Reader) -> bytes:
        self._manager(call, 0)
        name, access = call.text(_LONGEST_NAME), call.number()
        return self._give(_Handle(_granted(access), self._database.find(_named(name))))

    def _create(self, call: Reader) -> bytes:
        """RCreateServiceW (3.1.4.11): a program that is started by hand, as the local system."""
        self._manager(call, CREATE)
        name = _named(call.text(_LONGEST_NAME))
        shown = call.optional_text(_LONGEST_NAME) or name
        access, kind, start_type, error_control = (call.number() for _ in range(4))
        command_line = call.text(_LONGEST_PATH)
        call.optional_text(_LONGEST_NAME)
        tag = call.optional_number()
        dependencies, _ = call.optional_bytes(_LARGEST_BLOB), call.number()
        account = call.optional_text(_LONGEST_NAME)
        call.optional_bytes(_LARGEST_BLOB)
        call.number()
        if error_control > 3 or start_type not in {0, 1, 2, DEMAND_START, DISABLED} or not command_line:
            raise Failed(Win32.INVALID_PARAMETER)
        is_plain = kind & ~_INTERACTIVE in {OWN_PROCESS, SHARED_PROCESS} and start_type in {DEMAND_START, DISABLED}
        if not is_plain or (dependencies or b"").strip(b"\0") or (account or "LocalSystem").casefold() != "localsystem":
            raise Failed(Win32.NOT_SUPPORTED)
        made = Service(name, shown, command_line, kind, start_type, error_control)
        handle = self._give(_Handle(_granted(access), self._database.create(made)))
        return (numbers(0) if tag is None else numbers(POINTER, 0)) + handle

    def _delete(self, call: Reader) -> bytes:
        self._database.delete(self._service(call, DELETE))
        return b""

    def _start(self, call: Reader) -> bytes:
        self._database.start(self._service(call, START))
        return b""

    def _control(self, call: Reader) -> bytes:
        """RControlService (3.1.4.2): stop, and tell how it is."""
        handle, control = self._known(call.handle()), call.number()
        needed = {_CONTROLS_STOP: STOP, _CONTROLS_ASK: INTERROGATE}.get(control)
        if needed is None:
            raise Failed(Win32.INVALID_SERVICE_CONTROL if control < 256 else Win32.INVALID_PARAMETER)
        service = _service(handle, needed)
        if self._database.state_of(service) != RUNNING:
            raise Failed(Win32.SERVICE_NOT_ACTIVE)
        if control == _CONTROLS_STOP:
            self._database.stop(service)
        return layouts.status(service, self._database.state_of(service))

    def _query_status(self, call: Reader) -> bytes:
        service = self._service(call, QUERY_STATUS)
        return layouts.status(service, self._database.state_of(service))

    def _query_status_ex(self, call: Reader) -> bytes:
        """RQueryServiceStatusEx (3.1.4.30)."""
        handle, level, room = self._known(call.handle()), call.number(), _room(call)
        try:
            service = _service(handle, QUERY_STATUS)
        except Failed as error:
            return array(bytes(room)) + numbers(0, error.code)
        told = layouts.status_process(service, self._database.state_of(service))
        if level != _STATUS_PROCESS or room < len(told):
            code = Win32.INVALID_LEVEL if level != _STATUS_PROCESS else Win32.INSUFFICIENT_BUFFER
            return array(bytes(room)) + numbers(len(told), code)
        return array(told.ljust(room, b"\0")) + numbers(len(told), Win32.SUCCESS)

    def _query_config(self, call: Reader) -> bytes:
        """RQueryServiceConfigW (3.1.4.17)."""
        try:
            service = self._service(call, QUERY_CONFIG)
        except Failed as error:
            return bytes(layouts.ENTRY) + numbers(0, error.code)
        needed = layouts.configuration_length(service)
        if _room(call) < needed:
            return bytes(layouts.ENTRY) + numbers(needed, Win32.INSUFFICIENT_BUFFER)
        return layouts.configuration(service) + numbers(needed, Win32.SUCCESS)

    def _enumerate(self, call: Reader) -> bytes:
        """REnumServicesStatusW (3.1.4.14)."""
        try:
            self._manager(call, ENUMERATE)
            refused = Win32.SUCCESS
        except Failed as error:
            refused = error.code
        kinds, states, room, resume = call.number(), call.number(), _room(call), call.optional_number()
        if not refused and (not 0 < states < 4 or not kinds):
            refused = Win32.INVALID_PARAMETER
        if refused:
            return array(bytes(room)) + numbers(0, 0) + _pointer_to(resume, 0) + numbers(refused)
        found = [pair for pair in self._all() if pair[0].kind & kinds and states & _bit(pair[1])]
        start = resume or 0
        content, count, missing = layouts.listing(found[start:], room)
        code, next_one = (Win32.MORE_DATA, start + count) if missing else (Win32.SUCCESS, 0)
        return array(content) + numbers(missing, count) + _pointer_to(resume, next_one) + numbers(code)

    def _all(self) -> list[tuple[Service, int]]:
        return [(service, self._database.state_of(service)) for service in self._database.all()]

    def _close(self, call: Reader) -> bytes:
        handle = call.handle()
        self._known(handle)
        self._let_go(handle)
        return bytes(HANDLE_LENGTH) + numbers(Win32.SUCCESS)

    def _lost(self) -> None:
        for handle in tuple(self._handles):
            self._let_go(handle)

    def _let_go(self, handle: bytes) -> None:
        service = self._handles.pop(handle).service
        if service is not None:
            self._database.take(service, handles=-1)

    def _give(self, handle: _Handle) -> bytes:
        if len(self._handles) >= _MOST_HANDLES:
            raise Failed(Win32.NOT_ENOUGH_MEMORY)
        number = bytes(4) + secrets.token_bytes(HANDLE_LENGTH - 4)
        self._handles[number] = handle
        if handle.service is not None:
            self._database.take(handle.service)
        return number

    def _known(self, number: bytes) -> _Handle:
        """A handle; one that was never given is a fault, not an answer (C706, 4.2.16.6)."""
        if number not in self._handles:
            raise Fault(FaultStatus.CONTEXT_MISMATCH)
        return self._handles[number]

    def _manager(self, call: Reader, needed: int) -> None:
        handle = self._known(call.handle())
        if handle.service is not None:
            raise Failed(Win32.INVALID_HANDLE)
        _demand(handle, needed)

    def _service(self, call: Reader, needed: int) -> Service:
        return _service(self._known(call.handle()), needed)


def _service(handle: _Handle, needed: int) -> Service:
    if handle.service is None:
        raise Failed(Win32.INVALID_HANDLE)
    _demand(handle, needed)
    return handle.service


def _demand(handle: _Handle, needed: int) -> None:
    if handle.access & needed != needed:
        raise Failed(Win32.ACCESS_DENIED)


def _told(operation: Callable[[Reader], bytes], length: int = 0) -> Operation:
    """An operation with its error code behind what it answers, which is all zeros when it fails."""

    def carry_out(call: Reader) -> bytes:
        try:
            return operation(call) + numbers(Win32.SUCCESS)
        except Failed as error:
            return bytes(length) + numbers(error.code)

    return carry_out


def _granted(wanted: int) -> int:
    """The rights of an administrator: all that are asked for, generic ones written out."""
    for generic, rights in _GENERIC:
        if wanted & generic:
            wanted |= rights
    return wanted & _ALL


def _named(name: str) -> str:
    if not name or "/" in name or "\\" in name:
        raise Failed(Win32.INVALID_NAME)
    return name


def _room(call: Reader) -> int:
    room = call.number()
    if room > _LARGEST_BUFFER:
        raise Fault(FaultStatus.BAD_STUB_DATA)
    return room


def _bit(state: int) -> int:
    return _INACTIVE if state == STOPPED else _ACTIVE


def _pointer_to(asked: int | None, value: int) -> bytes:
    return numbers(0) if asked is None else numbers(POINTER, value)
