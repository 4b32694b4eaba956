"""The messages of one connection: numbers, credits, signatures and seals ([MS-SMB2] 3.2.4.1, 3.2.5.1)."""

from collections.abc import Sequence
from dataclasses import dataclass

from unloop.channels.smb_status import FIRST_ERROR, STATUS_PENDING
from unloop.channels.strike.smb2.crypto import DIALECT_202, BadSeal, Shield
from unloop.channels.strike.smb2.requests import CURRENT, Request
from unloop.channels.strike.smb2.wire import (
    ASYNC,
    HEADER,
    RELATED,
    SEALED,
    SIGNED,
    SMB1,
    SMB2,
    Answer,
    Command,
    answers_in,
    framed,
)
from unloop.errors import ProtocolError

WANTED = 128
"""How many credits we would like to have; no flight of ours needs more."""
_UNPROVEN = frozenset({Command.NEGOTIATE, Command.SESSION_SETUP})
_SAME_TREE, _SAME_SESSION = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF


@dataclass(slots=True)
class _Sent:
    command: int
    is_sealed: bool
    is_pending: bool = False


class Line:
    """Numbers what is sent and proves what comes. ``credits`` is what the host still lets us send."""

    def __init__(self) -> None:
        self.credits = 1
        self.dialect = 0
        self.session_id = 0
        self.shield: Shield | None = None
        self._next_id = 0
        self._sent: dict[int, _Sent] = {}

    @property
    def window(self) -> int:
        """The first number that the host has not granted ([MS-SMB2] 3.2.4.1.2)."""
        return self._next_id + self.credits

    def frame(
        self, requests: Sequence[Request], *, tree: int = 0, file: bytes = CURRENT, seals: bool = False
    ) -> tuple[bytes, range]:
        """Requests as one related compound with its length in front, and the numbers that they got.

        ``file`` is what those before the first CREATE work on.
        """
        numbers = range(self._next_id, self._next_id + len(requests))
        self._next_id += len(requests)
        parts, last = [], len(requests) - 1
        for place, (number, request) in enumerate(zip(numbers, requests, strict=True)):
            body = request.on(file).body if place == 0 else request.body
            parts.append(self._message(number, request.command, body, tree=tree, place=place, is_last=place == last))
            self._sent[number] = _Sent(request.command, seals)
        self.credits -= len(requests)
        return framed(self._protected(parts, seals=seals)), numbers

    def take(self, frame: bytes) -> list[Answer]:
        """The final answers of one frame, each proven where a session stands, or else an error that nobody signed.

        Raises ProtocolError for everything that the host can't have meant so.
        """
        is_sealed = frame[:4] == SEALED
        if frame[:4] == SMB1:
            raise ProtocolError("the peer speaks SMB1")
        plain = self._unsealed(frame) if is_sealed else frame
        return [proven for answer in answers_in(plain) if (proven := self._taken(answer, is_sealed=is_sealed))]

    def prove(self, answer: Answer) -> bool:
        """Whether an answer bears the signature of the session."""
        return self.shield is not None and bool(answer.flags & SIGNED) and self.shield.is_genuine(answer.message)

    def _message(self, number: int, command: int, body: bytes, *, tree: int, place: int, is_last: bool) -> bytes:
        """One request with its header, filled up to eight bytes where another follows."""
        session = self.session_id
        if place:
            tree, session = _SAME_TREE, _SAME_SESSION
        gap = 0 if is_last else -len(body) % 8
        following = 0 if is_last else HEADER.size + len(body) + gap
        head = HEADER.pack(
            SMB2,
            HEADER.size,
            0 if self.dialect <= DIALECT_202 else 1,
            0,
            command,
            max(1, WANTED - self.credits),
            RELATED if place else 0,
            following,
            number,
            0xFEFF,
            tree,
            session,
            bytes(16),
        )
        return head + body + bytes(gap)

    def _protected(self, parts: list[bytes], *, seals: bool) -> bytes:
        if self.shield is None:
            return b"".join(parts)
        if seals:
            return self.shield.seal(self.session_id, b"".join(parts))
        return b"".join([self.shield.sign(part) for part in parts])

    def _unsealed(self, frame: bytes) -> bytes:
        if self.shield is None:
            raise ProtocolError("the host sealed an answer before there was a key")
        try:
            return self.shield.unseal(frame)
        except BadSeal as error:
            raise ProtocolError(f"the host's answer is not what this session's host sent: {error}") from error

    def _taken(self, answer: Answer, *, is_sealed: bool) -> Answer | None:
        """An answer that ends its request; None for one that only says to wait."""
        sent = self._sent.get(answer.message_id)
        if sent is None or sent.command != answer.command:
            raise ProtocolError("the host answered what was not asked")
        self.credits += answer.credits
        if answer.status == STATUS_PENDING and answer.flags & ASYNC:
            if sent.is_pending:
                raise ProtocolError("the host says twice that it needs time")
            sent.is_pending = True
            return None
        del self._sent[answer.message_id]
        if self.shield is None or answer.command in _UNPROVEN:
            return answer
        return Answer(*answer[:-1], self._is_proven(answer, sent, is_sealed=is_sealed))

    def _is_proven(self, answer: Answer, sent: _Sent, *, is_sealed: bool) -> bool:
        if is_sealed:
            return True
        if answer.flags & SIGNED and not sent.is_sealed:
            if not self.prove(answer):
                raise ProtocolError("the host's signature is wrong")
            return True
        if answer.status >= FIRST_ERROR:
            return False
        raise ProtocolError("the host's answer is not signed")
