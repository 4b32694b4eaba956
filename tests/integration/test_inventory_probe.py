"""The port probe against real sockets, a real TLS server and OpenIPMI's simulator."""

import asyncio
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from servers import free_port, require, running, wait_until
from unloop.inventory.probe import Answer, Sign, probe
from unloop.model.host import Endpoint, Host

SIMULATOR = """\
name "probe"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 {port}
    priv_limit admin
    allowed_auths_admin none md5
  endlan
  user 1 true "" "" admin 10 none
"""
COMMANDS = "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nmc_enable 0x20\n"


def ask(*endpoints: Endpoint, timeout: float = 0.5, tls_ca: str = "") -> list[tuple[Answer, str]]:
    """The answers and notes of a host's endpoints."""
    host = Host("h", "127.0.0.1", endpoints=endpoints)
    return [(sign.answer, sign.note) for sign in asyncio.run(probe([host], timeout=timeout, tls_ca=tls_ca))]


@pytest.fixture
def listener() -> Iterator[int]:
    """A port that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_open_refused_and_unresolvable(listener: int) -> None:
    """An open port, a closed one and a name that nobody knows are told apart."""
    found = ask(
        Endpoint("smb", "127.0.0.1", listener),
        Endpoint("winrm", "127.0.0.1", free_port()),
        Endpoint("ssh", "host.invalid", 22),
        timeout=5,
    )
    assert [answer for answer, _ in found] == [Answer.OPEN, Answer.REFUSED, Answer.NO_SUCH_NAME]


def test_a_silent_port(listener: int) -> None:
    """A datagram port that never replies, and a TLS port that never shakes hands, are silent, within the timeout."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        found = ask(Endpoint("ipmi", "127.0.0.1", mute.getsockname()[1]), Endpoint("redfish", "127.0.0.1", listener))
    assert found == [(Answer.SILENT, ""), (Answer.SILENT, "")]


def test_a_device_that_is_no_bmc_is_told() -> None:
    """Something answers the presence ping with words of its own: open, with a note."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=echo, args=(other, 2))
        thread.start()
        found = ask(Endpoint("ipmi", "127.0.0.1", other.getsockname()[1]), timeout=10)
        thread.join()
    assert found == [(Answer.OPEN, "the reply is no pong of a BMC that speaks IPMI")]


def test_the_bmc_is_asked_too(listener: int) -> None:
    """A host's BMC is probed beside its system and marked as such; a closed IPMI port is refused by its network stack."""
    host = Host("h", "127.0.0.1", bmc=Endpoint("ipmi", "127.0.0.1", free_port(kind=socket.SOCK_DGRAM)))
    (sign,) = asyncio.run(probe([host], timeout=1))
    assert sign == Sign("h", "ipmi", "127.0.0.1", sign.port, is_bmc=True, answer=Answer.REFUSED)


def test_a_real_bmc_simulator_answers_the_presence_ping(tmp_path: Path) -> None:
    """OpenIPMI's ipmi_sim answers our RMCP presence ping."""
    program, port = require("ipmi_sim"), free_port(kind=socket.SOCK_DGRAM)
    (tmp_path / "lan.conf").write_text(SIMULATOR.format(port=port))
    (tmp_path / "commands").write_text(COMMANDS)
    arguments = [program, "-c", str(tmp_path / "lan.conf"), "-f", str(tmp_path / "commands"), "-s", str(tmp_path), "-n"]
    with running(arguments, log=tmp_path / "log"):
        bmc = Endpoint("ipmi", "127.0.0.1", port)
        wait_until(lambda: ask(bmc) == [(Answer.OPEN, "")], what="ipmi_sim")


def test_tls_is_verified_and_told(tmp_path: Path) -> None:
    """A Redfish port with a certificate that isn't trusted is open, with a note; with its authority it is just open."""
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=shake_hands, args=(server, context, 2))
        thread.start()
        bmc = Endpoint("redfish", "127.0.0.1", server.getsockname()[1])
        (distrusted,) = ask(bmc, timeout=10)
        trusted = ask(bmc, timeout=10, tls_ca=str(certificate))
        thread.join()
    assert distrusted[0] is Answer.OPEN
    assert distrusted[1].startswith("the certificate is not trusted: self")
    assert trusted == [(Answer.OPEN, "")]


def shake_hands(server: socket.socket, context: ssl.SSLContext, times: int) -> None:
    """Accept that many connections, and shake hands as far as the client likes."""
    for _ in range(times):
        connection, _ = server.accept()
        try:
            with context.wrap_socket(connection, server_side=True) as wrapped:
                wrapped.recv(1)
        except OSError:
            connection.close()


def echo(sock: socket.socket, times: int) -> None:
    """Send that many datagrams back to where they came from."""
    for _ in range(times):
        sock.sendto(*sock.recvfrom(64))


def self_signed(directory: Path) -> Path:
    """A certificate for 127.0.0.1 with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=1))
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = directory / "both.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
