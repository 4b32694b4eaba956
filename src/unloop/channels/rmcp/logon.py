"""Finding out whether a BMC is there, and logging on: a try that lost a packet starts again from nothing."""

from collections.abc import Callable, Sequence
from functools import partial

from unloop.channels.rmcp.failures import DeadBmc, NoAnswer, NoSessionSlot, SuiteRefused, WrongPassword, of_status
from unloop.channels.rmcp.packet import is_pong, ping
from unloop.channels.rmcp.rakp import GOOD, INVALID_CHECK_VALUE, INVALID_SESSION, Account, Entropy, Heard, Login
from unloop.channels.rmcp.script import Pause, Say, Script, farewell, waits
from unloop.channels.rmcp.session import Session
from unloop.channels.rmcp.suite import Suite
from unloop.channels.rmcp.talk import close_session
from unloop.errors import ChannelError, DeadlineExceeded

PINGS, PING_WAIT = 6, 0.3
SILENT_TRIES, UNSEEN_TRIES = 10, 3
"""Tries in a row without any answer after which a BMC is given up: one that answered a ping, one that did not."""
MOST_TRIES = 40
SLOT_TRIES, SLOT_WAIT = 4, 3.0
"""How often, and how long apart, a BMC is asked again that has no session left: half-open ones time out."""


def knock(entropy: Entropy) -> Script[bool]:
    """Whether a presence ping is answered. All have one tag, so that a late answer counts."""
    tag = entropy(1)[0] & 0x7F
    for wait in waits(PINGS, PING_WAIT):
        if (yield Say(ping(tag), wait, partial(_hear_pong, tag), heeds_errors=True)):
            return True
    return False


def _hear_pong(tag: int, datagram: bytes) -> bool | None:
    return is_pong(datagram, tag) or None


def log_on(account: Account, suites: Sequence[Suite], entropy: Entropy) -> Script[Session]:
    """Ping first, then log on with the first suite that the BMC offers. Raises what failures.py draws."""
    return (yield from _LogOn(account, entropy).run(suites))


class _LogOn:
    """One log-on, over as many tries as it takes. ``is_seen``: the BMC has answered something by now."""

    def __init__(self, account: Account, entropy: Entropy) -> None:
        self._account = account
        self._entropy = entropy
        self._is_seen = False

    def run(self, suites: Sequence[Suite]) -> Script[Session]:
        try:
            self._is_seen = yield from knock(self._entropy)
            for suite in suites[:-1]:
                try:
                    return (yield from self._with_suite(suite))
                except SuiteRefused:
                    continue
            return (yield from self._with_suite(suites[-1]))
        except DeadlineExceeded as error:
            if self._is_seen:
                raise
            raise DeadBmc("no BMC answered the ping, nor a log-on") from error

    def _with_suite(self, suite: Suite) -> Script[Session]:
        silent = slots = 0
        failure: ChannelError = NoAnswer("the log-on was not answered to its end")
        for wait in waits(MOST_TRIES):
            attempt = _Attempt(Login(self._account, suite, self._entropy), self._entropy)
            try:
                session = yield from attempt.run(wait)
                if session is not None:
                    return session
            except NoSessionSlot as error:
                failure, slots = error, slots + 1
            except DeadlineExceeded as error:
                if slots:
                    raise failure from error
                raise
            finally:
                self._is_seen = self._is_seen or attempt.heard_anything
            silent = 0 if attempt.heard_anything else silent + 1
            if slots == SLOT_TRIES or silent == (SILENT_TRIES if self._is_seen else UNSEEN_TRIES):
                break
            if slots:
                yield Pause(SLOT_WAIT)
        raise failure


class _Attempt:
    """One try, of which nothing is left when it fails."""

    def __init__(self, login: Login, entropy: Entropy) -> None:
        self._login = login
        self._entropy = entropy
        self._farewells: tuple[bytes, ...] = ()
        self.heard_anything = False

    def run(self, wait: float) -> Script[Session | None]:
        """The session, or None when a packet was lost on the way."""
        try:
            session = yield from self._steps(wait)
        except ChannelError:
            yield from self._leave()
            raise
        if session is None:
            yield from self._leave()
        return session

    def _steps(self, wait: float) -> Script[Session | None]:
        login = self._login
        opened = yield from self._step(login.open_request(), wait, login.hear_open, is_opening=True)
        if opened is None:
            return None
        chosen = login.take_open(opened)
        given_up = login.give_up(INVALID_CHECK_VALUE)
        self._farewells = (given_up,)
        if not chosen:
            raise SuiteRefused(f"the BMC answers with other algorithms than those of cipher suite {login.suite.number}")
        proof = yield from self._step(login.rakp1(), wait, login.hear_rakp2)
        if proof is None:
            return None
        if not login.take_rakp2(proof):
            raise WrongPassword("the BMC and we don't have the same password")
        session = Session(login, self._entropy)
        self._farewells = (session.seal(close_session(session), session.next_message()), given_up)
        ended = yield from self._step(login.rakp3(), wait, login.hear_rakp4)
        return None if ended is None else Session(login, self._entropy)

    def _step(
        self, datagram: bytes, wait: float, hears: Callable[[bytes], Heard | None], *, is_opening: bool = False
    ) -> Script[Heard | None]:
        """One message and its answer; None when none came, or when the BMC has forgotten the session by now."""
        heard: Heard | None = yield Say(datagram, wait, hears)
        if heard is None:
            return None
        self.heard_anything = True
        if heard.status == INVALID_SESSION:
            return None
        if heard.status != GOOD:
            raise of_status(heard.status, is_opening=is_opening)
        return heard

    def _leave(self) -> Script[None]:
        """Tell the BMC that it can forget the session, whether it holds it to be open or half open by now."""
        for datagram in self._farewells:
            yield farewell(datagram)
