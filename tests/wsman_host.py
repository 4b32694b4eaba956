"""A strike over WS-Management against a simulated host, without a socket: flights are counted, and windows close."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from exchanges import begun, told
from simulated import PASSWORD, USERNAME, machine_with
from unloop.channels.ntlm.initiator import NtlmAccount
from unloop.channels.strike.base import Landed
from unloop.channels.strike.exchange import Messages, Pause
from unloop.channels.strike.wsman.authenticator import Authenticator, Ntlm
from unloop.channels.strike.wsman.conversation import Door
from unloop.channels.strike.wsman.exchange import WsmanExchange
from unloop.channels.strike.wsman.http import HttpFramer
from unloop.errors import ConnectionLost, ProtocolError
from unloop.model.order import Order
from unloop.rehearsal import ntlm
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.winrm import logon
from unloop.rehearsal.winrm.fault import Fault
from unloop.rehearsal.winrm.remote_shell import Host
from unloop.rehearsal.winrm.server import WinrmServer
from unloop.rehearsal.winrm.soap import Message
from unloop.rehearsal.winrm.wsman import WsMan
from unloop.secrets.secret import Credential, Secret

CREDENTIAL = Credential("c", USERNAME, Secret(PASSWORD), "a")
DOOR = Door("192.0.2.1:5985", is_secure=False, credential=CREDENTIAL)
SECURE_DOOR = Door("192.0.2.1:5986", is_secure=True, credential=CREDENTIAL)


def ntlm_of(credential: Credential = CREDENTIAL) -> Ntlm:
    """A log-on by NTLM."""
    return Ntlm(NtlmAccount.of(credential))


def exchange(
    order: Order, *, door: Door = DOOR, proof: Authenticator | None = None, campaign: str = "c1"
) -> WsmanExchange:
    """A strike with an order."""
    return WsmanExchange(door, order, proof or ntlm_of(door.credential), campaign=campaign)


Troubles = dict[int, Fault]
"""Faults by the number of the message, from 1, that is answered by them."""


class Troubled(WsMan):
    """A service that answers some messages with a fault, whatever they ask."""

    def __init__(self, host: Host, troubles: Troubles) -> None:
        super().__init__(host)
        self._troubles, self.messages = troubles, 0

    def handle(self, message: Message) -> Any:
        """Count, and carry out what is in no trouble."""
        self.messages += 1
        if self.messages in self._troubles:
            raise self._troubles[self.messages]
        return super().handle(message)


class Meddled:
    """A server whose answers are changed on their way; ``change`` gets the number of the answer, from 1."""

    def __init__(self, server: WinrmServer, change: Callable[[int, bytes], bytes]) -> None:
        self._server, self._change, self._answers = server, change, 0

    def feed(self, data: bytes) -> bytes:
        """The changed answer."""
        self._answers += 1
        return self._change(self._answers, self._server.feed(data))


def server_of(
    machine: Machine, *, bindings: bytes = b"", is_secure: bool = False, troubles: Troubles | None = None
) -> WinrmServer:
    """The server of one connection to a machine."""
    door = logon.Door(
        ntlm.Account.of(machine.spec.username, machine.spec.password),
        machine.spec.name,
        bindings=bindings,
        basic=machine.spec.password if is_secure else "",
        refused=lambda account: machine.note_refusal(account, "winrm"),
    )
    wsman = Troubled(Host(machine, lambda _: None), troubles or {})
    return WinrmServer(wsman, door, lambda: None, is_secure=is_secure)


@dataclass
class Line:
    """A connection to a simulated host, which may close after so many answers. ``flights`` says what was in each."""

    server: WinrmServer | Meddled
    closes_after: int | None = None
    between: Callable[[], None] = lambda: None
    """Done while an exchange pauses."""
    flights: list[str] = field(default_factory=list)
    seen: list[object] = field(default_factory=list)
    look: Callable[[], object] = lambda: None
    """What is looked at after each flight has arrived."""

    def carry_out(self, strike: WsmanExchange) -> Landed:
        """What the strike comes to."""
        messages, framer = strike.messages(), HttpFramer()
        try:
            outgoing = begun(messages)
            while True:
                outgoing = self._step(strike, messages, framer, outgoing)
        except StopIteration as end:
            landed: Landed = end.value
            return landed
        finally:
            messages.close()

    def _step(
        self, strike: WsmanExchange, messages: Messages[Landed], framer: HttpFramer, outgoing: bytes | Pause
    ) -> bytes | Pause:
        if isinstance(outgoing, Pause):
            self.between()
            return told(messages, b"")
        self.flights.append(strike.step)
        data = self.server.feed(outgoing)
        self.seen.append(self.look())
        try:
            framer.feed(data)
            answer = framer.next()
        except ProtocolError as error:
            messages.throw(error)
            raise
        if answer is None or (self.closes_after is not None and len(self.flights) > self.closes_after):
            messages.throw(ConnectionLost("the host closed the connection"))
            raise AssertionError("something was asked on a closed connection")
        return told(messages, answer)


def windows_machine(**files: bytes) -> Machine:
    """A machine whose files are given by their paths below C, with / instead of the backslash."""
    machine = machine_with({tuple(path.split("/")): content for path, content in files.items()})
    machine.boot_time = datetime(2024, 7, 19, 4, 30, 1, 500_000, tzinfo=UTC)
    return machine


def certificate_of(kind: str) -> bytes:
    """A self-signed certificate (DER), signed with a hash of that name."""
    keys: dict[str, Any] = {"ed25519": ed25519.Ed25519PrivateKey.generate, "sha1": _rsa}
    key = keys.get(kind, lambda: ec.generate_private_key(ec.SECP256R1()))()
    hashed: Any = {"ed25519": None, "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}.get(kind, hashes.SHA256())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ws-1")])
    when = datetime(2024, 7, 19, tzinfo=UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(when).not_valid_after(when + timedelta(days=9000))
    data = built.sign(key, hashed).public_bytes(serialization.Encoding.DER)
    # Nobody signs with SHA-1 any more: sha256WithRSAEncryption becomes sha1WithRSAEncryption (RFC 8017, A.2.4).
    return (
        data
        if kind != "sha1"
        else data.replace(bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105"))
    )


def _rsa() -> Any:
    return rsa.generate_private_key(65537, 2048)
