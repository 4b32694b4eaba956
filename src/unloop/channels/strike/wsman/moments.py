"""Times as WMI tells them: xs:dateTime over WS-Management (DSP0230 4), DMTF's own form elsewhere (DSP0004 5.2.4)."""

import re
from datetime import UTC, datetime, timedelta

from unloop.errors import ProtocolError

_XML = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,12}))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)
_DMTF = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})\.([0-9]{6})([+-])([0-9]{3})")
_LONGEST_OFFSET = 14 * 60
"""Minutes (XML Schema 1.1 part 2, 3.3.7)."""


def moment_of(text: str) -> datetime:
    """A time, aware, in UTC; raises ProtocolError, also for a time that does not say where it is counted from."""
    plain = text.strip()
    try:
        if match := _XML.fullmatch(plain):
            minutes = int(match[9]) * 60 + int(match[10]) if match[8] else 0
            return _moment(match, match[7] or "", minutes if match[8] != "-" else -minutes)
        if match := _DMTF.fullmatch(plain):
            minutes = int(match[9])
            return _moment(match, match[7], minutes if match[8] == "+" else -minutes)
    except (ValueError, OverflowError) as error:
        raise ProtocolError(f"the host tells a time that there is not: {plain[:40]}") from error
    raise ProtocolError(f"the host tells a time in a form that we don't know: {plain[:40]}")


def _moment(match: re.Match[str], fraction: str, offset: int) -> datetime:
    """``offset`` is the minutes that the place's clock is ahead of UTC. Parts of a microsecond are dropped."""
    if abs(offset) > _LONGEST_OFFSET:
        raise ValueError("no place is so far away")
    year, month, day, hour, minute, second = (int(match[number]) for number in range(1, 7))
    microsecond = int(fraction.ljust(6, "0")[:6])
    local = datetime(year, month, day, hour, minute, second, microsecond, tzinfo=UTC)
    return local - timedelta(minutes=offset)
