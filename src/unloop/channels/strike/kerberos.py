"""Kerberos for exchanges that carry it in SPNEGO (RFC 4121, RFC 4178): the ticket is got while the host is down.

What is sent to the host is made at the last moment, for it holds the time; that waits for nobody.
"""

from typing import Any

from unloop.channels.kerberos import client_failure
from unloop.channels.spnego import KERBEROS
from unloop.channels.strike.tickets import account_of, gssapi_library
from unloop.errors import LogonUndecided, ProtocolError
from unloop.secrets.secret import Credential

_SESSION_KEY = (1, 2, 840, 113554, 1, 2, 2, 5, 5)
"""GSS_C_INQ_SSPI_SESSION_KEY of MIT Kerberos."""


class KerberosAuthenticator:
    """One log-on to a service of one host, both sides proven. ``prepare`` comes first."""

    mechanism = KERBEROS

    def __init__(self, credential: Credential, host: str, *, service: str = "cifs") -> None:
        self._credential, self._service = credential, f"{service}@{host}"
        self._held: Any = None
        self._context: Any = None

    def prepare(self) -> None:
        """Get the ticket; asks the domain controller, and waits. Raises LogonRefused or LogonUndecided."""
        self._held = account_of(self._credential.username, self._credential.password).ticket_for(self._new_context)

    @property
    def is_ready(self) -> bool:
        """Whether the ticket is here."""
        return self._held is not None

    @property
    def session_key(self) -> bytes:
        """The key that the host chose with its proof."""
        if self._context is None or not self._context.complete:
            return b""
        gssapi = gssapi_library()
        found = gssapi.raw.inquire_sec_context_by_oid(self._context, gssapi.OID.from_int_seq(_SESSION_KEY))
        return bytes(found[0])

    def start(self) -> bytes:
        """A fresh AP-REQ with the ticket that we have; raises LogonUndecided or LogonRefused."""
        if self._held is None:
            raise LogonUndecided("the ticket is to be got first")
        try:
            self._context = self._new_context(self._held)
            return bytes(self._context.step() or b"")
        except gssapi_library().exceptions.GSSError as error:
            raise client_failure(str(error)) from error

    def step(self, token: bytes) -> bytes:
        """Take the host's proof; raises ProtocolError for one that is wrong."""
        if self._context is None:
            raise ProtocolError("the host answered a log-on that was not begun")
        try:
            return bytes(self._context.step(token) or b"")
        except gssapi_library().exceptions.GSSError as error:
            raise ProtocolError("the host's proof of itself is wrong") from error

    def sign(self, message: bytes) -> bytes:
        """One mechanism, and the host's first choice: nothing to be signed (RFC 4178, 5)."""
        return b""

    def is_signed(self, message: bytes, signature: bytes) -> bool:
        """Whether the host's signature over the list of mechanisms is right."""
        try:
            self._context.verify_signature(message, signature)
        except gssapi_library().exceptions.GSSError:
            return False
        return True

    def _new_context(self, held: Any) -> Any:
        gssapi = gssapi_library()
        flags = gssapi.RequirementFlag
        return gssapi.SecurityContext(
            name=gssapi.Name(self._service, gssapi.NameType.hostbased_service),
            creds=held,
            mech=gssapi.MechType.kerberos,
            flags=flags.mutual_authentication | flags.integrity | flags.replay_detection,
            usage="initiate",
        )
