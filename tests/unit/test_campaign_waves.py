"""Waves: sizes, order, and when the next one opens."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unloop.campaign.waves import Ruling, assign, rule, sizes
from unloop.errors import InputError
from unloop.model.host import Host
from unloop.model.outcome import Outcome
from unloop.model.state import State
from unloop.store.campaigns import Count


def count(wave: int, outcome: Outcome | None, hosts: int = 1) -> Count:
    """Ended hosts with an outcome, or queued ones without."""
    return Count(wave, State.ENDED if outcome else State.QUEUED, outcome, False, hosts)


@pytest.mark.parametrize(
    ("words", "total", "expected"),
    [
        (["1", "5", "rest"], 100, (1, 5, 94)),
        (["1", "10%", "rest"], 50, (1, 5, 44)),
        (["1", "5", "rest"], 3, (1, 2)),
        (["2"], 5, (2, 3)),
        (["rest"], 7, (7,)),
    ],
)
def test_waves_have_the_sizes_asked(words: list[str], total: int, expected: tuple[int, ...]) -> None:
    """Numbers, shares and the rest; what is left over goes last."""
    assert sizes(words, total) == expected


@given(st.lists(st.sampled_from(["1", "3", "25%", "rest"]), max_size=5), st.integers(1, 500))
def test_waves_always_add_up(words: list[str], total: int) -> None:
    """No host is lost and none is counted twice."""
    assert sum(sizes(words, total)) == total


@pytest.mark.parametrize("words", [["some"], ["1", "150%"], ["5", "some"], ["0"]])
def test_a_wave_that_is_no_size_is_refused(words: list[str]) -> None:
    """One clear line says what a wave may be, also of one for which no host is left."""
    what = re.escape(f"a wave is a number, a share such as 10% (100% at most), or 'rest', not {words[-1]!r}")
    with pytest.raises(InputError, match=what):
        sizes(words, 5)


def test_lower_tiers_and_every_site_come_first() -> None:
    """The first hosts are of the lowest tier, one from each site before the second of any."""
    hosts = [
        Host("b2", "127.0.0.2", site="B", tier=1),
        Host("a1", "127.0.0.3", site="A", tier=1),
        Host("b1", "127.0.0.4", site="B", tier=1),
        Host("dc", "127.0.0.5", site="B", tier=0),
        Host("zz", "127.0.0.6", site="A"),
    ]

    assert [host.name for host, _ in assign(hosts, ["rest"])] == ["dc", "a1", "b1", "b2", "zz"]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([count(0, None), count(1, None, 5)], Ruling.GO_ON),
        ([count(0, Outcome.FIXED), count(1, None, 5)], Ruling.OPEN_WAVE),
        ([count(0, Outcome.NEEDS_HANDS), count(1, None, 5)], Ruling.WIDEN),
        ([count(0, Outcome.UNREACHABLE, 32), count(1, None, 5)], Ruling.STOP),
        ([count(0, Outcome.UNVERIFIED), count(1, None, 5)], Ruling.STOP),
        ([count(0, Outcome.FIXED), count(0, Outcome.FAILED, 5), count(1, None)], Ruling.STOP),
        ([count(0, Outcome.FIXED), count(1, Outcome.NO_MATCH)], Ruling.END),
    ],
)
def test_the_next_wave_opens_on_proof_only(counts: list[Count], expected: Ruling) -> None:
    """Harm stops; hosts that could not be reached prove nothing, so as many again are tried, within bounds."""
    assert rule(counts, wave=0, waves=2, max_failed=5).ruling is expected
