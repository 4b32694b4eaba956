"""The log-on of a session: SPNEGO around one mechanism, in SESSION_SETUP ([MS-SMB2] 2.2.5, 2.2.6, 3.2.5.3)."""

import struct

from unloop.channels import spnego
from unloop.channels.smb_status import STATUS_MORE_PROCESSING_REQUIRED, STATUS_SUCCESS, guest, judged_logon
from unloop.channels.strike.authenticator import Authenticator
from unloop.channels.strike.smb2.crypto import preauth_hash
from unloop.channels.strike.smb2.negotiate import SIGNS
from unloop.channels.strike.smb2.requests import Request
from unloop.channels.strike.smb2.wire import HEADER_SIZE, Answer, Command
from unloop.errors import LogonUndecided, ProtocolError

_REQUEST = struct.Struct("<HBBIIHHQ")
_RESPONSE = struct.Struct("<HHHH")
_IS_GUEST, _IS_NULL, _ENCRYPTS = 0x1, 0x2, 0x4
_MOST_STEPS = 4


class Logon:
    """One log-on. ``preauth`` is the hash that 3.1.1 keeps over its messages and those of the negotiation."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._listed = spnego.mechanisms(authenticator.mechanism)
        self._steps = 0
        self.preauth = bytes(64)
        self.is_encrypted = False
        """Whether the host wants the whole session sealed."""

    def first(self) -> Request:
        """The first SESSION_SETUP, which needs no host."""
        return _setup(spnego.initial(self._authenticator.mechanism, self._authenticator.start()))

    @property
    def session_key(self) -> bytes:
        """The key of the session, b'' as long as the mechanism has none."""
        return self._authenticator.session_key

    def remember(self, message: bytes) -> None:
        """Take one more message into the hash."""
        self.preauth = preauth_hash(self.preauth, message)

    def following(self, answer: Answer) -> Request | None:
        """The next SESSION_SETUP, or None when the host is satisfied; raises what the host's refusal means.

        Whether the last answer is signed with the session's key is the caller's to check.
        """
        if answer.status not in {STATUS_SUCCESS, STATUS_MORE_PROCESSING_REQUIRED}:
            raise judged_logon(answer.status)
        _, flags, start, length = answer.unpack(_RESPONSE)
        token = answer.buffer(start, length)
        if answer.status:
            return self._next(token)
        if flags & (_IS_GUEST | _IS_NULL):
            raise guest()
        self.is_encrypted = bool(flags & _ENCRYPTS)
        self._finish(token)
        return None

    def _next(self, token: bytes) -> Request:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise ProtocolError("the log-on has no end")
        said = self._read(token)
        proof = self._authenticator.step(said.token)
        mic = self._authenticator.sign(self._listed) if self.session_key else b""
        return _setup(spnego.response(proof, mic))

    def _finish(self, token: bytes) -> None:
        """The host's last word may hold its own proof, and its signature over the mechanisms."""
        said = self._read(token)
        if said.token and not self.session_key:
            self._authenticator.step(said.token)
        if not self.session_key:
            raise ProtocolError("the log-on ended before there was a key")
        if said.mic and not self._authenticator.is_signed(self._listed, said.mic):
            raise ProtocolError("the list of mechanisms was changed on its way")

    def _read(self, token: bytes) -> spnego.Reply:
        said = spnego.reply(token)
        if said.mechanism and said.mechanism != self._authenticator.mechanism:
            raise LogonUndecided("the host wants to be logged on to in another way")
        return said


def _setup(token: bytes) -> Request:
    start = HEADER_SIZE + _REQUEST.size
    return Request(Command.SESSION_SETUP, _REQUEST.pack(25, 0, SIGNS, 0, 0, start, len(token), 0) + token, "log on")
