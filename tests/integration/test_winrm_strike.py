"""The strike over WS-Management on real sockets against the simulated WinRM host: HTTP, HTTPS, trust and refusals."""

import asyncio
import base64
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from cryptography.x509.oid import NameOID

from simulated import PASSWORD, USERNAME, Served, machine_with, served
from unloop.actions.compile import compile_order
from unloop.channels.base import Deadline, Target
from unloop.channels.strike import link
from unloop.channels.strike.base import Landed
from unloop.channels.strike.winrm import WinrmStrike
from unloop.channels.strike.wsman.secure import door_to
from unloop.errors import (
    ChannelError,
    DeadlineExceeded,
    LogonRefused,
    LogonUndecided,
    Refused,
    Unsupported,
    UntrustedPeer,
)
from unloop.model.host import System
from unloop.model.order import Order
from unloop.model.report import Verdict
from unloop.playbook.document import Playbook, Step
from unloop.rehearsal.certificate import Tls, issue, tls_of
from unloop.rehearsal.winrm_host import make_winrm
from unloop.secrets.secret import Credential, Secret
from wsman_host import server_of

ADDRESS = "127.0.0.9"
PLACE = ("Windows", "System32", "drivers", "x1.sys")
EXACT, GLOB = "C:\\Windows\\System32\\drivers\\x1.sys", "C:\\Windows\\System32\\drivers\\x*.sys"
CREDENTIAL = Credential("c", USERNAME, Secret(PASSWORD), "a")


def order(path: str = EXACT, **guard: Any) -> Order:
    """Move files aside."""
    step = Step("quarantine_file", {"path": path, **({"guard": guard} if guard else {})})
    return compile_order(Playbook("p", "t", System.WINDOWS, actions=(step,), digest="d"), campaign="c1")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the certificate of the host, and its authority's."""
    directory, issued = tmp_path_factory.mktemp("keys"), issue([ADDRESS])
    (directory / "server.pem").write_bytes(issued.server)
    (directory / "authority.pem").write_bytes(issued.authority)
    return directory


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """No session of another test is resumed."""
    door_to.cache_clear()
    yield
    door_to.cache_clear()


@contextlib.contextmanager
def host(keys: Path | None = None, *, most: ssl.TLSVersion | None = None) -> Iterator[Served]:
    """A simulated host with the bad file, over HTTP, or over HTTPS up to a version."""
    tls: Tls | None = None
    if keys is not None:
        tls = tls_of(keys / "server.pem")
        if most is not None:
            tls.context.maximum_version = most
    with served(machine_with({PLACE: b"bad"}), lambda machine: make_winrm(machine, tls)) as found:
        yield found


def target(found: Served, credential: Credential | None = CREDENTIAL, **options: str) -> Target:
    """The host as a strike sees it."""
    return Target("host-1", found.address, found.port, credential, options)


def fire(strike: WinrmStrike, *, seconds: float = 20.0, connects: bool = False) -> Landed:
    """Fire on a connection of the strike's own, or on one that is there."""

    async def work() -> Landed:
        sock = None
        if connects:
            sock = socket.create_connection((strike.target.address, strike.target.port))
            sock.setblocking(False)
        landed = await strike.fire(sock, Deadline.after(seconds))
        assert sock is None or sock.fileno() < 0
        return landed

    return asyncio.run(work())


def is_there(found: Served) -> bool:
    """Whether the bad file is where it was."""
    return found.machine.files.exists(PLACE)


