"""One HTTP connection to WinRM: the log-on goes with the first message, and every message is answered before the next."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from unloop.channels.strike.exchange import PROOF, Messages
from unloop.channels.strike.wsman import http, sealed, soap
from unloop.channels.strike.wsman.authenticator import Authenticator
from unloop.channels.strike.wsman.http import Response
from unloop.channels.strike.wsman.soap import Request
from unloop.channels.winrm_faults import of_refusal, of_status
from unloop.errors import ConnectionLost, LogonUndecided, ProtocolError, Unsupported
from unloop.secrets.secret import Credential

UNAUTHORIZED = 401
Asking = Messages[ET.Element]
"""Sends one message, and returns the element in the body of its answer."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where the service is: what Host says, whether TLS is below, and with which credential we come."""

    host: str
    is_secure: bool
    credential: Credential


class Conversation:
    """Messages and their answers, one after the other."""

    def __init__(self, door: Door, authenticator: Authenticator, note: Callable[[str], None] = lambda _: None) -> None:
        self._door, self._proof, self._note = door, authenticator, note
        self._is_proven = False
        self.is_open = True
        """Whether more can be asked: every answer so far was sound, and the host keeps the connection."""
        # The first request is the same whatever is asked: it is ready before the host is.
        self._greeting = b""
        if not authenticator.is_at_once:
            self._greeting = http.request(door.host, authenticator.first(), soap.CONTENT_TYPE, b"")

    def ask(self, request: Request) -> Asking:
        """Send a message and read its answer; raises what a fault means, and every other ChannelError.

        Unsupported, and what means the log-on, are raised before anything was sent that changes the host.
        """
        if not self.is_open:
            raise ConnectionLost("this connection can be asked nothing more")
        self.is_open = False
        proof = yield from self._proof_of_next()
        self._note(request.what if self._is_proven else f"log on and {request.what}")
        response = http.read((yield self._posted(request, proof)))
        if response.status == UNAUTHORIZED and self._is_proven:
            raise ConnectionLost("the host has forgotten who we are (401)")
        if response.status == UNAUTHORIZED:
            raise of_refusal(self._door.credential, self._proof.mechanism, is_proven=True)
        data = self._opened(response)
        self._is_proven = True
        self.is_open = not response.hangs_up
        return soap.read(data, request.identity)

    def _proof_of_next(self) -> Messages[str]:
        """The Authorization of the next message."""
        if self._is_proven:
            return self._proof.first() if self._proof.is_repeated else ""
        if self._proof.is_at_once:
            proof = self._proof.first()
        else:
            self._note("log on")
            proof = yield from self._challenged()
        if not self._door.is_secure and not self._proof.can_seal():
            raise Unsupported("over plain HTTP this log-on can't encrypt what is said")
        yield PROOF
        return proof

    def _challenged(self) -> Messages[str]:
        """Greet the host, and make the whole proof of its challenge; nothing that changes anything has been sent."""
        response = http.read((yield self._greeting))
        if response.status != UNAUTHORIZED:
            if response.status < 300:
                raise Unsupported("the host lets us in before it knows who we are")
            raise of_status(response.status)
        challenge = response.challenge(self._proof.scheme)
        if challenge is None:
            raise LogonUndecided("the host offers no way to log on that we know (401)")
        if not challenge or response.hangs_up:
            raise Unsupported("the host does not take a log-on that begins with the first request")
        try:
            return self._proof.second(base64.b64decode(challenge, validate=True))
        except binascii.Error as error:
            raise ProtocolError("the host's challenge is garbled") from error

    def _posted(self, request: Request, proof: str) -> bytes:
        if self._door.is_secure:
            return http.request(self._door.host, proof, soap.CONTENT_TYPE, request.data)
        body = sealed.wrap(request.data, self._proof.seal, self._proof.protocol)
        return http.request(self._door.host, proof, sealed.content_type(self._proof.protocol), body)

    def _opened(self, response: Response) -> bytes:
        """The envelope of an answer; what comes in the clear where it should be sealed counts for nothing."""
        if sealed.is_sealed(response.kind) and self._proof.can_seal():
            return sealed.unwrap(response.body, self._proof.unseal)
        is_soap = response.kind.partition(";")[0].strip().lower() == "application/soap+xml"
        if self._door.is_secure and is_soap and response.body:
            return response.body
        raise of_status(response.status)
