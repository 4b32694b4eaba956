"""PowerShell remoting without a socket: psrpcore as the client of a simulated host's pool."""

import base64
import re
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psrpcore import (
    ClientGetCommandMetadata,
    ClientPowerShell,
    ClientRunspacePool,
    Command,
    ErrorRecordEvent,
    PipelineHostCallEvent,
    PipelineOutputEvent,
    PipelineStateEvent,
    PSRPPayload,
    StreamType,
)
from psrpcore.types import HostInfo, PSInvocationState, RunspacePoolState

from simulated import machine_with
from unloop.rehearsal.winrm import names
from winrm_client import Answer, Client, Service, service_of, shell_of

FILE = ("Windows", "Temp", "a.txt")
PATH = "\\".join(("C:", *FILE))


class Pool:
    """A pool of runspaces at the client."""

    def __init__(self, client: Client) -> None:
        self.client, self.pool = client, ClientRunspacePool()
        self.pool.open()
        body = (
            f'<rsp:Shell><rsp:InputStreams>stdin pr</rsp:InputStreams><creationXml xmlns="{names.POWERSHELL}">'
            f"{base64.b64encode(self.sent()).decode()}</creationXml></rsp:Shell>"
        )
        self.shell = client.call(names.CREATE, names.POWERSHELL_SHELL, body=body).text("ShellId")

    def sent(self) -> bytes:
        """What psrpcore wants to send."""
        payload = self.pool.data_to_send()
        return payload.data if payload is not None else b""

    def receive(self, command: uuid.UUID | None = None) -> Answer:
        """One Receive, of the pool or of a pipeline; psrpcore hears what it brings."""
        of = f' CommandId="{command}"' if command else ""
        body = f"<rsp:Receive><rsp:DesiredStream{of}>stdout</rsp:DesiredStream></rsp:Receive>"
        answer = self.client.call(names.RECEIVE, names.POWERSHELL_SHELL, shell_of(self.shell), body)
        for data in re.findall(rb"<rsp:Stream [^>]*>([^<]+)<", answer.body):
            self.pool.receive_data(PSRPPayload(base64.b64decode(data), StreamType.default, command))
        return answer

    def events(self) -> list[Any]:
        """What psrpcore has heard."""
        found = []
        while (event := self.pool.next_event()) is not None:
            found.append(event)
        return found

    def opened(self) -> "Pool":
        """The same pool, open."""
        while self.pool.state is not RunspacePoolState.Opened:
            assert self.receive().code == 0
            self.events()
        return self

    def run(self, pipeline: ClientPowerShell | ClientGetCommandMetadata) -> list[Any]:
        """Run a pipeline to its end."""
        pipeline.start()
        number = pipeline.pipeline_id
        body = (
            f'<rsp:CommandLine CommandId="{number}"><rsp:Command/><rsp:Arguments>'
            f"{base64.b64encode(self.sent()).decode()}</rsp:Arguments></rsp:CommandLine>"
        )
        assert self.client.call(names.COMMAND, names.POWERSHELL_SHELL, shell_of(self.shell), body).code == 0
        while b"CommandState/Done" not in self.receive(number).body:
            pass
        return self.events()

    def script(self, text: str, **options: Any) -> list[Any]:
        """Run a program to its end."""
        pipeline = ClientPowerShell(self.pool, **options)
        pipeline.add_script(text)
        return self.run(pipeline)


@pytest.fixture
def service() -> Service:
    """The service of a host with a file."""
    return service_of(machine_with({FILE: b"text"}))


@pytest.fixture
def pool(service: Service) -> Pool:
    """An open pool on it."""
    return Pool(Client(service.server())).opened()


def outputs(events: list[Any]) -> list[Any]:
    """What a pipeline put out."""
    return [event.data for event in events if isinstance(event, PipelineOutputEvent)]


def ending(events: list[Any]) -> tuple[PSInvocationState, str]:
    """How a pipeline ended, and what it said of that."""
    event = events[-1]
    assert isinstance(event, PipelineStateEvent)
    return event.state, "" if event.reason is None else str(event.reason)


