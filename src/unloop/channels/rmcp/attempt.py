"""One try to log on to a BMC: three messages and their answers. When it fails, the BMC is told that it can forget it."""

from collections import Counter
from collections.abc import Callable

from unloop.channels.rmcp.failures import SuiteRefused, WrongPassword, of_status
from unloop.channels.rmcp.packet import Payload
from unloop.channels.rmcp.rakp import GOOD, INVALID_CHECK_VALUE, INVALID_SESSION, Entropy, Heard, Login
from unloop.channels.rmcp.script import FIRST_WAIT, GROWTH, LONGEST_WAIT, Say, Script, farewell
from unloop.channels.rmcp.session import Session
from unloop.channels.rmcp.talk import close_session
from unloop.errors import ChannelError


class Patience:
    """How long each message of the log-on waits for its answer, over all tries.

    A message that went unanswered waits longer the next time, for the BMC may be slow at this step. The others don't: what
    was lost says nothing of the BMC.
    """

    def __init__(self) -> None:
        self._unanswered: Counter[Payload] = Counter()

    def wait(self, step: Payload) -> float:
        """Seconds for the answer to this message."""
        return min(FIRST_WAIT * GROWTH ** self._unanswered[step], LONGEST_WAIT)

    def lose(self, step: Payload) -> None:
        """No answer came."""
        self._unanswered[step] += 1


class Attempt:
    """One try. ``heard_anything``: the BMC answered at least one message of it."""

    def __init__(self, login: Login, patience: Patience, entropy: Entropy) -> None:
        self._login, self._patience, self._entropy = login, patience, entropy
        self._is_open = False
        self._session: Session | None = None
        self.heard_anything = False

    def run(self) -> Script[Session | None]:
        """The session, or None when a packet was lost on the way."""
        try:
            session = yield from self._steps()
        except ChannelError:
            yield from self._leave()
            raise
        if session is None:
            yield from self._leave()
        return session

    def _steps(self) -> Script[Session | None]:
        login = self._login
        opened = yield from self._step(Payload.OPEN_REQUEST, login.open_request(), login.hear_open)
        if opened is None:
            return None
        self._is_open = True
        if not login.take_open(opened):
            raise SuiteRefused(f"the BMC answers with other algorithms than those of cipher suite {login.suite.number}")
        proof = yield from self._step(Payload.RAKP1, login.rakp1(), login.hear_rakp2)
        if proof is None:
            return None
        if not login.take_rakp2(proof):
            raise WrongPassword("the BMC and we don't have the same password")
        self._session = Session(login, self._entropy)
        ended = yield from self._step(Payload.RAKP3, login.rakp3(), login.hear_rakp4)
        return self._session if ended is not None else None

    def _step(self, step: Payload, datagram: bytes, hears: Callable[[bytes], Heard | None]) -> Script[Heard | None]:
        """One message and its answer; None when none came, or when the BMC has forgotten the session by now."""
        heard: Heard | None = yield Say(datagram, self._patience.wait(step), hears)
        if heard is None:
            self._patience.lose(step)
            return None
        self.heard_anything = True
        if heard.status == INVALID_SESSION:
            return None
        if heard.status != GOOD:
            raise of_status(heard.status, is_opening=step is Payload.OPEN_REQUEST)
        return heard

    def _leave(self) -> Script[None]:
        """Tell the BMC that it can forget the session, whether it holds it to be open or half open by now."""
        if self._session is not None:
            yield farewell(self._session.seal(close_session(self._session), self._session.next_message()))
        if self._is_open:
            yield farewell(self._login.give_up(INVALID_CHECK_VALUE))
