"""Service control on a simulated Windows host without a wire: calls, answers, rights, and garbage."""

import contextlib
import struct
import uuid
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulated import machine_with
from unloop.channels import svcctl
from unloop.channels.svcctl import Call
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.rpc.association import NDR, Association
from unloop.rehearsal.rpc.pdu import Broken, FaultStatus, Kind, packed
from unloop.rehearsal.scm.database import RUNNING, STOPPED, Database
from unloop.rehearsal.scm.operations import ServiceControl
from unloop.rehearsal.scm.win32 import Win32

ALL = 0xF003F
QUERY_STATUS, ENUMERATE, CONTROL, STATUS_EX, CONFIG = 6, 14, 1, 40, 17
COMMAND = r'cmd.exe /d /c "bcdedit.exe /set {default} safeboot network & del C:\Windows\Temp\x"'


def never(seconds: float) -> None:
    """What must not happen."""
    pytest.fail(f"told of {seconds} s")


def windows(**services: str) -> Machine:
    """A Windows host with services."""
    machine = machine_with({("Windows", "Temp", "x"): b"", ("Windows", "System32", "y"): b""})
    machine.state["services"] = dict(services)
    return machine


class Client:
    """One client of the pipe, bound."""

    def __init__(
        self, machine: Machine, *, later: Callable[[float], None] = never, pauses: list[float] | None = None
    ) -> None:
        paused = pauses.append if pauses is not None else lambda _: None
        self.server = Association([ServiceControl(Database(machine, later, paused)).interface()], "svcctl")
        svcctl.check_bound(self.server.feed(svcctl.bind(1))[0])

    def call(self, number: int, stub: bytes) -> bytes:
        """The stub of the answer to a call."""
        body = struct.pack("<IHH", len(stub), 0, number) + stub
        answers = self.server.feed(packed(Kind.REQUEST, 2, body))
        return b"".join(answer[24:] for answer in answers)

    def code(self, number: int, stub: bytes) -> int:
        """The error code at the end of an answer."""
        return int(struct.unpack("<I", self.call(number, stub)[-4:])[0])

    def manager(self, access: int = ALL) -> bytes:
        """A handle of the manager."""
        return self.call(Call.OPEN_MANAGER, svcctl.NULL * 2 + struct.pack("<I", access))[:20]

    def open(self, name: str) -> bytes:
        """A handle of a service."""
        return self.call(Call.OPEN_SERVICE, svcctl.open_service(self.manager(), name))[:20]

    def create(self, name: str, command_line: str = COMMAND) -> bytes:
        """A new service's handle."""
        return self.call(Call.CREATE_SERVICE, svcctl.create_service(self.manager(), name, command_line))[4:24]

    def start(self, service: bytes) -> int:
        """Start it; the error code."""
        return self.code(Call.START_SERVICE, svcctl.start_service(service))


