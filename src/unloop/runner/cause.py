"""Why a host could not be repaired, and the outcome that follows: pure."""

from enum import StrEnum

from unloop.model.host import Host
from unloop.model.outcome import Outcome


class Cause(StrEnum):
    """Why a rung gave up. The text is what people read."""

    PARKED = "powered on and silent boot after boot: parked in recovery"
    LOGON_REFUSED = "every credential was refused"
    SUSPICIOUS = "a file fits the date but not the header or hash; a person must look at it"
    BUDGET_SPENT = "the reset budget is spent"
    WINDOW_TOO_SHORT = "its windows are all shorter than the fastest landing anywhere"
    ELAPSED = "no window was caught in the time allowed, and there is no power control"
    BMC_MISMATCH = "the BMC belongs to another host, so nothing was reset"
    ROLE_NOT_NAMED = "hosts of this role are reset only when the plan names the role"
    DOORS_CLOSED = "up, with every port closed; not reset"
    NOT_DOWN = "never seen to be down, so it was not reset, and no window was caught in the time allowed"
    NO_WAY_IN = "up, and no channel that could carry the remedy let us in; not reset"
    NO_ADDRESS = "no name server knows its address, so nobody could see it come up; not reset"
    NO_ANSWER = "no in-band channel answered"
    SILENT = "silent, with no evidence of a crash loop; not reset (--reset-silent permits it)"
    NOTHING_ANSWERED = "neither the host nor its BMC ever answered"
    NO_CHANNEL = "the inventory names no channel that could reach it"
    REMEDY_FAILED = "the host refused the remedy"
    IN_USE = "the file is held open while the host runs normally, so no reset would land the remedy"
    SAFE_BOOT_LEFT = "the safe boot flag could not be taken off: bcdedit /deletevalue {default} safeboot, then restart"
    STILL_BROKEN = "the remedy landed, but the host did not come back for good"


_ADVICE = {
    Cause.LOGON_REFUSED: "correct the credential where its secret is, or name another in the inventory",
    Cause.BMC_MISMATCH: "correct bmc or uuid in the inventory",
    Cause.ROLE_NOT_NAMED: "start a campaign that names the role, if it may be reset (--reset-role)",
    Cause.NO_CHANNEL: "name a channel in the inventory that can carry the remedy",
    Cause.NO_ADDRESS: "correct the address in the inventory, or the name server",
    Cause.NO_WAY_IN: "open the port of a channel that can carry the remedy, or name another channel",
    Cause.DOORS_CLOSED: "open the port of a channel, or name another channel, if the host needs repair at all",
}


def advice(cause: str) -> str:
    """What to do from afar before somebody walks to a host that ended with this cause, '' where nothing is known."""
    return next((told for known, told in _ADVICE.items() if cause.startswith(known)), "")


_UNREACHABLE = frozenset(
    {
        Cause.DOORS_CLOSED,
        Cause.NO_ADDRESS,
        Cause.NO_ANSWER,
        Cause.NO_WAY_IN,
        Cause.NOTHING_ANSWERED,
        Cause.SILENT,
    }
)


def outcome_of(cause: Cause, host: Host) -> Outcome:
    """The outcome of a host that no rung could repair."""
    if cause in _UNREACHABLE:
        return Outcome.UNREACHABLE
    if cause is Cause.PARKED and host.bitlocker:
        return Outcome.NEEDS_KEY
    if cause in {Cause.REMEDY_FAILED, Cause.IN_USE}:
        return Outcome.FAILED
    return Outcome.NEEDS_HANDS
