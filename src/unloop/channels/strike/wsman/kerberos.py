"""Logging on by Kerberos with one message (RFC 4559, RFC 4121): the ticket is got while the host is down.

Without mutual authentication the whole proof goes with the first request, and what is said is sealed with the session
key of the ticket: only who holds the service's key can read it or answer.
"""

import base64
from typing import Any

from unloop.channels.kerberos import client_failure
from unloop.channels.strike.tickets import account_of, gssapi_library
from unloop.channels.strike.wsman import sealed
from unloop.errors import LogonUndecided, ProtocolError
from unloop.secrets.secret import Credential

SERVICE = "host"
"""The part of the service principal before the host's name; Windows takes it for WinRM's too."""


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
        self._held = account_of(self._credential.username, self._credential.password).ticket_for(self._new_context)

    def bind(self, bindings: bytes) -> None:
        """Bind the log-on to a TLS connection."""
        self._bindings = bindings

    def first(self) -> str:
        """A fresh AP-REQ with the ticket that we have; raises LogonUndecided or LogonRefused."""
        gssapi = gssapi_library()
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
        gssapi = gssapi_library()
        kinds = gssapi.raw.IOVBufferType
        parts = gssapi.raw.IOV(kinds.header, message, kinds.padding, std_layout=False)
        gssapi.raw.wrap_iov(self._context, parts, confidential=True)
        header, data, padding = (part.value or b"" for part in parts)
        return header, data + padding

    def unseal(self, signature: bytes, data: bytes) -> bytes:
        """The message; raises ProtocolError."""
        gssapi = gssapi_library()
        kinds = gssapi.raw.IOVBufferType
        parts = gssapi.raw.IOV((kinds.header, False, signature), data, kinds.data, std_layout=False)
        try:
            gssapi.raw.unwrap_iov(self._context, parts)
        except gssapi.exceptions.GSSError as error:
            raise ProtocolError("the host's answer is not sealed with this log-on's key") from error
        return bytes(parts[1].value or b"")

    def _new_context(self, held: Any) -> Any:
        gssapi = gssapi_library()
        flags = gssapi.RequirementFlag
        return gssapi.SecurityContext(
            name=gssapi.Name(f"{SERVICE}@{self._host}", gssapi.NameType.hostbased_service),
            creds=held,
            mech=gssapi.MechType.kerberos,
            flags=flags.integrity | flags.confidentiality | flags.replay_detection | flags.out_of_sequence_detection,
            usage="initiate",
            channel_bindings=gssapi.raw.ChannelBindings(application_data=self._bindings) if self._bindings else None,
        )
