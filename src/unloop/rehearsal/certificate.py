"""The certificates of a simulated fleet: an authority of its own, and one certificate for all its BMCs and HTTPS hosts."""

import ipaddress
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIVES = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Issued:
    """PEM texts: the authority to trust, and the servers' certificate with its key; and that certificate's SHA-256."""

    authority: bytes
    server: bytes
    fingerprint: str


def issue(addresses: Iterable[str]) -> Issued:
    """Make an authority and a certificate that is good for these addresses."""
    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = _name("unloop rehearsal authority")
    names = [x509.IPAddress(ipaddress.ip_address(address)) for address in sorted(set(addresses))]
    authority = (
        _builder(authority_name, authority_name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    server = (
        _builder(_name("unloop rehearsal BMC"), authority_name, server_key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    key = server_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Issued(
        authority=authority.public_bytes(Encoding.PEM),
        server=server.public_bytes(Encoding.PEM) + key,
        fingerprint=server.fingerprint(hashes.SHA256()).hex(),
    )


@dataclass(frozen=True, slots=True)
class Tls:
    """What a server needs to speak TLS: its context, and the SHA-256 of its certificate, which log-ons are bound to."""

    context: ssl.SSLContext
    fingerprint: bytes


def tls_of(path: Path) -> Tls:
    """TLS with the certificate and key in this file."""
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return Tls(context_of(path), certificate.fingerprint(hashes.SHA256()))


def context_of(path: Path) -> ssl.SSLContext:
    """The TLS context of servers with the certificate and key in this file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(path)
    return context


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIVES)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