def test_a_pool_is_open_after_two_answers(service: Service) -> None:
    """First what the host can do and knows, then that the pool is open, as Windows says it."""
    pool = Pool(Client(service.server()))
    pool.receive()
    assert pool.pool.state is not RunspacePoolState.Opened
    pool.receive()
    kinds = [type(event).__name__ for event in pool.events()]
    assert kinds == ["SessionCapabilityEvent", "ApplicationPrivateDataEvent", "RunspacePoolStateEvent"]
    assert str(pool.pool.application_private_data["PSVersionTable"]["PSVersion"]).startswith("5.1.")


def test_values_come_as_what_they_are(pool: Pool) -> None:
    """Numbers, texts, truth, nothing, lists and records."""
    found = outputs(pool.script("42; 'a'; $true; $null; ,@(1, 'b'); [pscustomobject]@{Name = 'c'; Size = 7}"))
    assert found[:5] == [42, "a", True, None, [1, "b"]]
    assert (found[5].Name, found[5].Size) == ("c", 7)


def test_what_a_program_does_is_done_to_the_machine(service: Service, pool: Pool) -> None:
    """A file that is removed is gone when the answer comes."""
    assert ending(pool.script(f"Remove-Item -LiteralPath '{PATH}'"))[0] is PSInvocationState.Completed
    assert not service.machine.files.exists(FILE)


def test_an_error_that_ends_a_program_fails_the_pipeline(pool: Pool) -> None:
    """What came before is told, and why it ended."""
    events = pool.script("'before'; throw 'nothing doing'")
    assert (outputs(events), ending(events)) == (["before"], (PSInvocationState.Failed, "nothing doing"))


def test_an_error_that_does_not_is_told_beside(pool: Pool) -> None:
    """An error record, and the pipeline completes."""
    events = pool.script(r"Get-Item -LiteralPath 'C:\nothing'; 'after'")
    errors = [event for event in events if isinstance(event, ErrorRecordEvent)]
    assert (len(errors), outputs(events), ending(events)[0]) == (1, ["after"], PSInvocationState.Completed)


def test_an_exit_code_goes_to_a_host_that_is_there(pool: Pool) -> None:
    """SetShouldExit is called where the client has a host; without one nobody asks for the code."""
    host = HostInfo(IsHostNull=False, IsHostUINull=True, IsHostRawUINull=True, UseRunspaceHost=False)
    calls = [event for event in pool.script("exit 3", host=host) if isinstance(event, PipelineHostCallEvent)]
    assert [call.method_parameters for call in calls] == [[3]]
    assert not any(isinstance(event, PipelineHostCallEvent) for event in pool.script("exit 3"))


def test_commands_with_parameters_are_run(service: Service, pool: Pool) -> None:
    """A pipeline of commands means what it says, also where a parameter holds what would end a text."""
    pipeline = ClientPowerShell(pool.pool)
    command = Command("Remove-Item")
    command.parameters += [("LiteralPath", PATH), ("Force", None)]
    pipeline.add_command(command)
    assert ending(pool.run(pipeline))[0] is PSInvocationState.Completed
    assert not service.machine.files.exists(FILE)
    pipeline = ClientPowerShell(pool.pool)
    command = Command("Write-Output")
    command.parameters.append(("InputObject", "it's '; throw 'x"))
    pipeline.add_command(command)
    assert outputs(pool.run(pipeline)) == ["it's '; throw 'x"]


def test_out_string_gives_lines(pool: Pool) -> None:
    """A program whose output goes to Out-String is told as the console shows it."""
    pipeline = ClientPowerShell(pool.pool)
    pipeline.add_script("1; 'two'")
    pipeline.add_command(Command("Out-String"))
    assert outputs(pool.run(pipeline)) == ["1", "two"]


