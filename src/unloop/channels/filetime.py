"""Times as Windows counts them on the wire ([MS-DTYP] 2.3.3)."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


def filetime(moment: datetime) -> int:
    """100 ns since 1601."""
    return (moment - EPOCH) // timedelta(microseconds=1) * 10
