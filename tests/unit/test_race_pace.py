"""How densely ports are probed under every load."""

import pytest

from unloop.race.pace import IDLE_SHARE, LEAST, SHARE, TURNS, Beat, Pace


def pace_of(
    ports: int, interval: float, *, files: int = 100_000, cost: float = 20e-6, repeats: int = 59, is_fresh: bool = False
) -> Pace:
    """So many ports that ask for the same interval."""
    pace = Pace(keep=0.3, files=files, cost=cost, repeats=repeats)
    for _ in range(ports):
        pace.ask(0.0, interval, is_fresh=is_fresh)
    return pace


@pytest.mark.parametrize(
    ("ports", "wanted", "given"),
    [
        (1, 0.25, Beat(1, LEAST, LEAST)),  # one host costs nothing
        (1, 0.005, Beat(1, 0.005, 0.005)),  # who asks for more than that gets it
        (100, 0.1, Beat(1, 0.1, 0.1)),  # a fiftieth of a core has room for 1,000 connects in a second
        (500, 0.5, Beat(4, 60.0, 0.25)),  # the kernel repeats connects that take turns: more densely, and still idle
        (5_000, 0.5, Beat(2, 60.0, 0.5)),  # as asked for
        (5_000, 2.0, Beat(1, 60.0, 1.0)),  # one connect is repeated each second
    ],
)
def test_the_beat_follows_the_load(ports: int, wanted: float, given: Beat) -> None:
    """More densely than asked for while nobody is hurt, and as asked for then."""
    assert pace_of(ports, wanted).beat(wanted) == pytest.approx(given)


@pytest.mark.parametrize("repeats", [1, 5, 59])
@pytest.mark.parametrize("wanted", [0.02, 0.1, 0.25, 0.3, 0.5, 1.0, 2.0, 30.0])
def test_who_asks_for_an_interval_gets_it(wanted: float, repeats: int) -> None:
    """Under a load that is neither idle nor too much: probes are no further apart, however often the kernel repeats one."""
    pace = pace_of(1, wanted, repeats=repeats)
    pace.rate = SHARE / pace.cost / 2

    assert pace.beat(wanted).apart <= wanted + 1e-9


@pytest.mark.parametrize("repeats", [1, 5, 59])
@pytest.mark.parametrize("wanted", [0.1, 0.5])
@pytest.mark.parametrize("ports", [1, 30, 700, 4_000, 60_000])
def test_probing_takes_no_more_than_its_share(ports: int, wanted: float, repeats: int) -> None:
    """Whatever the number of ports: the connects that begin cost less than the share, once the idle share is used up."""
    pace = pace_of(ports, wanted, repeats=repeats, files=10_000_000)
    beat = pace.beat(wanted)
    used = ports * beat.connects / beat.cycle * pace.cost

    assert used <= SHARE + 1e-9
    assert used <= IDLE_SHARE + 1e-9 or beat.apart >= min(wanted, 1 / TURNS)


@pytest.mark.parametrize("wanted", [0.1, 0.5, 1.0])
def test_who_wants_fresh_probes_gets_them_and_no_more_than_asked_for(wanted: float) -> None:
    """A look counts silences: each probe is a connect of its own."""
    assert pace_of(1, wanted).beat(wanted, is_fresh=True) == Beat(1, wanted, wanted)


def test_no_more_connects_wait_than_there_are_open_files() -> None:
    """2,000 ports every 20 ms would keep 30,000 sockets, and 4,000 in turns of four 16,000."""
    close, far = pace_of(2_000, 0.02, files=6_000, cost=1e-6), pace_of(4_000, 0.25, files=10_000, cost=1e-6)

    assert 2_000 / close.beat(0.02).apart * 0.3 <= 6_000 + 1e-6
    assert 4_000 * far.beat(0.25).connects <= 10_000


def test_few_files_are_not_filled_for_the_sake_of_idle_time() -> None:
    """Four turns would be cheap; there are files for two."""
    assert pace_of(500, 0.5, files=1_000).beat(0.5).connects == 2


def test_who_stops_gives_back_what_he_asked_for() -> None:
    """Changes of mind add up to nothing."""
    pace = pace_of(10, 0.1)
    pace.ask(0.1, 0.5)
    pace.ask(0.5, 0.0)
    pace.ask(0.1, 0.0)
    for _ in range(8):
        pace.ask(0.1, 0.0)

    assert (pace.rate, pace.held) == pytest.approx((0.0, 0.0))
