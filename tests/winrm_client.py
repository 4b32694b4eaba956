"""The client's half of a WinRM connection, for tests: log-on by pyspnego, sealed messages, and no socket."""

import base64
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import spnego

from simulated import PASSWORD, USERNAME
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.ntlm import Account
from unloop.rehearsal.winrm import multipart, names
from unloop.rehearsal.winrm.logon import Door
from unloop.rehearsal.winrm.remote_shell import Host
from unloop.rehearsal.winrm.server import WinrmServer
from unloop.rehearsal.winrm.wsman import WsMan

_NAMESPACES = (
    f'xmlns:s="{names.SOAP}" xmlns:a="{names.ADDRESSING}" xmlns:w="{names.WSMAN}" xmlns:n="{names.ENUMERATION}" '
    f'xmlns:x="{names.TRANSFER}" xmlns:rsp="{names.SHELL}"'
)


class Turning:
    """A toy security context for pypsrp's framing: it turns messages round."""

    def wrap_winrm(self, data: bytes) -> tuple[bytes, bytes, int]:
        """Signature, sealed message, length of padding."""
        return b"0123456789abcdef", data[::-1], 0

    def unwrap_winrm(self, header: bytes, data: bytes) -> bytes:
        """The message."""
        assert header == b"0123456789abcdef"
        return data[::-1]


def envelope(
    action: str,
    resource: str,
    more: str = "",
    body: str = "",
    *,
    timeout: str = "PT20S",
    identity: str | None = None,
    size: str = "153600",
) -> bytes:
    """A request; ``more`` stands in its header."""
    message = f"uuid:{uuid.uuid4()}" if identity is None else identity
    return (
        f"<s:Envelope {_NAMESPACES}><s:Header><a:Action>{action}</a:Action><a:To>http://ws-1:5985/wsman</a:To>"
        f"<a:MessageID>{message}</a:MessageID><a:ReplyTo><a:Address>{names.ANONYMOUS}</a:Address></a:ReplyTo>"
        f"<w:ResourceURI>{resource}</w:ResourceURI><w:MaxEnvelopeSize>{size}</w:MaxEnvelopeSize>"
        f"<w:OperationTimeout>{timeout}</w:OperationTimeout>{more}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def shell_of(identity: str) -> str:
    """The header that names a shell."""
    return f'<w:SelectorSet><w:Selector Name="ShellId">{identity}</w:Selector></w:SelectorSet>'


def selecting(**selectors: str) -> str:
    """The header that names an instance."""
    inner = "".join(f'<w:Selector Name="{name}">{value}</w:Selector>' for name, value in selectors.items())
    return f"<w:SelectorSet>{inner}</w:SelectorSet>"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@dataclass
class Service:
    """A machine's WS-Management without a socket, and who was refused."""

    machine: Machine
    wsman: WsMan
    clock: Clock
    restarts: list[float]

    def door(self, *, basic: str = "", bindings: bytes = b"") -> Door:
        """How log-ons are taken; refusals go to the machine's log."""
        account = Account.of(USERNAME, PASSWORD)
        return Door(account, "ws-1", bindings, basic, lambda name: self.machine.note_refusal(name, "winrm"))

    def server(self, wake: Callable[[], None] = lambda: None) -> WinrmServer:
        """A new connection over HTTP."""
        return WinrmServer(self.wsman, self.door(), wake)


def service_of(machine: Machine) -> Service:
    """The service of a machine, on a clock of its own."""
    clock, restarts = Clock(), list[float]()
    return Service(machine, WsMan(Host(machine, restarts.append, clock)), clock, restarts)


@dataclass(frozen=True)
class Answer:
    """One response."""

    status: int
    head: bytes
    body: bytes

    @property
    def document(self) -> ET.Element:
        """The body as XML."""
        return ET.fromstring(self.body)  # noqa: S314 - our own server's

    def text(self, name: str) -> str:
        """The text of the first element of a name."""
        return next("".join(item.itertext()) for item in self.document.iter() if item.tag.rpartition("}")[2] == name)

    @property
    def code(self) -> int:
        """Windows' number of a fault, 0 when it is none."""
        faults = [item.get("Code", "0") for item in self.document.iter() if item.tag.endswith("}WSManFault")]
        return int(faults[0]) if faults else 0


def post(body: bytes, *, kind: str = "", authorization: str = "", path: str = "/wsman", more: str = "") -> bytes:
    """A request on the wire."""
    head = f"POST {path} HTTP/1.1\r\nHost: ws-1\r\n{more}"
    head += f"Authorization: {authorization}\r\n" if authorization else ""
    head += f"Content-Type: {kind}\r\n" if kind else ""
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def read(data: bytes) -> Answer:
    """One response from the wire."""
    head, _, body = data.partition(b"\r\n\r\n")
    return Answer(int(head.split(b" ", 2)[1]), head, body)


class Client:
    """One connection of one client: it logs on with its first message, in two requests."""

    def __init__(self, server: WinrmServer, *, protocol: str = "ntlm", right: bool = True) -> None:
        self.server = server
        password = PASSWORD if right else "wrong"
        self._context = spnego.client(
            USERNAME, password, protocol=protocol, options=spnego.NegotiateOptions.wrapping_winrm
        )
        self._token = b""

    def begin(self) -> Answer:
        """Show the first token before anybody has asked for it; the proof is kept for the next message."""
        first = self._context.step() or b""
        answer = read(self.server.feed(post(b"", authorization=negotiate(first))))
        found = re.search(rb"WWW-Authenticate: Negotiate (\S+)", answer.head)
        if found is not None:
            self._token = self._context.step(base64.b64decode(found[1])) or b""
        return answer

    def send(self, message: bytes) -> bytes:
        """Send a sealed message, with the proof where it was not shown yet; what comes back, raw."""
        if not self._context.complete:
            self.begin()
        wrapped = self._context.wrap_winrm(message)
        body = multipart.wrap(message, lambda _: (wrapped.header, wrapped.data))
        token, self._token = self._token, b""
        return self.server.feed(
            post(body, kind=multipart.CONTENT_TYPE, authorization=negotiate(token) if token else "")
        )

    def open(self, data: bytes) -> Answer:
        """Unseal a response."""
        answer = read(data)
        if multipart.CONTENT_TYPE.encode() not in answer.head:
            return answer
        return Answer(answer.status, answer.head, multipart.unwrap(answer.body, self._context.unwrap_winrm))

    def call(self, action: str, resource: str, more: str = "", body: str = "", **options: str) -> Answer:
        """One message there and back."""
        return self.open(self.send(envelope(action, resource, more, body, **options)))

    def new_shell(self) -> str:
        """A text shell; its identity."""
        answer = self.call(
            names.CREATE, names.CMD_SHELL, body="<rsp:Shell><rsp:InputStreams>stdin</rsp:InputStreams></rsp:Shell>"
        )
        return answer.text("ShellId")

    def command(self, shell: str, line: str) -> str:
        """Begin a command; its identity."""
        body = f"<rsp:CommandLine><rsp:Command>{line}</rsp:Command></rsp:CommandLine>"
        return self.call(names.COMMAND, names.CMD_SHELL, shell_of(shell), body).text("CommandId")


def negotiate(token: bytes) -> str:
    """The Authorization header of a token."""
    return f"Negotiate {base64.b64encode(token).decode()}"


def receive_body(command: str) -> str:
    """The body of a Receive."""
    return f'<rsp:Receive><rsp:DesiredStream CommandId="{command}">stdout stderr</rsp:DesiredStream></rsp:Receive>'