def test_what_is_not_simulated_fails_and_says_so(pool: Pool) -> None:
    """Input for a pipeline and questions for commands fail with a reason; the pool goes on."""
    fed, metadata = ClientPowerShell(pool.pool, no_input=False), ClientGetCommandMetadata(pool.pool, "Get-*")
    fed.add_script("$input")
    reasons = [ending(pool.run(pipeline)) for pipeline in (fed, metadata)]
    assert reasons == [
        (PSInvocationState.Failed, "this simulated host takes no input for a pipeline"),
        (PSInvocationState.Failed, "this simulated host tells nothing of its commands"),
    ]
    assert outputs(pool.script("'on'")) == ["on"]


def test_a_program_that_comes_in_pieces_is_run_once_whole(pool: Pool) -> None:
    """The first fragment comes with Command, the others with Send."""
    pipeline = ClientPowerShell(pool.pool)
    pipeline.add_script("'whole' #" + "x" * 100_000)
    pipeline.start()
    number = pipeline.pipeline_id
    payload = pool.pool.data_to_send(32_768)
    assert payload is not None
    body = f'<rsp:CommandLine CommandId="{number}"><rsp:Command/><rsp:Arguments>{{}}</rsp:Arguments></rsp:CommandLine>'
    action = names.COMMAND
    while payload is not None:
        data = base64.b64encode(payload.data).decode()
        answer = pool.client.call(action, names.POWERSHELL_SHELL, shell_of(pool.shell), body.format(data))
        assert answer.code == 0
        action = names.SEND
        body = f'<rsp:Send><rsp:Stream Name="stdin" CommandId="{number}">{{}}</rsp:Stream></rsp:Send>'
        payload = pool.pool.data_to_send(32_768)
    while b"CommandState/Done" not in pool.receive(number).body:
        pass
    assert outputs(pool.events()) == ["whole"]


def test_a_stopped_pipeline_is_forgotten(service: Service, pool: Pool) -> None:
    """Ctrl+C ends what still seems to run, and a Receive for it is told so."""
    pipeline = ClientPowerShell(pool.pool)
    pipeline.add_script("Start-Sleep -Seconds 30")
    pipeline.start()
    number = pipeline.pipeline_id
    data = base64.b64encode(pool.sent()).decode()
    body = (
        f'<rsp:CommandLine CommandId="{number}"><rsp:Command/><rsp:Arguments>{data}</rsp:Arguments></rsp:CommandLine>'
    )
    pool.client.call(names.COMMAND, names.POWERSHELL_SHELL, shell_of(pool.shell), body)
    signal = f'<rsp:Signal CommandId="{number}"><rsp:Code>powershell/signal/ctrl_c</rsp:Code></rsp:Signal>'
    assert pool.client.call(names.SIGNAL, names.POWERSHELL_SHELL, shell_of(pool.shell), signal).code == 0
    assert pool.receive(number).code == 2150858843
    assert outputs(pool.script("'on'")) == ["on"]


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=120), st.integers(0, 300), st.binary(max_size=8))
def test_garbled_fragments_are_stood(data: bytes, place: int, patch: bytes) -> None:
    """Garbage for the pool, and a sound program with bytes changed, are answered; the connection goes on."""
    client = Client(service_of(machine_with({})).server())
    pool = Pool(client).opened()
    pipeline = ClientPowerShell(pool.pool)
    pipeline.add_script("'x'")
    pipeline.start()
    sound = pool.sent()
    for sent in (sound[:place] + patch + sound[place + len(patch) :], data, sound):
        text = base64.b64encode(sent).decode()
        for action, body in (
            (names.COMMAND, f"<rsp:CommandLine><rsp:Command/><rsp:Arguments>{text}</rsp:Arguments></rsp:CommandLine>"),
            (names.SEND, f'<rsp:Send><rsp:Stream Name="stdin">{text}</rsp:Stream></rsp:Send>'),
        ):
            answer = client.call(action, names.POWERSHELL_SHELL, shell_of(pool.shell), body)
            assert answer.status in {200, 500}
    assert client.call(names.GET, f"{names.WMI}Win32_OperatingSystem").status == 200
