"""The WinRM channel over HTTPS: whom it trusts, how it logs on there, and how it asks for the boot."""

import base64
import contextlib
import re
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from unloop.channels.base import Deadline, Target
from unloop.channels.winrm import WinrmChannel
from unloop.errors import ChannelError, LogonRefused, UntrustedPeer
from unloop.secrets.secret import Credential, Secret

ADDRESS = "127.0.0.16"
NAME = "host-1.example.org"
PASSWORD = "canary-Passw0rd"
BOOT = "2024-07-19T04:30:01.5Z"
ANSWER = """<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xml:lang="en-US"
 xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration"
 xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Header><a:RelatesTo>{message}</a:RelatesTo></s:Header><s:Body>
<n:EnumerateResponse><n:EnumerationContext/><w:Items><w:XmlFragment
 xmlns:cim="http://schemas.dmtf.org/wbem/wscim/1/common"><LastBootUpTime><cim:Datetime>{boot}</cim:Datetime>
</LastBootUpTime></w:XmlFragment></w:Items><w:EndOfSequence/></n:EnumerateResponse></s:Body></s:Envelope>"""


class Handler(BaseHTTPRequestHandler):
    """Basic log-on or a client certificate, and the one question that open() asks."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer the query, or 401."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        wanted = base64.b64encode(f"operator:{PASSWORD}".encode()).decode()
        proof = self.headers.get("Authorization", "")
        by_certificate = proof.endswith("/https/mutual") and bool(self.connection.getpeercert())
        message = re.search(r"MessageID[^>]*>(uuid:[^<]+)<", body)
        asked = message is not None and "LastBootUpTime FROM Win32_OperatingSystem" in body
        good = asked and (proof == f"Basic {wanted}" or by_certificate)
        content = ANSWER.format(message=message[1] if message else "", boot=BOOT).encode() if good else b""
        self.send_response(200 if good else 401)
        self.send_header("Content-Type", "application/soap+xml;charset=UTF-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Stay quiet."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for NAME, with its key behind it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "host.pem"
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM) + text)
    return path


@pytest.fixture
def port(certificate: Path) -> Iterator[int]:
    """A host that speaks HTTPS and trusts its own certificate as a client's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.load_verify_locations(certificate)
    context.verify_mode = ssl.CERT_OPTIONAL
    server = ThreadingHTTPServer((ADDRESS, 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *args: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join(timeout=10)
    server.server_close()


@contextlib.contextmanager
def opened(port: int, *, credential: Credential | None = None, **options: str) -> Iterator[WinrmChannel]:
    """An open channel to the host."""
    basic = Credential("c", "operator", Secret(PASSWORD), "a")
    target = Target("host-1", ADDRESS, port, credential or basic, {"ssl": "true", "auth": "basic", **options})
    with WinrmChannel(target, Deadline.after(20)) as channel:
        yield channel


def test_a_trusted_host_tells_its_boot(port: int, certificate: Path) -> None:
    """With its authority and name given, the host is trusted although it is reached by its address."""
    with opened(port, cert_validation=str(certificate), server_name=NAME) as channel:
        boot = channel.boot_identity()
    assert (boot.value, boot.source) == (BOOT, "windows:LastBootUpTime")


@pytest.mark.parametrize("trust", ["authority", "name"])
def test_an_untrusted_host_hears_no_password(port: int, certificate: Path, trust: str) -> None:
    """By default nothing self-signed is trusted, nor a certificate for another name."""
    options = {"server_name": NAME} if trust == "authority" else {"cert_validation": str(certificate)}
    with pytest.raises(UntrustedPeer), opened(port, **options):
        pass


def test_validation_can_be_switched_off(port: int) -> None:
    """An operator may choose to trust anybody."""
    with opened(port, cert_validation="false") as channel:
        assert channel.boot_identity().value == BOOT


def test_one_certificate_can_be_pinned(port: int, certificate: Path) -> None:
    """With its fingerprint given, that very certificate is trusted, whatever its name, and no other one."""
    shown = x509.load_pem_x509_certificate(certificate.read_bytes()).fingerprint(hashes.SHA256())
    with opened(port, cert_validation=f"sha256:{shown.hex(':')}") as channel:
        assert channel.boot_identity().value == BOOT
    with pytest.raises(UntrustedPeer), opened(port, cert_validation=f"sha256:{bytes(32).hex()}"):
        pass


def test_a_wrong_password_is_refused(port: int) -> None:
    """Over Basic the host judged the password when it answered 401."""
    wrong = Credential("c", "operator", Secret("wrong"), "a")
    with pytest.raises(LogonRefused), opened(port, credential=wrong, cert_validation="false"):
        pass


def test_a_certificate_logs_on(port: int, certificate: Path) -> None:
    """A client certificate logs on without a password; its key is never written to a disk."""
    text = certificate.read_text()
    start = text.index("-----BEGIN PRIVATE")
    credential = Credential("c", "", Secret(""), "a", key=Secret(text[start:]), certificate=text[:start])
    with opened(port, credential=credential, auth="certificate", cert_validation="false") as channel:
        assert channel.boot_identity().value == BOOT


def test_https_to_a_plain_port_is_one_clear_error(port: int) -> None:
    """Plain HTTP to a port of HTTPS is an error of ours."""
    with pytest.raises(ChannelError), opened(port, ssl="false", auth="ntlm"):
        pass
