"""HTTPS to one target: whom it must be, with which certificate we come, and the session that shortens the next handshake."""

import hashlib
import ssl
from contextlib import ExitStack
from functools import lru_cache
from socket import socket

from unloop.channels.pem import certificate_path, readable
from unloop.channels.strike.link import TlsLink
from unloop.channels.tls import TlsPolicy, context_for
from unloop.errors import InputError, LogonUndecided, Problem, UntrustedPeer
from unloop.secrets.secret import Credential, Secret


class TlsDoor:
    """How one target is reached over TLS. It lives longer than a connection, and is used by one at a time."""

    def __init__(self, context: ssl.SSLContext, server_name: str, *, fingerprint: str = "") -> None:
        self._context, self._server_name, self._fingerprint = context, server_name, fingerprint
        self._session: ssl.SSLSession | None = None

    async def open(self, sock: socket) -> TlsLink:
        """Shake hands over a connected socket; raises ChannelError, UntrustedPeer before anything of ours was sent."""
        link = TlsLink(sock, self._context, server_name=self._server_name, session=self._session)
        await link.handshake()
        seen = hashlib.sha256(link.certificate).hexdigest()
        if self._fingerprint and seen != self._fingerprint:
            raise UntrustedPeer(f"the certificate's SHA-256 is {seen}, not the one expected; nothing was sent")
        return link

    def keep(self, link: TlsLink) -> None:
        """Keep what resumes the session: with TLS 1.3 it comes behind the first answer (RFC 8446, 4.6.1)."""
        self._session = link.session or self._session


@lru_cache(maxsize=32_768)
def door_to(place: tuple[str, int], server_name: str, fingerprint: str, context: ssl.SSLContext) -> TlsDoor:
    """The door to a target, the same one every time: it remembers the session."""
    return TlsDoor(context, server_name or place[0], fingerprint=fingerprint)


def context_of(policy: TlsPolicy, credential: Credential, *, shows_certificate: bool) -> ssl.SSLContext:
    """The context of a policy, shared by every host; one more for each certificate that we log on with."""
    if not shows_certificate:
        return context_for(policy)
    if not credential.certificate or credential.key is None:
        raise LogonUndecided("certificate log-on needs a certificate and its key in the credential")
    return _with_certificate(policy, credential.certificate, credential.key, credential.password)


@lru_cache(maxsize=64)
def _with_certificate(policy: TlsPolicy, certificate: str, key: Secret, password: Secret) -> ssl.SSLContext:
    """HTTP.sys asks for the certificate after the request: by renegotiation, or after the handshake of TLS 1.3."""
    context = _new_context(policy)
    context.post_handshake_auth = True
    with ExitStack() as files:
        try:
            paths = certificate_path(certificate, files), readable(key.reveal(), files)
            context.load_cert_chain(*paths, password.reveal())
        except (OSError, ssl.SSLError) as error:
            raise InputError(Problem("the credential's certificate and key can't be read, or don't fit")) from error
    return context


def _new_context(policy: TlsPolicy) -> ssl.SSLContext:
    """A context like the shared one, into which a certificate of ours can be loaded."""
    return context_for.__wrapped__(policy)