@pytest.fixture
def flights(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Is told, for each time that a client sends after it has waited, what it sends: flights, without any timing."""
    found: list[str] = []
    client, send, recv = threading.get_ident(), socket.socket.send, socket.socket.recv
    waited = True

    def sent(sock: socket.socket, *arguments: Any) -> int:
        nonlocal waited
        if waited and sock.family == socket.AF_INET and threading.get_ident() == client:
            found.append("sent")
            waited = False
        return send(sock, *arguments)

    def received(sock: socket.socket, *arguments: Any) -> bytes:
        nonlocal waited
        data = recv(sock, *arguments)
        waited = waited or threading.get_ident() == client
        return data

    monkeypatch.setattr(socket.socket, "send", sent)
    monkeypatch.setattr(socket.socket, "recv", received)
    return found


AFTER_THE_MOVE = {EXACT: 2, GLOB: 1}
"""Flights that ask for the boot, and for the size of a file that was moved unseen."""


@pytest.mark.parametrize("path", [EXACT, GLOB])
@pytest.mark.parametrize("connects", [False, True])
def test_http_takes_two_and_a_half_round_trips(path: str, flights: list[str], *, connects: bool) -> None:
    """Connecting is one, greeting and challenge one more; the file moves half a trip later, for a glob one and a half."""
    with host() as found:
        report, boot = fire(WinrmStrike(target(found), order(path)), connects=connects)
        assert report.verdict is Verdict.LANDED
        assert boot is not None
        assert not is_there(found)
    assert len(flights) - AFTER_THE_MOVE[path] == (2 if path == EXACT else 3)


@pytest.mark.parametrize(
    ("most", "auth", "first", "resumed"),
    [
        (ssl.TLSVersion.TLSv1_3, "ntlm", 3, 3),
        (ssl.TLSVersion.TLSv1_3, "basic", 2, 2),
        (ssl.TLSVersion.TLSv1_2, "ntlm", 4, 3),
        (ssl.TLSVersion.TLSv1_2, "basic", 3, 2),
    ],
)
def test_https_takes_one_round_trip_more(
    keys: Path, flights: list[str], most: ssl.TLSVersion, auth: str, first: int, resumed: int
) -> None:
    """TLS 1.3 costs one flight, TLS 1.2 two, or one when the session of the last window is taken up."""
    with host(keys, most=most) as found:
        options = {"ssl": "true", "auth": auth, "cert_validation": str(keys / "authority.pem")}
        for expected in (first, resumed):
            flights.clear()
            report, _ = fire(WinrmStrike(target(found, **options), order()))
            assert report.verdict is Verdict.LANDED
            assert len(flights) - AFTER_THE_MOVE[EXACT] == expected
            found.machine.files.write(PLACE, b"bad", modified=found.machine.boot_time)
            found.machine.files.remove((report.actions[0].files[0].moved_to[3:],))


@pytest.mark.parametrize("most", [ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2])
def test_a_session_is_taken_up_again(keys: Path, monkeypatch: pytest.MonkeyPatch, most: ssl.TLSVersion) -> None:
    """The second handshake with a host resumes the first, and the log-on is still bound to its certificate."""
    resumed: list[bool] = []
    keep = link.TlsLink.handshake

    async def handshake(self: link.TlsLink) -> None:
        await keep(self)
        resumed.append(self.is_resumed)

    monkeypatch.setattr(link.TlsLink, "handshake", handshake)
    with host(keys, most=most) as found:
        for _ in range(2):
            strike = WinrmStrike(target(found, ssl="true", cert_validation=str(keys / "authority.pem")), order(GLOB))
            fire(strike)
    assert resumed == [False, True]


def test_a_program_lands_over_a_real_socket() -> None:
    """Created with the log-on, it judges the header on the host, and its name tells."""
    with host() as found:
        strike = WinrmStrike(target(found), order(GLOB, header="62 61"))
        report, boot = fire(strike)
        assert (report.verdict, boot is not None) == (Verdict.LANDED, True)
        assert not is_there(found)


@pytest.mark.parametrize("trust", ["authority", "fingerprint", "none"])
def test_a_host_that_is_trusted_is_struck(keys: Path, trust: str) -> None:
    """By its authority, by its one certificate, or because the operator says so."""
    shown = x509.load_pem_x509_certificate((keys / "server.pem").read_bytes()).fingerprint(hashes.SHA256()).hex()
    validation = {"authority": str(keys / "authority.pem"), "fingerprint": f"sha256:{shown}", "none": "false"}[trust]
    with host(keys) as found:
        report, _ = fire(WinrmStrike(target(found, ssl="true", cert_validation=validation), order()))
        assert report.verdict is Verdict.LANDED


@pytest.mark.parametrize("validation", ["true", f"sha256:{'0' * 64}"])
@pytest.mark.parametrize("auth", ["ntlm", "basic"])
def test_a_host_that_is_not_trusted_hears_nothing(keys: Path, validation: str, auth: str) -> None:
    """By default nobody vouches for it, and another certificate is not the pinned one: no proof was shown."""
    with host(keys) as found:
        with pytest.raises(UntrustedPeer) as caught:
            fire(WinrmStrike(target(found, ssl="true", auth=auth, cert_validation=validation), order()))
        assert caught.value.host == "host-1"
        assert is_there(found)
        assert found.machine.log.events == []


def test_another_name_is_not_trusted(keys: Path) -> None:
    """The certificate must be for the name that the operator gives."""
    options = {"ssl": "true", "cert_validation": str(keys / "authority.pem"), "server_name": "other.example.org"}
    with host(keys) as found, pytest.raises(UntrustedPeer):
        fire(WinrmStrike(target(found, **options), order()))


@pytest.mark.parametrize(("is_local", "error"), [(True, LogonRefused), (False, LogonUndecided)])
def test_a_wrong_password_is_refused_once(*, is_local: bool, error: type[ChannelError]) -> None:
    """The proof is shown once, whatever it was, and the file stays."""
    wrong = replace(CREDENTIAL, password=Secret("wrong"), is_local=is_local)
    with host() as found:
        with pytest.raises(error):
            fire(WinrmStrike(target(found, wrong, auth="ntlm"), order()))
        assert len(found.machine.log.events) == 1
        assert is_there(found)


def test_a_strike_fires_again_with_a_log_on_of_its_own() -> None:
    """A window that closed too early leaves nothing behind that the next one could use."""
    with host() as found:
        strike = WinrmStrike(target(found), order(GLOB))
        assert [fire(strike)[0].verdict for _ in range(2)] == [Verdict.LANDED, Verdict.NO_MATCH]


def test_https_to_a_port_of_http_is_one_clear_error() -> None:
    """What does not speak TLS costs no more than the deadline, and gets nothing to read."""
    with host() as found, pytest.raises(ChannelError):
        fire(WinrmStrike(target(found, ssl="true"), order()), seconds=0.6)


def test_nobody_there_is_told_from_nobody_answering() -> None:
    """A closed port refuses; a peer that says nothing costs the deadline."""
    with socket.create_server((ADDRESS, 0)) as listener:
        silent = Target("host-1", ADDRESS, listener.getsockname()[1], CREDENTIAL, {})
        for options in ({}, {"ssl": "true"}):
            with pytest.raises(DeadlineExceeded):
                fire(WinrmStrike(replace(silent, options=options), order()), seconds=0.6)
    with pytest.raises(Refused):
        fire(WinrmStrike(silent, order()))


@pytest.mark.parametrize(
    ("credential", "options", "error"),
    [
        (None, {}, LogonUndecided),
        (CREDENTIAL, {"auth": "credssp"}, Unsupported),
        (CREDENTIAL, {"auth": "certificate"}, LogonUndecided),
        (CREDENTIAL, {"ssl": "true", "cert_validation": "/nonexistent.pem"}, Unsupported),
        (replace(CREDENTIAL, certificate="/nonexistent.pem", key=Secret("x")), {"auth": "certificate"}, Unsupported),
    ],
)
def test_what_our_exchange_does_not_do_is_said_before_anything_is_sent(
    credential: Credential | None, options: dict[str, str], error: type[ChannelError]
) -> None:
    """It can be made all the same, and says so when it is fired; nobody was connected to."""
    strike = WinrmStrike(Target("host-1", ADDRESS, 9, credential, options), order())
    with pytest.raises(error) as caught:
        fire(strike)
    assert caught.value.host == "host-1"


def client_certificate() -> tuple[bytes, Credential]:
    """A certificate (PEM) that a host may know, and the credential that proves by it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "admin")])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    certificate = built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    password = BestAvailableEncryption(PASSWORD.encode())
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, password).decode()
    return certificate, Credential("c", "", Secret(PASSWORD), "a", key=Secret(text), certificate=certificate.decode())


