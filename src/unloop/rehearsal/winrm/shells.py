"""The remote shells of one host: made, spoken to and ended over any of its connections ([MS-WSMV] 3.1.4.11 to 14)."""

import base64
import uuid
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from unloop.rehearsal.winrm import fault, names
from unloop.rehearsal.winrm.cmd_shell import CmdShell
from unloop.rehearsal.winrm.fault import Fault
from unloop.rehearsal.winrm.outbox import Piece
from unloop.rehearsal.winrm.psrp_shell import PsrpShell
from unloop.rehearsal.winrm.remote_shell import BREAKS, TERMINATE, Host, RemoteShell
from unloop.rehearsal.winrm.soap import ENVELOPE_OVERHEAD, Message

MOST_SHELLS = 30
"""MaxShellsPerUser ([MS-WSMV] 2.2.4.42)."""
_RSP = f"{{{names.SHELL}}}"
_STATE = f"{names.SHELL}/CommandState"


@dataclass(frozen=True, slots=True)
class Receiving:
    """A Receive that may have to wait: for a command, or for a shell itself ('')."""

    shell: RemoteShell
    command: str
    room: int

    def answer(self) -> str | None:
        """The body of the answer; None while there is nothing to say. Raises Fault."""
        if self.shell.is_closed:
            raise Fault(fault.ABORTED)
        outbox = self.shell.outbox(self.command)
        if not outbox.has_news(self.shell.host.clock()):
            return None
        pieces = outbox.take(self.room - ENVELOPE_OVERHEAD)
        if not pieces and not outbox.is_empty:
            raise Fault(fault.TOO_LARGE)
        state = ""
        if self.command:
            state = self._state(None if not outbox.is_empty else outbox.exit_code)
        streams = "".join(self._stream(piece) for piece in pieces)
        return f"<rsp:ReceiveResponse>{streams}{state}</rsp:ReceiveResponse>"

    @property
    def ready_at(self) -> float:
        """When there will be something to say at the earliest, as far as is known; 0 when nothing is."""
        outbox = self.shell.outbox(self.command)
        return outbox.ready_at if outbox.exit_code is not None else 0.0

    @property
    def _of_command(self) -> str:
        return f" CommandId={quoteattr(self.command)}" if self.command else ""

    def _stream(self, piece: Piece) -> str:
        name, data = piece
        return f'<rsp:Stream Name="{name}"{self._of_command}>{base64.b64encode(data).decode()}</rsp:Stream>'

    def _state(self, code: int | None) -> str:
        if code is None:
            return f'<rsp:CommandState{self._of_command} State="{_STATE}/Running"></rsp:CommandState>'
        ends = ""
        if self.shell.resource == names.CMD_SHELL:
            ends = "".join(
                f'<rsp:Stream Name="{name}"{self._of_command} End="true"></rsp:Stream>' for name in ("stdout", "stderr")
            )
        return (
            f'{ends}<rsp:CommandState{self._of_command} State="{_STATE}/Done">'
            f"<rsp:ExitCode>{code}</rsp:ExitCode></rsp:CommandState>"
        )


