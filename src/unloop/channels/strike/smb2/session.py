"""From the first byte to the point where flights can go: negotiation and log-on, one answer at a time or ahead of them."""

from collections.abc import Callable, Sequence

from unloop.channels.smb_status import STATUS_MORE_PROCESSING_REQUIRED, STATUS_SUCCESS, from_status, unencrypted
from unloop.channels.strike.authenticator import Authenticator
from unloop.channels.strike.exchange import PROOF, Messages
from unloop.channels.strike.smb2.crypto import Shield, keys_for
from unloop.channels.strike.smb2.flights import REFUSED, Ahead, Flights
from unloop.channels.strike.smb2.line import Line
from unloop.channels.strike.smb2.logon import Logon
from unloop.channels.strike.smb2.negotiate import Choice, Offer, choice
from unloop.channels.strike.smb2.requests import Request
from unloop.channels.strike.smb2.wire import SIGNED, Answer
from unloop.errors import ChannelError, ConnectionLost, LogonRefused, LogonUndecided, ProtocolError, Unsupported


class Session:
    """One session with one log-on. ``agreed`` is what was negotiated; ``note`` is told what is in flight.

    ``granted`` is how many requests the host allows at the end of the log-on.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        dialects: Sequence[int],
        *,
        requires_encryption: bool,
        note: Callable[[str], None],
    ) -> None:
        self.line = Line()
        self.offer = Offer.of(tuple(dialects))
        self.agreed: Choice | None = None
        self.granted = 0
        self._logon = Logon(authenticator)
        self._hello = self.offer.request()
        self._requires_encryption = requires_encryption
        self._note = note

    @property
    def is_encrypted(self) -> bool:
        """Whether everything in the session is to be sealed: the host says so, or we do."""
        return self._requires_encryption or self._logon.is_encrypted

    def open(self) -> Messages[None]:
        """Negotiate, then log on, waiting for every answer."""
        hello, number = self._frame(self._hello)
        answer = (yield from self._answers(hello, number))[number]
        self._agree(hello, answer)
        yield from self._log_on(self._logon.first())

    def open_ahead(self, flights: Flights) -> Messages[None]:
        """Negotiate and begin the log-on at once; its end goes in front of the first flight where its key is known.

        Raises Unsupported when the host does not take it so; nothing can have been changed by then.
        """
        hello, number = self._frame(self._hello)
        first, following = self._frame(self._logon.first())
        try:
            answers = yield from self._answers(hello + first, number, following)
        except ConnectionLost as error:
            raise Unsupported(REFUSED) from error
        self._agree(hello, answers[number])
        self._logon.remember(first[4:])
        answer = answers[following]
        if answer.status not in {STATUS_SUCCESS, STATUS_MORE_PROCESSING_REQUIRED}:
            said = from_status(answer.status, "log-on")
            is_judged = isinstance(said, LogonRefused | LogonUndecided)
            raise said if is_judged else Unsupported(f"{REFUSED}: {said.message}")
        request = self._judged(answer)
        if request is None:
            self._finish(answer)
            return
        yield PROOF
        if not self._logon.session_key:
            yield from self._log_on(request)
        else:
            frame, number = self._step(request)
            flights.ahead = Ahead(frame, number, lambda answer: self._land(answer, flights))

    def _log_on(self, request: Request | None) -> Messages[None]:
        while request is not None:
            frame, number = self._step(request)
            answer = (yield from self._answers(frame, number))[number]
            request = self._judged(answer)
            if request is not None:
                yield PROOF
        self._finish(answer)

    def _frame(self, request: Request) -> tuple[bytes, int]:
        frame, numbers = self.line.frame((request,))
        return frame, numbers[0]

    def _step(self, request: Request) -> tuple[bytes, int]:
        """One SESSION_SETUP; as soon as there is a key, what follows is signed with it."""
        frame, number = self._frame(request)
        self._logon.remember(frame[4:])
        if self._logon.session_key:
            self._arm()
        return frame, number

    def _answers(self, outgoing: bytes, *numbers: int) -> Messages[dict[int, Answer]]:
        self._note("negotiate" if self.agreed is None else "log on")
        found: dict[int, Answer] = {}
        while len(found) < len(numbers):
            frame = yield outgoing
            outgoing = b""
            for answer in self.line.take(frame):
                found[answer.message_id] = answer
        return found

    def _agree(self, hello: bytes, answer: Answer) -> None:
        self.agreed = choice(answer, self.offer)
        self.line.dialect = self.agreed.dialect
        self._logon.remember(hello[4:])
        self._logon.remember(answer.message)
        if self._requires_encryption and self.agreed.cipher is None:
            raise unencrypted()

    def _judged(self, answer: Answer) -> Request | None:
        """The next step of the log-on, None when the host is satisfied."""
        if answer.status == STATUS_MORE_PROCESSING_REQUIRED:
            self._logon.remember(answer.message)
        request = self._logon.following(answer)
        self.line.session_id = answer.session_id
        return request

    def _arm(self) -> None:
        if self.agreed is None:
            raise ProtocolError("a log-on came before the negotiation")
        keys = keys_for(
            self._logon.session_key,
            self.agreed.dialect,
            preauth=self._logon.preauth,
            algorithm=self.agreed.algorithm,
            cipher=self.agreed.cipher,
        )
        self.line.shield = Shield(keys, is_client=True)

    def _finish(self, answer: Answer) -> None:
        """The last answer must be signed: that proves the host, and that nobody changed the negotiation of 3.1.1."""
        if self.line.shield is None:
            self._arm()
        if not self.line.prove(answer):
            raise self._unproven(answer)
        self.granted = self.line.window - answer.message_id - 1
        if self.is_encrypted and self.agreed is not None and self.agreed.cipher is None:
            raise Unsupported("the host wants everything encrypted, and no cipher was agreed on")

    def _unproven(self, answer: Answer) -> ChannelError:
        if answer.flags & SIGNED:
            return ProtocolError("the host's signature under the log-on is wrong")
        return Unsupported("the host does not sign the end of the log-on")

    def _land(self, answer: Answer, flights: Flights) -> None:
        """Judge the end of a log-on that a flight did not wait for."""
        if self._judged(answer) is not None:
            raise Unsupported(REFUSED)
        try:
            self._finish(answer)
        except Unsupported as error:
            raise ProtocolError(error.message) from error
        if self.is_encrypted and not flights.seals:
            flights.seals = flights.seals_late = True
