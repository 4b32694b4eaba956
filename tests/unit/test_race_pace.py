"""How densely ports are probed under every load."""

import pytest

from unloop.race.pace import IDLE_SHARE, LEAST, Pace


def pace_of(ports: int, interval: float, *, files: int = 20_000, cost: float = 20e-6) -> Pace:
    """So many ports that ask for the same interval."""
    pace = Pace(keep=0.3, files=files, cost=cost)
    for _ in range(ports):
        pace.ask(0.0, interval)
    return pace


@pytest.mark.parametrize(
    ("ports", "wanted", "given"),
    [
        (1, 0.25, LEAST),  # one host costs nothing
        (1, 1.0, LEAST),
        (1, 0.005, 0.005),  # who asks for more than that gets it
        (100, 0.25, 0.1),  # 400 probes a second as asked for; a fiftieth of a core has room for 1,000
        (5_000, 0.25, 0.25),  # two fifths of a core
        (15_000, 0.25, 0.5),  # twice of what may be
    ],
)
def test_the_interval_follows_the_load(ports: int, wanted: float, given: float) -> None:
    """Shorter than asked for while nobody is hurt, as asked for then, and stretched when it is too much."""
    assert pace_of(ports, wanted).interval(wanted) == pytest.approx(given)


@pytest.mark.parametrize("ports", [1, 30, 700, 4_000, 20_000])
def test_probing_takes_no_more_than_its_share(ports: int) -> None:
    """Whatever the number of ports: the probes sent cost less than the share, once the idle share is used up."""
    pace = pace_of(ports, 0.1)
    used = ports / pace.interval(0.1) * pace.cost

    assert used <= 0.6 + 1e-9
    assert used <= IDLE_SHARE + 1e-9 or pace.interval(0.1) >= 0.1


def test_no_more_probes_wait_than_there_are_open_files() -> None:
    """2,000 ports every 20 ms would keep 30,000 sockets; 6,000 are there."""
    pace = pace_of(2_000, 0.02, files=6_000, cost=1e-6)

    assert 2_000 / pace.interval(0.02) * 0.3 == pytest.approx(6_000)


def test_who_stops_gives_back_what_he_asked_for() -> None:
    """Changes of mind add up to nothing."""
    pace = pace_of(10, 0.1)
    pace.ask(0.1, 0.5)
    pace.ask(0.5, 0.0)
    for _ in range(9):
        pace.ask(0.1, 0.0)

    assert pace.rate == pytest.approx(0.0)
