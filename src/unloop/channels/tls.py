"""Whom a TLS channel trusts: an authority, one pinned certificate, or nobody's word at all; one context per policy."""

import asyncio
import contextlib
import hashlib
import ssl
from dataclasses import dataclass
from functools import cache

from unloop.errors import InputError, Problem
from unloop.settings import fingerprint


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """What makes a certificate acceptable.

    ``ca`` is a PEM file of authorities ('' means the system's). ``fingerprint`` is the SHA-256 of the one certificate that
    is accepted, in hex. ``insecure`` accepts anything: whoever stands in between can read the password.
    """

    ca: str = ""
    fingerprint: str = ""
    insecure: bool = False


class WrongCertificate(ssl.SSLCertVerificationError):
    """The certificate is not the pinned one. ``seen`` is its fingerprint."""

    def __init__(self, seen: str) -> None:
        super().__init__(f"the certificate's SHA-256 is {seen}")
        self.seen = seen


@cache
def context_for(policy: TlsPolicy) -> ssl.SSLContext:
    """The context of a policy, made once: loading authorities costs more than a whole exchange.

    With a fingerprint every handshake of the context ends by comparing it, before anything is sent.
    """
    if policy.fingerprint:
        context = _unverified()
        context.sslobject_class = _pinned(normal_fingerprint(policy.fingerprint))
        return context
    if policy.insecure:
        return _unverified()
    try:
        return ssl.create_default_context(cafile=policy.ca or None)
    except (OSError, ssl.SSLError) as error:
        raise InputError(Problem(f"no authorities can be read: {error}", policy.ca)) from error


def normal_fingerprint(text: str) -> str:
    """A SHA-256 fingerprint as lowercase hex without colons; raises InputError when it is none."""
    found = fingerprint.plain(text)
    if found is None:
        raise InputError(Problem(f"{text!r} is no fingerprint of a certificate", hint=fingerprint.WRITTEN))
    return found


async def fingerprint_of(address: str, port: int, *, timeout: float) -> str:
    """The SHA-256 of the certificate that a server shows, without trusting it; raises OSError."""
    async with asyncio.timeout(timeout):
        _, writer = await asyncio.open_connection(address, port, ssl=_unverified())
    try:
        return _fingerprint(writer.get_extra_info("ssl_object"))
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1.0):
                await writer.wait_closed()


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _fingerprint(secured: ssl.SSLObject) -> str:
    return hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest()


def _pinned(fingerprint: str) -> type[ssl.SSLObject]:
    class Pinned(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            seen = _fingerprint(self)
            if seen != fingerprint:
                raise WrongCertificate(seen)

    return Pinned
