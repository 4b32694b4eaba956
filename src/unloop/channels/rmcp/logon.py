"""Finding out whether a BMC is there, and logging on: a try that lost a packet starts again from nothing."""

from collections.abc import Sequence
from functools import partial

from unloop.channels.rmcp.attempt import Attempt, Patience
from unloop.channels.rmcp.failures import DeadBmc, NoAnswer, NoSessionSlot, SuiteRefused
from unloop.channels.rmcp.packet import is_pong, ping
from unloop.channels.rmcp.rakp import Account, Entropy, Login
from unloop.channels.rmcp.script import Pause, Say, Script, waits
from unloop.channels.rmcp.session import Session
from unloop.channels.rmcp.suite import Suite
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
        patience = Patience()
        for _ in range(MOST_TRIES):
            attempt = Attempt(Login(self._account, suite, self._entropy), patience, self._entropy)
            try:
                session = yield from attempt.run()
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