def numbers(stub: bytes) -> tuple[int, ...]:
    """An answer as numbers."""
    return struct.unpack(f"<{len(stub) // 4}I", stub[: len(stub) // 4 * 4])


def fault_of(answer: bytes) -> int:
    """The status of a fault."""
    assert answer[2] == Kind.FAULT
    return int(struct.unpack_from("<I", answer, 24)[0])


def test_a_command_runs_as_a_service_that_never_answers() -> None:
    """The start of a program that is no service times out, and its command has run."""
    machine, pauses = windows(), list[float]()
    client = Client(machine, pauses=pauses)
    service = client.create("unloop-1")
    assert client.start(service) == Win32.SERVICE_REQUEST_TIMEOUT
    assert (machine.state["safe_boot"], machine.files.exists(("Windows", "Temp", "x"))) == ("network", False)
    assert numbers(client.call(QUERY_STATUS, service)) == (0x10, STOPPED, 0, 1053, 0, 0, 0, 0)
    assert pauses == [0.0]


@pytest.mark.parametrize(("seconds", "paused"), [(2, 2.0), (40, 30.0)])
def test_a_start_waits_for_its_program(seconds: int, paused: float) -> None:
    """The answer comes when the program has ended, or when the manager has waited long enough."""
    pauses: list[float] = []
    client = Client(windows(), pauses=pauses)
    client.start(client.create("s", f"powershell.exe -NoProfile -Command Start-Sleep {seconds}"))
    assert pauses == [paused]


def test_a_restart_is_ordered_by_a_service() -> None:
    """A command line that restarts the host does so as from any other shell."""
    ordered: list[float] = []
    client = Client(windows(), later=ordered.append)
    assert client.start(client.create("r", "shutdown.exe /r /t 0 /f")) == Win32.SERVICE_REQUEST_TIMEOUT
    assert ordered == [0.0]


def test_a_program_that_is_not_there_is_told() -> None:
    """A service can be created for any program, and started only where there is one."""
    client = Client(windows())
    assert client.start(client.create("n", r"C:\nothing\here.exe /x")) == Win32.FILE_NOT_FOUND


@pytest.mark.parametrize(
    "command_line",
    [
        r"%SystemRoot%\System32\bcdedit.exe /set safeboot minimal",
        r'"C:\Windows\system32\cmd.exe" /c bcdedit /set {default} safeboot minimal',
        "%COMSPEC% /q /c bcdedit /set {current} safeboot minimal",
    ],
)
def test_a_command_line_is_taken_apart_as_windows_does(command_line: str) -> None:
    """Variables are filled in, and the program may stand in quotes or with its path."""
    machine = windows()
    client = Client(machine)
    assert client.start(client.create("s", command_line)) == Win32.SERVICE_REQUEST_TIMEOUT
    assert machine.state["safe_boot"] == "minimal"


def test_a_service_of_the_fixture_is_started_and_stopped() -> None:
    """What the fixture calls a service answers the manager; a second start or stop is told apart."""
    machine = windows(Spooler="stopped")
    client = Client(machine)
    service = client.open("spooler")
    assert [client.start(service), client.start(service)] == [Win32.SUCCESS, Win32.SERVICE_ALREADY_RUNNING]
    assert numbers(client.call(QUERY_STATUS, service))[1] == RUNNING
    stop = service + struct.pack("<I", 1)
    assert [client.code(CONTROL, stop), client.code(CONTROL, stop)] == [Win32.SUCCESS, Win32.SERVICE_NOT_ACTIVE]
    assert machine.state["services"] == {"Spooler": "stopped"}


@pytest.mark.parametrize(("mode", "registered"), [("network", "Network"), ("minimal", "Minimal")])
def test_in_safe_mode_only_registered_services_start(mode: str, registered: str) -> None:
    """Windows starts in safe mode what stands below SafeBoot in the registry, and refuses the rest with 1084."""
    machine = windows()
    machine.safe_mode = mode
    client = Client(machine)
    assert client.start(client.create("one")) == Win32.NOT_SAFEBOOT_SERVICE
    assert "safe_boot" not in machine.state
    key = rf"HKLM\SYSTEM\CurrentControlSet\Control\SafeBoot\{registered}\two\(default)"
    machine.state["registry"] = {key: "Service"}
    assert client.start(client.create("two")) == Win32.SERVICE_REQUEST_TIMEOUT
    assert machine.state["safe_boot"] == "network"


def test_directory_services_repair_mode_starts_every_service() -> None:
    """It leaves nothing out but the directory."""
    machine = windows()
    machine.safe_mode = "dsrepair"
    client = Client(machine)
    assert client.start(client.create("one")) == Win32.SERVICE_REQUEST_TIMEOUT


def test_a_deleted_service_goes_with_its_last_handle_or_with_the_boot() -> None:
    """Until then it is marked: it can be neither started, nor deleted again, nor made anew."""
    machine = windows()
    client = Client(machine)
    service, other = client.create("s"), client.open("s")
    assert [client.code(Call.DELETE_SERVICE, each) for each in (service, other)] == [0, Win32.SERVICE_MARKED_FOR_DELETE]
    again = svcctl.create_service(client.manager(), "S", COMMAND)
    assert client.start(other) == Win32.SERVICE_MARKED_FOR_DELETE
    assert client.code(Call.CREATE_SERVICE, again) == Win32.SERVICE_MARKED_FOR_DELETE
    client.call(Call.CLOSE_HANDLE, service)
    assert client.code(Call.CREATE_SERVICE, again) == Win32.SERVICE_MARKED_FOR_DELETE
    client.server.lost()
    fresh = Client(machine)
    assert fresh.code(Call.OPEN_SERVICE, svcctl.open_service(fresh.manager(), "s")) == Win32.SERVICE_DOES_NOT_EXIST
    fresh.code(Call.DELETE_SERVICE, fresh.create("s"))
    machine.boots += 1
    later = Client(machine)
    assert later.code(Call.OPEN_SERVICE, svcctl.open_service(later.manager(), "s")) == Win32.SERVICE_DOES_NOT_EXIST


def test_a_service_stays_over_a_boot() -> None:
    """What is not deleted is there in the next boot, and can be deleted there."""
    machine = windows()
    Client(machine).create("s")
    machine.boots += 1
    client = Client(machine)
    service = client.open("s")
    assert client.code(Call.DELETE_SERVICE, service) == 0
    client.call(Call.CLOSE_HANDLE, service)
    assert client.code(Call.OPEN_SERVICE, svcctl.open_service(client.manager(), "s")) == Win32.SERVICE_DOES_NOT_EXIST


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        ("Spooler", {}, Win32.SERVICE_EXISTS),
        ("a/b", {}, Win32.INVALID_NAME),
        ("a\\b", {}, Win32.INVALID_NAME),
        ("s", {"kind": 1}, Win32.NOT_SUPPORTED),
        ("s", {"start": 2}, Win32.NOT_SUPPORTED),
        ("s", {"start": 9}, Win32.INVALID_PARAMETER),
        ("s", {"error": 4}, Win32.INVALID_PARAMETER),
        ("s", {"start": 4}, Win32.SUCCESS),
    ],
)
def test_what_can_not_be_created_is_told(name: str, change: dict[str, int], code: Win32) -> None:
    """Names that are taken or none, drivers, services that start by themselves: each has its error."""
    client = Client(windows(Spooler="running"))
    whole = svcctl.create_service(client.manager(), name, COMMAND)
    kinds = struct.pack("<IIII", svcctl.SERVICE_ALL_ACCESS, 0x10, 3, 0)
    wanted = struct.pack(
        "<IIII", svcctl.SERVICE_ALL_ACCESS, change.get("kind", 0x10), change.get("start", 3), change.get("error", 0)
    )
    assert client.code(Call.CREATE_SERVICE, whole.replace(kinds, wanted)) == code


