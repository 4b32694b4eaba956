"""What windows tell together: spreads, hit rates by attempt, model and site, and their small pictures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unloop.cli.windows import in_short, sparkline, windows_panel
from unloop.report.eta import seconds_left
from unloop.report.windows import Spread, by_attempt, by_model, by_site, lags, landings, lengths, total
from unloop.store.queries import Pace, WindowFact


def fact(
    attempt: int = 1, caught: bool = True, site: str = "LHR", model: str = "", **times: float | None
) -> WindowFact:
    """A window."""
    known = {"length": 3.0, "lag": 0.1, "landed_in": 0.5 if caught else None, **times}
    return WindowFact(site, model, attempt, caught, known["length"], known["lag"], known["landed_in"])


FACTS = (
    fact(1, caught=False, model="R650"),
    fact(1, model="R650", landed_in=0.25),
    fact(2, site="FRA", length=None),
    fact(10, site="FRA", lag=0.3),
)


def test_the_hit_rate_is_told_by_attempt_in_order() -> None:
    """The tenth attempt comes after the second."""
    assert [(hits.name, hits.windows, hits.rate) for hits in by_attempt(FACTS)] == [
        ("1", 2, 0.5),
        ("2", 1, 1.0),
        ("10", 1, 1.0),
    ]


def test_groups_add_up_to_the_windows_that_were_seen() -> None:
    """Every window is in one site and one model, named or not."""
    for groups in (by_site(FACTS), by_model(FACTS)):
        assert sum(hits.windows for hits in groups) == len(FACTS)
        assert sum(hits.caught for hits in groups) == 3
    assert [hits.name for hits in by_model(FACTS)] == ["R650", "no model named"]


def test_what_is_not_known_is_not_counted() -> None:
    """A window that never closed has no length, one that was missed no landing."""
    assert (len(lengths(FACTS)), len(lags(FACTS)), landings(FACTS)) == (3, 4, (0.25, 0.5, 0.5))
    assert total(FACTS).landed_in == 0.5


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=300))
def test_a_spread_is_made_of_values_that_were_seen(values: list[float]) -> None:
    """Median, 90 % and 99 % are values of the list, in order, with as many at most as they say."""
    spread = Spread.of(values)
    assert spread is not None

    assert spread.median <= spread.p90 <= spread.p99 <= spread.longest == max(values)
    assert sum(value <= spread.median for value in values) * 2 >= len(values)
    assert sum(value <= spread.p99 for value in values) * 100 >= 99 * len(values)


def test_nothing_has_no_spread() -> None:
    """No value, no median."""
    assert Spread.of([]) is None


def test_a_sparkline_shows_where_the_values_are() -> None:
    """The fullest range is a full block, an empty one is blank, and the last holds the largest value."""
    assert sparkline([0.0, 0.0, 0.0, 10.0], bins=4).plain == "█  ▃"
    assert sparkline([0.0], bins=2).plain == "█ "


def test_the_panel_names_only_what_differs() -> None:
    """With one site there is no line by site; times below a second are milliseconds."""
    assert windows_panel(FACTS).row_count == 6
    assert windows_panel([fact()]).row_count == 4
    assert (in_short(0.0421), in_short(2.35)) == ("42 ms", "2.4 s")


@pytest.mark.parametrize(
    ("pace", "racing", "proving", "expected"),
    [
        (Pace(60.0, 120.0, windows=8, caught=8), 100, 0, 100 / 0.9 / 50 * 60 + 120),
        (Pace(60.0, 120.0, windows=8, caught=3), 10, 0, 10 / 0.4 / 10 * 60 + 120),
        (Pace(None, None, windows=0, caught=0), 10, 0, None),
        (Pace(60.0, None, windows=1, caught=1), 0, 3, None),
        (Pace(60.0, 120.0, windows=1, caught=1), 0, 3, 120.0),
        (Pace(None, None, windows=0, caught=0), 0, 0, 0.0),
    ],
)
def test_the_time_left_follows_from_the_windows_that_were_hit(
    pace: Pace, racing: int, proving: int, expected: float | None
) -> None:
    """Fifty at once, each needing as many attempts as windows are missed; unknown while nothing was seen."""
    assert seconds_left(pace, racing=racing, proving=proving, at_once=50) == (
        None if expected is None else pytest.approx(expected)
    )
