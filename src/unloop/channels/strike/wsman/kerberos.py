"""Logging on by Kerberos with one message (RFC 4559, RFC 4121): the ticket is got while the host is down.

Without mutual authentication the whole proof goes with the first request, and what is said is sealed with the session
key of the ticket: only who holds the service's key can read it or answer.
"""

import base64
import importlib
import threading
from functools import lru_cache
from typing import Any

from unloop.channels.kerberos import client_failure, is_installed
from unloop.channels.strike.wsman import sealed
from unloop.errors import LogonUndecided, ProtocolError
from unloop.secrets.secret import Credential, Secret

SERVICE = "host"
"""The part of the service principal before the host's name; Windows takes it for WinRM's too."""
EXPIRES_SOON = 300
"""Seconds: the difference that Kerberos allows between clocks (RFC 4120, 1.6)."""


class Kerberos:
    """One log-on to one host."""

    mechanism, scheme, protocol = "kerberos", "Kerberos", sealed.KERBEROS
    is_at_once, is_repeated = True, False

    def __init__(self, credential: Credential, host: str) -> None:
        self._credential, self._host = credential, host
        self._bindings = b""
        self._held: Any = None
        self._context: Any = None

    @property
    def is_ready(self) -> bool:
        """Whether the ticket is here."""
        return self._held is not None

    def prepare(self) -> None:
        """Get the ticket; asks the domain controller, and waits. Raises LogonRefused or LogonUndecided."""
        if not is_installed():
            raise LogonUndecided("Kerberos needs the extra unloop[kerberos]")
        gssapi = _gssapi()
        try:
            held = account_of(self._credential.username, self._credential.password).held()
            self._new_context(held).step()
        except gssapi.exceptions.GSSError as error:
            raise client_failure(str(error)) from error
        self._held = held

    def bind(self, bindings: bytes) -> None:
        """Bind the log-on to a TLS connection."""
        self._bindings = bindings

    def first(self) -> str:
        """A fresh AP-REQ with the ticket that we have; raises LogonUndecided or LogonRefused."""
        gssapi = _gssapi()
        if self._held is None:
            self.prepare()
        try:
            self._context = self._new_context(self._held)
            token = self._context.step()
        except gssapi.exceptions.GSSError as error:
            raise client_failure(str(error)) from error
        return f"{self.scheme} {base64.b64encode(token or b'').decode()}"

    def second(self, challenge: bytes) -> str:
        """Never asked for: the first message is the whole proof."""
        raise LogonUndecided("the host wants more than one message of Kerberos")

    def can_seal(self) -> bool:
        """As soon as the message is made."""
        return self._context is not None and bool(self._context.complete)

    def seal(self, message: bytes) -> tuple[bytes, bytes]:
        """Signature and sealed message, padded as some ciphers want it ([MS-WSMV] 2.2.9.1.1.2.1, RFC 4121 4.2)."""
        gssapi = _gssapi()
        kinds = gssapi.raw.IOVBufferType
        parts = gssapi.raw.IOV(kinds.header, message, kinds.padding, std_layout=False)
        gssapi.raw.wrap_iov(self._context, parts, confidential=True)
        header, data, padding = (part.value or b"" for part in parts)
        return header, data + padding

    def unseal(self, signature: bytes, data: bytes) -> bytes:
        """The message; raises ProtocolError."""
        gssapi = _gssapi()
        kinds = gssapi.raw.IOVBufferType
        parts = gssapi.raw.IOV((kinds.header, False, signature), data, kinds.data, std_layout=False)
        try:
            gssapi.raw.unwrap_iov(self._context, parts)
        except gssapi.exceptions.GSSError as error:
            raise ProtocolError("the host's answer is not sealed with this log-on's key") from error
        return bytes(parts[1].value or b"")

    def _new_context(self, held: Any) -> Any:
        gssapi = _gssapi()
        flags = gssapi.RequirementFlag
        return gssapi.SecurityContext(
            name=gssapi.Name(f"{SERVICE}@{self._host}", gssapi.NameType.hostbased_service),
            creds=held,
            mech=gssapi.MechType.kerberos,
            flags=flags.integrity | flags.confidentiality | flags.replay_detection | flags.out_of_sequence_detection,
            usage="initiate",
            channel_bindings=gssapi.raw.ChannelBindings(application_data=self._bindings) if self._bindings else None,
        )


class KerberosAccount:
    """An account, and the tickets that it has got: one for itself, and one for each service."""

    def __init__(self, username: str, password: Secret) -> None:
        domain, _, name = username.rpartition("\\")
        self._principal, self._password = f"{name}@{domain.upper()}" if domain else name, password
        self._lock = threading.Lock()
        self._held: Any = None

    def held(self) -> Any:
        """The credentials for GSS, got anew when they are about to expire; waits, and raises GSSError."""
        gssapi = _gssapi()
        with self._lock:
            if self._held is None or self._held.lifetime < EXPIRES_SOON:
                name = gssapi.Name(self._principal, gssapi.NameType.kerberos_principal)
                got = gssapi.raw.acquire_cred_with_password(
                    name, self._password.reveal().encode(), usage="initiate", mechs=[gssapi.MechType.kerberos]
                )
                self._held = gssapi.Credentials(base=got.creds, usage="initiate")
            return self._held


@lru_cache(maxsize=256)
def account_of(username: str, password: Secret) -> KerberosAccount:
    """The account of a name and password, the same one every time: thousands of hosts share a ticket to get tickets by."""
    return KerberosAccount(username, password)


def _gssapi() -> Any:
    """The library, which not everybody has."""
    return importlib.import_module("gssapi")