def test_a_disabled_service_is_not_started() -> None:
    """Disabled means that nobody starts it."""
    client = Client(windows())
    whole = svcctl.create_service(client.manager(), "s", COMMAND)
    kinds = struct.pack("<IIII", svcctl.SERVICE_ALL_ACCESS, 0x10, 3, 0)
    disabled = struct.pack("<IIII", svcctl.SERVICE_ALL_ACCESS, 0x10, 4, 0)
    service = client.call(Call.CREATE_SERVICE, whole.replace(kinds, disabled))[4:24]
    assert client.start(service) == Win32.SERVICE_DISABLED


def test_rights_and_handles_are_minded() -> None:
    """A handle does what it was opened for; one of another kind is an error, one that was never given a fault."""
    client = Client(windows(Spooler="running"))
    weak = client.manager(access=1)
    assert client.code(Call.CREATE_SERVICE, svcctl.create_service(weak, "s", COMMAND)) == Win32.ACCESS_DENIED
    assert client.code(Call.START_SERVICE, svcctl.start_service(weak)) == Win32.INVALID_HANDLE
    assert (
        client.code(Call.OPEN_SERVICE, svcctl.open_service(client.open("Spooler"), "Spooler")) == Win32.INVALID_HANDLE
    )
    reader = client.call(Call.OPEN_SERVICE, client.manager() + svcctl.text("Spooler") + struct.pack("<I", 0x80000000))[
        :20
    ]
    assert client.start(reader) == Win32.ACCESS_DENIED
    assert client.code(Call.DELETE_SERVICE, reader) == Win32.ACCESS_DENIED
    body = struct.pack("<IHH", 20, 0, Call.DELETE_SERVICE) + bytes(range(20))
    assert fault_of(client.server.feed(packed(Kind.REQUEST, 3, body))[0]) == FaultStatus.CONTEXT_MISMATCH


