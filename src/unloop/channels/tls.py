"""Whom a TLS channel trusts: an authority, one pinned certificate, or nobody's word at all; one context per policy."""

import hashlib
import socket
import ssl
from dataclasses import dataclass
from functools import cache

from unloop.errors import InputError, Problem


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """What makes a certificate acceptable.

    ``ca`` is a PEM file of authorities ('' means the system's). ``fingerprint`` is the SHA-256 of the one certificate that
    is accepted, in hex. ``insecure`` accepts anything: whoever stands in between can read the password.
    """

    ca: str = ""
    fingerprint: str = ""
    insecure: bool = False


@cache
def context_for(policy: TlsPolicy) -> ssl.SSLContext:
    """The context of a policy, made once: loading authorities costs more than a whole exchange.

    With a fingerprint the certificate is compared by check_fingerprint() before anything is sent.
    """
    try:
        context = ssl.create_default_context(cafile=policy.ca or None)
    except (OSError, ssl.SSLError) as error:
        raise InputError(Problem(f"no authorities can be read: {error}", policy.ca)) from error
    if policy.fingerprint or policy.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def normal_fingerprint(text: str) -> str:
    """A SHA-256 fingerprint as lowercase hex without colons; raises InputError when it is none."""
    plain = text.strip().lower().removeprefix("sha256:").replace(":", "")
    if len(plain) != 64 or any(letter not in "0123456789abcdef" for letter in plain):
        raise InputError(Problem("a fingerprint is the SHA-256 of a certificate: 64 hex digits"))
    return plain


def fingerprint_of(address: str, port: int, *, timeout: float) -> str:
    """The SHA-256 of the certificate that a server shows, without trusting it; raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((address, port), timeout=timeout) as plain,
        context.wrap_socket(plain, server_hostname=address) as secured,
    ):
        return hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest()