class Shells:
    """All shells of one boot."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._shells: dict[str, RemoteShell] = {}

    def create(self, message: Message) -> str:
        """Make a shell; raises Fault."""
        if len(self._shells) >= MOST_SHELLS:
            raise Fault(fault.TOO_MANY_SHELLS)
        given = message.body.find(f"{_RSP}Shell")
        identity = (given.get("ShellId", "") if given is not None else "") or str(uuid.uuid4())
        identity = identity.upper()
        if identity in self._shells:
            raise Fault(fault.INVALID_PARAMETER)
        shell = self._shells[identity] = self._made(identity, message)
        resource = escape(shell.resource)
        return (
            f"<x:ResourceCreated><a:Address>{escape(message.to)}</a:Address><a:ReferenceParameters>"
            f'<w:ResourceURI>{resource}</w:ResourceURI><w:SelectorSet><w:Selector Name="ShellId">{escape(identity)}'
            f"</w:Selector></w:SelectorSet></a:ReferenceParameters></x:ResourceCreated>{self._document(shell)}"
        )

    def _made(self, identity: str, message: Message) -> RemoteShell:
        if message.resource.lower() == names.CMD_SHELL:
            return CmdShell(identity, self._host, message)
        if message.resource.lower() == names.POWERSHELL_SHELL.lower():
            return PsrpShell(identity, names.POWERSHELL_SHELL, self._host, message)
        raise Fault(fault.INVALID_URI)

    def get(self, message: Message) -> str:
        """Tell of a shell; raises Fault."""
        return self._document(self._shell(message))

    def listed(self) -> list[str]:
        """Tell of all shells."""
        return [self._document(shell) for shell in self._shells.values()]

    def command(self, message: Message) -> str:
        """Begin a command; raises Fault."""
        identity = self._shell(message).command(message)
        return f"<rsp:CommandResponse><rsp:CommandId>{escape(identity)}</rsp:CommandId></rsp:CommandResponse>"

    def send(self, message: Message) -> str:
        """Take input; raises Fault."""
        shell = self._shell(message)
        for stream in message.body.iter(f"{_RSP}Stream"):
            try:
                data = base64.b64decode(stream.text or "", validate=True)
            except ValueError:
                raise Fault(fault.INVALID_BODY) from None
            shell.send(stream.get("CommandId", ""), data, is_end=stream.get("End", "").lower() in {"true", "1"})
        return "<rsp:SendResponse/>"

    def receive(self, message: Message) -> Receiving:
        """Ask for output; raises Fault."""
        wanted = message.body.find(f"{_RSP}Receive/{_RSP}DesiredStream")
        if wanted is None:
            raise Fault(fault.INVALID_BODY)
        found = Receiving(self._shell(message), wanted.get("CommandId", ""), message.room)
        found.shell.outbox(found.command)
        return found

    def signal(self, message: Message) -> str:
        """Stop a command, or forget it; raises Fault."""
        shell = self._shell(message)
        given = message.body.find(f"{_RSP}Signal")
        if given is None:
            raise Fault(fault.INVALID_BODY)
        command, code = given.get("CommandId", ""), (given.findtext(f"{_RSP}Code") or "").strip()
        kind = code.rpartition("/")[2].lower()
        if kind in BREAKS and command:
            shell.stop(command)
        elif kind == TERMINATE and command:
            shell.forget(command)
        else:
            raise Fault(fault.INVALID_PARAMETER)
        return "<rsp:SignalResponse/>"

    def delete(self, message: Message) -> str:
        """End a shell; raises Fault."""
        shell = self._shell(message)
        del self._shells[shell.identity]
        shell.close()
        return ""

    def _shell(self, message: Message) -> RemoteShell:
        found = self._shells.get(message.selectors.get("shellid", "").upper())
        if found is None:
            raise Fault(fault.UNEXPECTED_SELECTORS)
        return found

    def _document(self, shell: RemoteShell) -> str:
        age = int(self._host.clock() - shell.since)
        lived = f"P{age // 86400}DT{age // 3600 % 24}H{age // 60 % 60}M{age % 60}S"
        owner = self._host.machine.spec.username.rpartition("\\")[2]
        return (
            f'<rsp:Shell xmlns:rsp="{names.SHELL}"><rsp:ShellId>{escape(shell.identity)}</rsp:ShellId>'
            f"<rsp:ResourceUri>{escape(shell.resource)}</rsp:ResourceUri><rsp:Owner>{escape(owner)}</rsp:Owner>"
            f"<rsp:IdleTimeOut>PT7200.000S</rsp:IdleTimeOut>{shell.description}"
            f"<rsp:ShellRunTime>{lived}</rsp:ShellRunTime><rsp:ShellInactivity>P0DT0H0M0S</rsp:ShellInactivity>"
            "</rsp:Shell>"
        )