def test_a_listing_comes_in_parts_where_the_room_is_small() -> None:
    """What does not fit is announced, and comes with the next call; the two parts hold every service once."""
    machine = windows(**{f"service-{number:02d}": "running" for number in range(40)})
    client = Client(machine)
    names: list[str] = []
    resume, code = 0, int(Win32.MORE_DATA)
    while code == Win32.MORE_DATA:
        asked = struct.pack("<IIIII", 0x30, 3, 1000, 1, resume)
        answer = client.call(ENUMERATE, client.manager() + asked)
        buffer = answer[4:1004]
        _, count, _, resume, code = numbers(answer[1004:])
        for index in range(count):
            start = struct.unpack_from("<I", buffer, 36 * index)[0]
            names.append(buffer[start:].decode("utf-16-le", "replace").partition("\0")[0])
    assert (names, code) == (sorted(machine.state["services"]), 0)


def test_a_status_wants_room() -> None:
    """The extended status says how much room it needs; another level is an error."""
    client = Client(windows(Spooler="running"))
    service = client.open("Spooler")
    small, whole = (client.call(STATUS_EX, service + struct.pack("<II", 0, room)) for room in (8, 36))
    assert numbers(small)[-2:] == (36, Win32.INSUFFICIENT_BUFFER)
    assert numbers(whole) == (36, 0x20, RUNNING, 1, 0, 0, 0, 0, 0, 0, 36, 0)
    assert client.code(STATUS_EX, service + struct.pack("<II", 7, 36)) == Win32.INVALID_LEVEL
    assert numbers(client.call(CONFIG, service + struct.pack("<I", 10)))[-1] == Win32.INSUFFICIENT_BUFFER


def test_calls_and_answers_come_in_fragments() -> None:
    """A call may come in pieces, and a long answer goes in pieces that the client has room for."""
    client = Client(windows(**{f"service-{number:03d}": "running" for number in range(200)}))
    stub = client.manager() + struct.pack("<IIII", 0x30, 3, 60_000, 0)
    head = struct.pack("<IHH", len(stub), 0, ENUMERATE)
    assert client.server.feed(packed(Kind.REQUEST, 5, head + stub[:20], 1)) == []
    answers = client.server.feed(packed(Kind.REQUEST, 5, head + stub[20:], 2))
    assert {len(answer) <= 5840 for answer in answers} == {True}
    assert [answer[3] & 3 for answer in answers] == [1, *[0] * (len(answers) - 2), 2]
    assert sum(len(answer) - 24 for answer in answers) == 4 + 60_000 + 16


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((uuid.UUID(int=1).bytes_le, NDR), (2, 1)),
        ((svcctl.INTERFACE[:16], bytes(20)), (2, 2)),
        ((svcctl.INTERFACE[:16], uuid.UUID("6cb71c2c-9812-4540-0300-000000000000").bytes_le + b"\1\0\0\0"), (3, 0)),
    ],
)
def test_what_a_bind_may_propose(change: tuple[bytes, bytes], reason: tuple[int, int]) -> None:
    """Other interfaces and encodings are refused one by one; a question about features is answered with none."""
    server = Association([ServiceControl(Database(windows(), never, never)).interface()], "svcctl")
    identity, transfer = change
    context = struct.pack("<HBx", 0, 1) + identity + struct.pack("<HH", 2, 0) + transfer
    bind = packed(Kind.BIND, 1, struct.pack("<HHIBxxx", 4280, 4280, 0, 1) + context)
    assert struct.unpack("<HH", server.feed(bind)[0][-24:-20]) == reason