def admit_by_certificate(secured: ssl.SSLSocket, *, asks_later: bool) -> None:
    """Play the host of one connection: whoever has shown a certificate is let in as the administrator."""
    machine = machine_with({PLACE: b"bad"})
    server = server_of(machine, is_secure=True)
    basic = b"Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode())
    mutual = b"http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
    secured.settimeout(10)
    while data := secured.recv(65536):
        if asks_later and secured.getpeercert() is None:
            secured.verify_client_post_handshake()
            secured.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            _read_certificate(secured)
        proof = basic if secured.getpeercert() else b"Basic nobody"
        secured.sendall(server.feed(data.replace(mutual, proof)))
    raise EOFError(machine)


def _read_certificate(secured: ssl.SSLSocket) -> None:
    """The client answers with its certificate alone, which is no data of the application."""
    secured.setblocking(False)
    while secured.getpeercert() is None:
        with contextlib.suppress(ssl.SSLWantReadError):
            secured.recv(1)
    secured.settimeout(10)


@pytest.mark.parametrize("asks_later", [False, True])
def test_a_certificate_logs_on(keys: Path, *, asks_later: bool) -> None:
    """A host that asks for the certificate in the handshake, or after the first request, gets it and is told so."""
    known, credential = client_certificate()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys / "server.pem")
    context.load_verify_locations(cadata=known.decode())
    context.post_handshake_auth = asks_later
    context.verify_mode = ssl.CERT_OPTIONAL
    with socket.create_server((ADDRESS, 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with contextlib.suppress(OSError, EOFError), context.wrap_socket(connection, server_side=True) as secured:
                admit_by_certificate(secured, asks_later=asks_later)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            options = {"ssl": "true", "auth": "certificate", "cert_validation": str(keys / "authority.pem")}
            port = listener.getsockname()[1]
            strike = WinrmStrike(Target("host-1", ADDRESS, port, credential, options), order())
            assert fire(strike)[0].verdict is Verdict.LANDED
        finally:
            thread.join(timeout=20)
