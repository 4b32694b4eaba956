"""What can go wrong with a BMC over RMCP+, each as the error of ours that it is, and which status code means which.

::

    Unreachable    DeadBmc            neither a ping nor a log-on was answered
    LogonRefused   WrongPassword      the BMC holds another password than we do
    LogonRefused   UnknownUser        the BMC knows no such user, or lets it in over no network
    AccessDenied   PrivilegeTooLow    the account may not do this
    Unsupported    SuiteRefused       the BMC does not offer the cipher suite
    Unsupported    UnknownCommand     the BMC does not know the command, or not with these data
    Busy           NoSessionSlot      all sessions of the BMC are in use
    Busy           BmcBusy            the BMC has no time or room for the command; nothing was done
    DeadlineExceeded   NoAnswer       it was alive, and this was not answered
    ProtocolError  Refusal            any other code
"""

from unloop.errors import (
    AccessDenied,
    Busy,
    ChannelError,
    DeadlineExceeded,
    LogonRefused,
    ProtocolError,
    Unreachable,
    Unsupported,
)


class DeadBmc(Unreachable):
    """Neither a presence ping nor a log-on was answered."""


class WrongPassword(LogonRefused):
    """The BMC's proof of the password is not ours. It was judged here: no log-on was completed."""


class UnknownUser(LogonRefused):
    """The BMC knows no such user, or does not let it in over the network."""


class PrivilegeTooLow(AccessDenied):
    """The account's privilege level does not permit this."""


class SuiteRefused(Unsupported):
    """The BMC does not offer this cipher suite."""


class UnknownCommand(Unsupported):
    """The BMC does not know this command, or not with these data."""


class NoSessionSlot(Busy):
    """All sessions of the BMC are in use."""


class BmcBusy(Busy):
    """The BMC has no time or room for the command, and did nothing."""


class NoAnswer(DeadlineExceeded):
    """The BMC was alive, and this was not answered."""


class Refusal(ProtocolError):
    """The BMC answered with a code that has no meaning of its own here."""

    code = 0


_SLOTS = frozenset({0x01, 0x0B})
_SUITE = frozenset({0x04, 0x05, 0x06, 0x07, 0x10, 0x11})
_NAME = frozenset({0x0C, 0x0D})
_ROLE = frozenset({0x09, 0x0A})
_CHECK_VALUE = 0x0F


def of_status(code: int, *, is_opening: bool) -> ChannelError:
    """What an RMCP+ status code means (table 13-15). Only the answer to the proposal can refuse a cipher suite."""
    if code in _SLOTS:
        return NoSessionSlot(f"the BMC has no session left (RMCP+ status {code:#04x})")
    if code in _SUITE and is_opening:
        return SuiteRefused(f"the BMC does not offer the cipher suite (RMCP+ status {code:#04x})")
    if code in _NAME:
        return UnknownUser(f"the BMC knows no such user, or not over the network (RMCP+ status {code:#04x})")
    if code in _ROLE:
        return PrivilegeTooLow(f"the account may not have this privilege (RMCP+ status {code:#04x})")
    if code == _CHECK_VALUE:
        return WrongPassword("the BMC and we don't have the same password (RMCP+ status 0x0f)")
    return Refusal(f"the BMC refused a session (RMCP+ status {code:#04x})")


_BUSY = frozenset({0xC0, 0xC4})
"""Node busy, out of space (table 5-2): nothing was done."""
_UNTOLD = frozenset({0xC3, 0xCE, 0xD0, 0xD1, 0xD2})
"""Timeout, and the codes for a response that could not be provided: the command may have been carried out."""
_UNKNOWN = frozenset({0xC1, 0xC2, 0xCC})
_PRIVILEGE = 0xD4


def of_completion(code: int, what: str) -> ChannelError:
    """What a completion code means (table 5-2). ``what`` names the command."""
    told = f"{what}: completion code {code:#04x}"
    if code in _BUSY:
        return BmcBusy(f"the BMC is busy ({told})")
    if code in _UNTOLD:
        return NoAnswer(f"the BMC could not answer ({told})")
    if code in _UNKNOWN:
        return UnknownCommand(f"the BMC does not know this command ({told})")
    if code == _PRIVILEGE:
        return PrivilegeTooLow(f"the account's privilege is too low ({told})")
    refusal = Refusal(f"the BMC refused ({told})")
    refusal.code = code
    return refusal
