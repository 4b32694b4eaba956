"""The strike over WS-Management by Kerberos: tickets of a real MIT KDC, taken by pyspnego over MIT's GSSAPI."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import spnego
from pypsrp.encryption import WinRMEncryption
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

from exchanges import begun, told
from kdc import PASSWORD, REALM, realm
from simulated import machine_with
from unloop.actions.compile import compile_order
from unloop.channels.strike.exchange import Pause
from unloop.channels.strike.wsman import sealed
from unloop.channels.strike.wsman.bindings import end_point
from unloop.channels.strike.wsman.conversation import Door
from unloop.channels.strike.wsman.exchange import WsmanExchange
from unloop.channels.strike.wsman.http import HttpFramer
from unloop.channels.strike.wsman.kerberos import Kerberos
from unloop.errors import ChannelError, LogonRefused, LogonUndecided, ProtocolError
from unloop.model.host import System
from unloop.model.report import Verdict
from unloop.playbook.document import Playbook, Step
from unloop.rehearsal.http1 import RequestReader, Response
from unloop.rehearsal.winrm import soap
from unloop.rehearsal.winrm.remote_shell import Host
from unloop.rehearsal.winrm.wsman import WsMan
from unloop.secrets.secret import Credential, Secret
from wsman_host import certificate_of

HOST = "ws-1.unloop.test"
PLACE = ("d", "x1.sys")


@pytest.fixture(scope="module", autouse=True)
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A realm with one account, and the keys of one host for this process to take tickets by."""
    home = tmp_path_factory.mktemp("realm")
    with realm(home, "admin", f"host/{HOST}") as keytab, pytest.MonkeyPatch.context() as patch:
        patch.setenv("KRB5_KTNAME", str(keytab))
        yield


@dataclass
class KerberosHost:
    """A host that takes Kerberos alone; log-on and seals are pyspnego's."""

    bindings: bytes = b""
    machine: Any = field(default_factory=lambda: machine_with({PLACE: b"bad"}))
    requests: int = 0

    def __post_init__(self) -> None:
        self._reader = RequestReader(600_000)
        self._context: Any = None
        self._wsman = WsMan(Host(self.machine, lambda _: None))

    def feed(self, data: bytes) -> bytes:
        """Answer one request."""
        (request,) = self._reader.feed(data)
        self.requests += 1
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme == "Kerberos":
            bound = GssChannelBindings(application_data=self.bindings) if self.bindings else None
            self._context = spnego.server(hostname=HOST, service="host", protocol="kerberos", channel_bindings=bound)
            try:
                self._context.step(base64.b64decode(token))
            except SpnegoError:
                return Response(401, b"", {"WWW-Authenticate": "Kerberos"}).to_bytes(keeps_alive=False)
        if not sealed.is_sealed(request.headers["content-type"]):
            return Response(200, self._said(request.body), {"Content-Type": "application/soap+xml"}).to_bytes()
        theirs = WinRMEncryption(self._context, sealed.KERBEROS)
        answer = self._said(theirs.unwrap_message(request.body, "Encrypted Boundary"))
        _, body = theirs.wrap_message(answer)
        return Response(200, body, {"Content-Type": sealed.content_type(sealed.KERBEROS)}).to_bytes()

    def _said(self, data: bytes) -> bytes:
        message = soap.parse(data)
        return soap.answer(f"{message.action}Response", message.identity, str(self._wsman.handle(message)))


def credential(*, user: str = "admin", password: str = PASSWORD) -> Credential:
    """An account of the realm."""
    return Credential("c", f"{user}@{REALM}", Secret(password), "a", is_local=False)


def exchange(*, is_secure: bool = False, name: str = HOST, **account: str) -> WsmanExchange:
    """Move one file aside."""
    step = Step("quarantine_file", {"path": "C:\\d\\x1.sys"})
    order = compile_order(Playbook("p", "t", System.WINDOWS, actions=(step,), digest="d"), campaign="c1")
    proof = Kerberos(credential(**account), name)
    proof.prepare()
    return WsmanExchange(Door(f"{HOST}:5985", is_secure=is_secure, credential=credential(**account)), order, proof)


def carried_out(strike: WsmanExchange, host: KerberosHost) -> Any:
    """What the strike comes to."""
    messages, framer = strike.messages(), HttpFramer()
    try:
        outgoing = begun(messages)
        while True:
            assert not isinstance(outgoing, Pause)
            framer.feed(host.feed(outgoing))
            outgoing = told(messages, framer.next() or b"")
    except StopIteration as end:
        return end.value


def test_one_message_logs_on_and_moves_the_file() -> None:
    """With the ticket at hand the first request carries proof and sealed order: 1.5 round trips from connect()."""
    host = KerberosHost()
    first = begun(exchange().messages())
    assert isinstance(first, bytes)
    host.feed(first)
    assert not host.machine.files.exists(PLACE)


def test_the_answers_are_read_and_the_boot_is_asked_for() -> None:
    """Every further message goes over the same log-on, sealed both ways."""
    host = KerberosHost()
    report, boot = carried_out(exchange(), host)
    assert (report.verdict, boot is not None, host.requests) == (Verdict.LANDED, True, 3)


def test_over_tls_the_ticket_is_bound_to_the_connection() -> None:
    """The host takes it on the connection for which it was made, and on no other; nothing is sealed twice."""
    certificate = certificate_of("sha256")
    strikes = [exchange(is_secure=True) for _ in range(2)]
    for strike in strikes:
        strike.bind(certificate)
    assert carried_out(strikes[0], KerberosHost(end_point(certificate)))[0].verdict is Verdict.LANDED
    with pytest.raises(LogonUndecided):
        carried_out(strikes[1], KerberosHost(b"tls-server-end-point:x"))


def test_each_message_of_a_log_on_is_fresh() -> None:
    """A ticket serves many log-ons: no host takes one message twice."""
    proof = Kerberos(credential(), HOST)
    assert not proof.is_ready
    proof.prepare()
    assert proof.is_ready
    assert proof.first() != proof.first()


@pytest.mark.parametrize(
    ("found", "error"),
    [
        ({"password": "wrong"}, LogonRefused),
        ({"user": "nobody"}, LogonRefused),
        ({"name": "ws-2.unloop.test"}, LogonUndecided),
    ],
)
def test_what_the_domain_controller_says_is_told(found: dict[str, str], error: type[ChannelError]) -> None:
    """A wrong password and an unknown account were judged by the domain; of an unknown host nobody can say more."""
    with pytest.raises(error) as caught:
        exchange(**found)
    assert type(caught.value) is error
    assert PASSWORD not in str(caught.value)


def test_a_seal_of_another_log_on_is_an_error() -> None:
    """What is not sealed with this ticket's key counts for nothing."""
    host, other = KerberosHost(), KerberosHost()
    messages, others = exchange().messages(), exchange().messages()
    next_to_other = other.feed(begun(others))  # type: ignore[arg-type]
    host.feed(begun(messages))  # type: ignore[arg-type]
    framer = HttpFramer()
    framer.feed(next_to_other)
    with pytest.raises(ProtocolError):
        messages.send(framer.next() or b"")
