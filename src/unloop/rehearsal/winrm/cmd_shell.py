"""The text shell of WinRM: each command runs as ``cmd /c`` would run it ([MS-WSMV] 3.1.4.5.2, 3.1.4.11)."""

import codecs
import uuid
from dataclasses import dataclass

from unloop.rehearsal.cmd import shell
from unloop.rehearsal.cmd.surroundings import Surroundings
from unloop.rehearsal.winrm import fault, names
from unloop.rehearsal.winrm.fault import Fault, Provider
from unloop.rehearsal.winrm.outbox import Outbox, cut
from unloop.rehearsal.winrm.remote_shell import LONGEST_INPUT, Host, RemoteShell
from unloop.rehearsal.winrm.soap import Message

_RSP = f"{{{names.SHELL}}}"
_UTF_8, _DEFAULT = "65001", "437"
_PLUGIN = Provider("Shell cmd plugin", r"%systemroot%\system32\winrscmd.dll")
_LONGEST_WAIT = 60.0


@dataclass
class _Waiting:
    """A command that reads its program from the standard input, which has not ended yet."""

    line: str
    given: bytes = b""


class CmdShell(RemoteShell):
    """Commands run one by one, each to its end at once; what they wait for delays only what they say."""

    def __init__(self, identity: str, host: Host, message: Message) -> None:
        super().__init__(identity, names.CMD_SHELL, host)
        self._encoding = _encoding(message.options.get("WINRS_CODEPAGE", _DEFAULT))
        created = message.body.find(f"{_RSP}Shell")
        variables, directory = {}, ""
        if created is not None:
            variables = {item.get("Name", ""): item.text or "" for item in created.iter(f"{_RSP}Variable")}
            directory = (created.findtext(f"{_RSP}WorkingDirectory") or "").strip()
        self._around = Surroundings(variables, directory)
        self._waiting: dict[str, _Waiting] = {}

    @property
    def description(self) -> str:
        """The streams."""
        return "<rsp:InputStreams>stdin</rsp:InputStreams><rsp:OutputStreams>stdout stderr</rsp:OutputStreams>"

    def command(self, message: Message) -> str:
        """Run a command line, now or when its input has ended."""
        given = message.body.find(f"{_RSP}CommandLine")
        if given is None:
            raise Fault(fault.INVALID_BODY)
        identity = given.get("CommandId") or str(uuid.uuid4()).upper()
        line = " ".join(
            [given.findtext(f"{_RSP}Command") or "", *(item.text or "" for item in given.iter(f"{_RSP}Arguments"))]
        )
        outbox = self.add_command(identity)
        if shell.takes_input(line):
            self._waiting[identity.upper()] = _Waiting(line)
        else:
            self._run(outbox, line, b"")
        return identity

    def send(self, command: str, data: bytes, *, is_end: bool) -> None:
        """Input that nobody reads is dropped ([MS-WSMV] 3.1.4.13)."""
        outbox = self.outbox(command)
        waiting = self._waiting.get(command.upper())
        if waiting is None:
            return
        waiting.given += data
        if len(waiting.given) > LONGEST_INPUT:
            raise Fault(fault.INVALID_PARAMETER, _PLUGIN)
        if is_end:
            del self._waiting[command.upper()]
            self._run(outbox, waiting.line, waiting.given)

    def outbox(self, command: str) -> Outbox:
        """A shell itself says nothing."""
        if not command:
            raise Fault(fault.INVALID_PARAMETER, _PLUGIN)
        return super().outbox(command)

    def stop(self, command: str) -> None:
        """A command that still seems to run ends without a further word (STATUS_CONTROL_C_EXIT)."""
        outbox = self.outbox(command)
        self._waiting.pop(command.upper(), None)
        if not outbox.has_news(self.host.clock()):
            outbox.drop()
            outbox.ready_at, outbox.exit_code = 0.0, -1073741510
        self.changed()

    def _run(self, outbox: Outbox, line: str, given: bytes) -> None:
        around = Surroundings(self._around.variables, self._around.directory, given.decode(self._encoding, "replace"))
        outcome = shell.run(self.host.machine, line, later=self.host.later, around=around)
        output, errors = (text.encode(self._encoding, "replace") for text in (outcome.output, outcome.errors))
        outbox.put([*cut("stdout", output), *cut("stderr", errors)])
        outbox.ready_at = self.host.clock() + min(outcome.waited, _LONGEST_WAIT)
        outbox.exit_code = outcome.code
        self.changed()


def _encoding(codepage: str) -> str:
    if codepage == _UTF_8:
        return "utf-8"
    try:
        return codecs.lookup(f"cp{codepage}").name if codepage.isascii() and codepage.isdigit() else "cp437"
    except LookupError:
        return "cp437"
