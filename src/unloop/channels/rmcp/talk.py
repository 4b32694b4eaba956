"""What is said within a session: queries that may be repeated, orders that are sent once, and the end of the session."""

from unloop.channels.rmcp.failures import BmcBusy, NoAnswer, PrivilegeTooLow, Refusal, of_completion
from unloop.channels.rmcp.message import Command
from unloop.channels.rmcp.script import Pause, Say, Script, farewell, waits
from unloop.channels.rmcp.session import Session

QUERY_TRIES = 6
ORDER_WAIT = 1.5
"""How long the answer to an order is waited for. An order is never repeated here: whoever sent it looks what came of it."""
CLOSE_TRIES = 3
BUSY_WAIT = 1.0
_APP = 0x06
_SET_PRIVILEGE, _CLOSE_SESSION = 0x3B, 0x3C
_LEVEL_REFUSED = frozenset({0x80, 0x81})


def query(session: Session, command: Command) -> Script[bytes]:
    """Ask what changes nothing, again when the answer is lost or the BMC has no time; the data of the answer."""
    failure: NoAnswer | BmcBusy = NoAnswer(f"{command.name} was not answered")
    message = session.next_message()
    for wait in waits(QUERY_TRIES):
        heard: bytes | None = yield _say(session, command, message, wait)
        if heard is None:
            continue
        try:
            return _data(heard, command)
        except (BmcBusy, NoAnswer) as error:
            failure, message = error, session.next_message()
        yield Pause(BUSY_WAIT)
    raise failure


def order(session: Session, command: Command, *, level: int) -> Script[bytes]:
    """Send what changes something, exactly once, at this privilege level; raises NoAnswer when that is all we know."""
    if session.level < level:
        yield from _raise_level(session, level)
    heard: bytes | None = yield _say(session, command, session.next_message(), ORDER_WAIT)
    if heard is None:
        raise NoAnswer(f"{command.name} was sent and not answered")
    return _data(heard, command)


def close(session: Session) -> Script[None]:
    """Give the session back. A BMC that has closed it already is silent, so that is no failure."""
    command, message = close_session(session), session.next_message()
    for wait in waits(CLOSE_TRIES):
        if (yield _say(session, command, message, wait)) is not None:
            return


def leave(session: Session) -> Script[None]:
    """Give up a session that went silent: the BMC is told once, in case it holds it still."""
    yield farewell(session.seal(close_session(session), session.next_message()))


def close_session(session: Session) -> Command:
    """Close Session (22.19)."""
    return Command("Close Session", _APP, _CLOSE_SESSION, session.bmc.to_bytes(4, "little"))


def _raise_level(session: Session, level: int) -> Script[None]:
    """Set Session Privilege Level (22.18); asking twice for the same level does no harm, so it is a query."""
    try:
        yield from query(session, Command("Set Session Privilege Level", _APP, _SET_PRIVILEGE, bytes([level])))
    except Refusal as error:
        if error.code in _LEVEL_REFUSED:
            raise PrivilegeTooLow(f"the account may not have privilege level {level}") from error
        raise
    session.level = level


def _say(session: Session, command: Command, message: int, wait: float) -> Say:
    return Say(session.seal(command, message), wait, lambda datagram: session.hear(datagram, command, message))


def _data(heard: bytes, command: Command) -> bytes:
    code = heard[0]
    if code:
        raise of_completion(code, command.name)
    return heard[1:]
