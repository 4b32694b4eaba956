"""PowerShell remoting: a pool of runspaces whose pipelines our interpreter runs ([MS-PSRP] 3.2)."""

import base64
import struct
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree as ET

from psrpcore import (
    CreatePipelineEvent,
    EndOfPipelineInputEvent,
    GetAvailableRunspacesEvent,
    GetCommandMetadataEvent,
    PowerShell,
    PSRPCoreError,
    PSRPPayload,
    ResetRunspaceStateEvent,
    ServerPipeline,
    ServerRunspacePool,
    SetMaxRunspacesEvent,
    SetMinRunspacesEvent,
    StreamType,
)
from psrpcore.types import HostMethodIdentifier, PSVersion

from unloop.rehearsal.powershell.shell import Outcome, run
from unloop.rehearsal.winrm import fault, names, remoting
from unloop.rehearsal.winrm.fault import Fault, Provider
from unloop.rehearsal.winrm.outbox import Outbox, Piece
from unloop.rehearsal.winrm.pipeline import Program, Unsupported, program_of
from unloop.rehearsal.winrm.remote_shell import LONGEST_INPUT, Host, RemoteShell
from unloop.rehearsal.winrm.soap import Message

_RSP = f"{{{names.SHELL}}}"
_FRAGMENT_HEAD = 21
_FRAGMENT = 32 * 1024
"""Windows cuts what it says into fragments of this size."""
_PLUGIN = Provider("microsoft.powershell", r"C:\Windows\system32\pwrshplugin.dll")
_LONGEST_WAIT = 60.0
_FOREIGN = (
    PSRPCoreError,
    ET.ParseError,
    struct.error,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
"""What psrpcore raises on bytes that are no PSRP."""
_COUNTS = (SetMaxRunspacesEvent, SetMinRunspacesEvent, ResetRunspaceStateEvent)


class PsrpShell(RemoteShell):
    """One pool. Each pipeline runs to its end as soon as it is complete; what it waits for delays what it says."""

    def __init__(self, identity: str, resource: str, host: Host, message: Message) -> None:
        super().__init__(identity, resource, host)
        self._pool = ServerRunspacePool(application_private_data=_private_data())
        self._own = Outbox()
        self._pipelines: dict[uuid.UUID, tuple[ServerPipeline, Outbox]] = {}
        self._received = 0
        created = message.body.find(f"{_RSP}Shell")
        sent = created.findtext(f"{{{names.POWERSHELL}}}creationXml") if created is not None else None
        pieces = self._feed(_decoded(sent or ""))
        self._own.put(pieces[:-1])
        self._own.put(pieces[-1:])

    @property
    def description(self) -> str:
        """The streams, and what PowerShell tells besides."""
        return (
            "<rsp:InputStreams>stdin pr</rsp:InputStreams><rsp:OutputStreams>stdout</rsp:OutputStreams>"
            "<rsp:MaxIdleTimeOut>PT2147483.647S</rsp:MaxIdleTimeOut><rsp:Locale>en-US</rsp:Locale>"
            "<rsp:DataLocale>en-US</rsp:DataLocale><rsp:CompressionMode>NoCompression</rsp:CompressionMode>"
            "<rsp:ProfileLoaded>Yes</rsp:ProfileLoaded><rsp:Encoding>UTF8</rsp:Encoding>"
            "<rsp:BufferMode>Block</rsp:BufferMode><rsp:State>Connected</rsp:State>"
        )

    def outbox(self, command: str) -> Outbox:
        """What a pipeline says, or the pool."""
        return super().outbox(command) if command else self._own

    def command(self, message: Message) -> str:
        """Begin a pipeline; its description may come in several fragments."""
        given = message.body.find(f"{_RSP}CommandLine")
        if given is None:
            raise Fault(fault.INVALID_BODY)
        identity = given.get("CommandId", "")
        sent = "".join(item.text or "" for item in given.iter(f"{_RSP}Arguments"))
        try:
            number = uuid.UUID(identity)
        except ValueError:
            raise Fault(fault.INVALID_PARAMETER, _PLUGIN) from None
        self._pipelines[number] = ServerPipeline(self._pool, number), self.add_command(identity)
        self._own.put(self._feed(_decoded(sent)))
        return identity

    def send(self, command: str, data: bytes, *, is_end: bool) -> None:
        """Further fragments, of the pool or of a pipeline; PSRP says itself where input ends."""
        if command:
            self.outbox(command)
        self._own.put(self._feed(data))

    def stop(self, command: str) -> None:
        """A pipeline that still seems to run is stopped; the client does not ask for one that was stopped."""
        outbox = self.outbox(command)
        outbox.drop()
        self.forget(command)

    def forget(self, command: str) -> None:
        """The pool forgets the pipeline too."""
        super().forget(command)
        found = self._pipelines.pop(uuid.UUID(command), None)
        if found is not None:
            self._pool.pipeline_table.pop(found[0].pipeline_id, None)

    def _feed(self, data: bytes) -> list[Piece]:
        """Take bytes of PSRP; what the pool says to them. Raises Fault, after which the pool is of no more use."""
        self._received += len(data)
        if self._received > LONGEST_INPUT:
            raise Fault(fault.INVALID_PARAMETER, _PLUGIN)
        said: list[Piece] = []
        try:
            self._pool.receive_data(PSRPPayload(data, StreamType.default, None))
            while (event := self._pool.next_event()) is not None:
                said += self._said()
                self._hear(event)
                said += self._said()
        except _FOREIGN as error:
            raise Fault(fault.INVALID_PARAMETER, _PLUGIN) from error
        self.changed()
        return said

    def _said(self) -> list[Piece]:
        """What psrpcore has to send now, fragment by fragment."""
        found: list[Piece] = []
        while (payload := self._pool.data_to_send(_FRAGMENT + _FRAGMENT_HEAD)) is not None:
            found += [("stdout", fragment) for fragment in _fragments(payload.data)]
        return found

    def _hear(self, event: Any) -> None:
        if isinstance(event, CreatePipelineEvent):
            self._begin(event.pipeline_id, event.pipeline)
        elif isinstance(event, GetCommandMetadataEvent | EndOfPipelineInputEvent):
            self._refuse(event.pipeline_id, "this simulated host tells nothing of its commands")
        elif isinstance(event, _COUNTS):
            self._pool.runspace_availability_response(event.ci, response=True)
        elif isinstance(event, GetAvailableRunspacesEvent):
            self._pool.runspace_availability_response(event.ci, self._pool.max_runspaces)

    def _begin(self, number: uuid.UUID, pipeline: PowerShell) -> None:
        if not pipeline.no_input:
            self._refuse(number, "this simulated host takes no input for a pipeline")
            return
        try:
            program = program_of(pipeline)
        except Unsupported as error:
            self._refuse(number, f"this simulated host does not take {error}")
            return
        outcome = run(self.host.machine, program.text, later=self.host.later)
        host = self._pool.host if pipeline.host.UseRunspaceHost else pipeline.host
        has_host = host is not None and not host.IsHostNull
        self._tell(number, lambda running: _report(running, program, outcome, has_host=has_host), outcome.waited)

    def _refuse(self, number: uuid.UUID, reason: str) -> None:
        if number in self._pipelines:
            self._tell(number, lambda running: remoting.fail(running, remoting.error_of(reason)))

    def _tell(self, number: uuid.UUID, report: Callable[[ServerPipeline], None], waited: float = 0.0) -> None:
        """Say what became of a pipeline. Windows does not say that it runs, as psrpcore does."""
        pipeline, outbox = self._pipelines[number]
        if outbox.exit_code is not None:
            return
        pipeline.start()
        self._said()
        report(pipeline)
        outbox.put(self._said())
        outbox.ready_at = self.host.clock() + min(waited, _LONGEST_WAIT)
        outbox.exit_code = 0


def _report(pipeline: ServerPipeline, program: Program, outcome: Outcome, *, has_host: bool) -> None:
    """Output, errors, and how it ended; an exit code goes to the client's host, where there is one."""
    if program.as_text:
        for line in outcome.text.splitlines():
            pipeline.write_output(line)
    else:
        for item in outcome.output:
            pipeline.write_output(remoting.remote(item))
    errors = list(outcome.errors)
    last = errors.pop() if outcome.had_errors and errors else None
    for error in errors:
        remoting.write_error(pipeline, error)
    if outcome.code and has_host and not outcome.had_errors:
        pipeline.host_call(HostMethodIdentifier.SetShouldExit, [outcome.code])
    if last is None:
        pipeline.complete()
    else:
        remoting.fail(pipeline, remoting.error_record(last))


def _fragments(data: bytes) -> Iterator[bytes]:
    """Fragments that stand one behind the other ([MS-PSRP] 2.2.4)."""
    while data:
        end = _FRAGMENT_HEAD + struct.unpack_from(">I", data, 17)[0]
        yield data[:end]
        data = data[end:]


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise Fault(fault.INVALID_PARAMETER, _PLUGIN) from None


def _private_data() -> dict[str, Any]:
    versions = ("1.0", "2.0", "3.0", "4.0", "5.0", "5.1.20348.2582")
    table = {
        "PSVersion": PSVersion("5.1.20348.2582"),
        "PSEdition": "Desktop",
        "PSCompatibleVersions": [PSVersion(version) for version in versions],
        "CLRVersion": PSVersion("4.0.30319.42000"),
        "BuildVersion": PSVersion("10.0.20348.2582"),
        "WSManStackVersion": PSVersion("3.0"),
    }
    return {"PSVersionTable": table}