def test_security_is_refused_by_name() -> None:
    """A bind that wants RPC's own security gets a refusal that says so."""
    server = Association([ServiceControl(Database(windows(), never, never)).interface()], "svcctl")
    whole = bytearray(svcctl.bind(1) + bytes(16))
    struct.pack_into("<HH", whole, 8, len(whole), 8)
    assert server.feed(bytes(whole))[0][2] == Kind.BIND_NAK


def test_a_flood_of_questions_ends_the_pipe() -> None:
    """A peer that asks for more at once than it could ever read is not answered."""
    client = Client(windows())
    stub = client.manager() + struct.pack("<IIII", 0x30, 3, 250_000, 0)
    question = packed(Kind.REQUEST, 2, struct.pack("<IHH", len(stub), 0, ENUMERATE) + stub)
    with pytest.raises(Broken):
        client.server.feed(question * 10)


NUMBERS = st.integers(0, 0xFFFFFFFF).map(lambda number: struct.pack("<I", number))
SMALL = st.integers(0, 40).map(lambda number: struct.pack("<I", number))
STUBS = st.lists(st.one_of(st.binary(max_size=40), NUMBERS, SMALL, st.text(max_size=8).map(svcctl.text)), max_size=12)


@settings(max_examples=300, deadline=None)
@given(calls=st.lists(st.tuples(st.integers(0, 45), STUBS, st.booleans()), max_size=6))
def test_no_call_breaks_the_server(calls: list[tuple[int, list[bytes], bool]]) -> None:
    """Whatever a call carries, it is answered, by an error code or by a fault; another client is served after it."""
    machine = windows(Spooler="running")
    client = Client(machine, later=lambda _: None)
    for number, parts, is_service in calls:
        handle = client.open("Spooler") if is_service else client.manager()
        assert client.call(number, handle + b"".join(parts))
    assert Client(machine).manager() != bytes(20)


@settings(max_examples=300, deadline=None)
@given(
    pieces=st.lists(
        st.one_of(st.binary(max_size=200), st.just(svcctl.bind(1)), st.just(svcctl.bind(1)[:40])), max_size=6
    )
)
def test_garbage_on_the_pipe_breaks_nothing_but_the_pipe(pieces: list[bytes]) -> None:
    """Bytes that are no RPC end the pipe; they never raise anything else."""
    server = Association([ServiceControl(Database(windows(), never, never)).interface()], "svcctl")
    with contextlib.suppress(Broken):
        for piece in pieces:
            server.feed(piece)
    server.lost()


@settings(max_examples=300, deadline=None)
@given(
    kind=st.integers(0, 20),
    flags=st.integers(0, 255),
    body=st.binary(max_size=120),
    security=st.sampled_from([0, 0, 8]),
)
def test_every_pdu_is_answered_or_ends_the_pipe(kind: int, flags: int, body: bytes, security: int) -> None:
    """After a good bind too, any PDU is answered, passed over, or the end."""
    client = Client(windows())
    whole = struct.pack("<BBBBIHHI", 5, 0, kind, flags, 0x10, 16 + len(body), security, 9) + body
    with contextlib.suppress(Broken):
        client.server.feed(whole)
