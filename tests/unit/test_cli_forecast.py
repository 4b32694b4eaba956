"""What is said of a host's next window, from what was measured of its boots."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from campaigns import START, campaign_with, claim, host
from unloop.cli.forecast import forecast
from unloop.model.attempt import AttemptResult, Window
from unloop.model.host_run import HostRun, Step, Wait
from unloop.store import progress as store_progress
from unloop.store import queries
from unloop.store.database import Database, open_database
from unloop.store.progress import Visit


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty store."""
    opened = open_database(f"sqlite:///{tmp_path / 'unloop.db'}")
    yield opened
    opened.close()


def window(length: float, *, landed: float | None = None) -> Window:
    """A window that opened 40 seconds after the start."""
    struck = None if landed is None else 40.0 + landed
    return Window(
        datetime.fromtimestamp(START, UTC), 40.0, 40.0 + length, struck, "smb", landed is not None, {"smb": 40.0}
    )


def see(database: Database, run: HostRun, *windows: Window) -> None:
    """Windows that a visit saw, which did not end the host run."""
    step = Step(run.progress, Wait(0), "attempt missed")
    store_progress.save(database, run, step, Visit(AttemptResult.MISSED, windows=windows), now=START)


def test_nothing_is_foretold_of_a_host_of_which_nothing_was_seen(database: Database) -> None:
    """No boot, no forecast."""
    campaign_with(database, host("a"))

    assert forecast(database, queries.find_host(database, "a")) is None


def test_the_forecast_is_that_of_the_hosts_own_windows(database: Database) -> None:
    """How long they last, how many leave time for the fastest landing of the fleet, and how many boots that makes."""
    campaign_with(database, host("a"), host("b"))
    mine, other = claim(database)
    see(database, mine, window(1.0), window(2.0), window(3.0))
    see(database, other, window(4.0, landed=1.5))
    told = forecast(database, queries.find_host(database, "a"))

    assert told is not None
    assert (told.boots, told.shortest, told.landing) == (3, 1.0, 1.5)
    assert (told.chance, told.attempts) == (pytest.approx(0.6), pytest.approx(5 / 3))
    assert str(told) == (
        "3 boots seen of this host; nine of ten windows last 1 s; a landing has taken 1.5 s: 60% of windows leave time "
        "for one; about 1.7 more boots"
    )
