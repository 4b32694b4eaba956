"""DateTime and TimeSpan of .NET: 100-nanosecond ticks since the year 1. The simulated host's time zone is UTC."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from unloop.rehearsal.powershell.errors import NetError, NotUnderstood
from unloop.rehearsal.powershell.values import EnumValue, Instance

PER_SECOND = 10_000_000
_PER_DAY = 86_400 * PER_SECOND
_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_MOST_TICKS = 3_155_378_975_999_999_999
KINDS: Mapping[str, int] = {"Unspecified": 0, "Utc": 1, "Local": 2}
_FORMATS: Mapping[str, str] = {
    "d": "M/d/yyyy",
    "t": "h:mm tt",
    "T": "h:mm:ss tt",
    "g": "M/d/yyyy h:mm tt",
    "G": "M/d/yyyy h:mm:ss tt",
    "F": "dddd, MMMM d, yyyy h:mm:ss tt",
    "s": "yyyy-MM-ddTHH:mm:ss",
}
"""The standard formats in en-US, as custom ones."""
_PIECES = re.compile(r"d{1,4}|M{1,4}|yyyy|HH?|hh?|mm?|ss?|f{1,7}|tt|[-/:., TZ]|'[^']*'")
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?(?P<zone>Z|[+-]00:00)?)?")


class DateTime(Instance):
    """System.DateTime."""

    type_name: ClassVar[str] = "System.DateTime"
    __slots__ = ("kind", "ticks")

    def __init__(self, ticks: int, kind: str = "Unspecified") -> None:
        if not 0 <= ticks <= _MOST_TICKS:
            what = "The added or subtracted value results in an un-representable DateTime.\r\nParameter name: value"
            raise NetError("System.ArgumentOutOfRangeException", what)
        self.ticks, self.kind = ticks, kind

    @classmethod
    def of(cls, moment: datetime, kind: str = "Utc") -> "DateTime":
        """A moment of Python's."""
        return cls((moment.astimezone(UTC) - _FIRST) // timedelta(microseconds=1) * 10, kind)

    @classmethod
    def now(cls, kind: str) -> "DateTime":
        """This very moment."""
        return cls.of(datetime.now(UTC), kind)

    @property
    def moment(self) -> datetime:
        """The moment in Python, which knows no less than a microsecond."""
        return _FIRST + timedelta(microseconds=self.ticks // 10)

    def plus(self, seconds: float) -> "DateTime":
        """So many seconds later, to the millisecond (.NET Framework, DateTime.AddSeconds)."""
        milliseconds = int(seconds * 1000 + (0.5 if seconds >= 0 else -0.5))
        return DateTime(self.ticks + milliseconds * 10_000, self.kind)

    def text(self) -> str:
        """In the invariant culture, as texts are made of it."""
        return self.formatted("MM/dd/yyyy HH:mm:ss")

    def formatted(self, form: str) -> str:
        """By a standard format (en-US) or a custom one; raises NotUnderstood for what is neither here."""
        if form in {"o", "O"}:
            zone = {"Utc": "Z", "Local": "+00:00"}.get(self.kind, "")
            return self.formatted("yyyy-MM-ddTHH:mm:ss.fffffff") + zone
        form = _FORMATS.get(form, form)
        made, place = "", 0
        while place < len(form):
            piece = _PIECES.match(form, place)
            if piece is None or len(form) == 1:
                raise NotUnderstood(f"the format of a time {form[:40]}")
            made += self._piece(piece[0])
            place = piece.end()
        return made

    def _piece(self, piece: str) -> str:
        moment, hour = self.moment, self.moment.hour
        if piece[0] == "f":
            return f"{self.ticks % PER_SECOND:07d}"[: len(piece)]
        values = {"M": moment.month, "H": hour, "h": hour % 12 or 12, "m": moment.minute, "s": moment.second}
        if piece in {"dddd", "ddd"}:
            return moment.strftime("%A" if piece == "dddd" else "%a")
        if piece in {"MMMM", "MMM"}:
            return moment.strftime("%B" if piece == "MMMM" else "%b")
        if piece == "yyyy":
            return f"{moment.year:04d}"
        if piece == "tt":
            return "AM" if hour < 12 else "PM"
        if piece[0] == "'":
            return piece[1:-1]
        number = moment.day if piece[0] == "d" else values.get(piece[0])
        return piece if number is None else f"{number:0{len(piece)}d}"


class TimeSpan(Instance):
    """System.TimeSpan."""

    type_name: ClassVar[str] = "System.TimeSpan"
    __slots__ = ("ticks",)

    def __init__(self, ticks: int) -> None:
        self.ticks = ticks

    def text(self) -> str:
        """[-][d.]hh:mm:ss[.fffffff]."""
        rest = abs(self.ticks)
        days, rest = divmod(rest, _PER_DAY)
        seconds, fraction = divmod(rest, PER_SECOND)
        sign, day = "-" if self.ticks < 0 else "", f"{days}." if days else ""
        clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        return f"{sign}{day}{clock}" + (f".{fraction:07d}" if fraction else "")


def parsed(text: str) -> DateTime | None:
    """A time from ISO 8601, None for another text. With a zone it becomes local, as .NET does it."""
    found = _ISO.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    try:
        whole = DateTime.of(datetime(year, month, day, hour, minute, second, tzinfo=UTC))
    except ValueError:
        return None
    fraction = int((found[7] or "").ljust(7, "0"))
    return DateTime(whole.ticks + fraction, "Local" if found["zone"] else "Unspecified")


def kind_value(moment: DateTime) -> EnumValue:
    """DateTime.Kind."""
    return EnumValue("System.DateTimeKind", moment.kind, KINDS[moment.kind])
