"""How resets are spread, whose turn comes first in a storm, how densely a boot is watched, and what a machine can carry."""

import asyncio
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unloop.race.budget import Machine, budget
from unloop.race.pacing import FURTHEST, Pacer
from unloop.race.rhythm import Rhythm
from unloop.race.turns import Turns

SPAN = st.tuples(st.floats(0, 120), st.floats(0, 20)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(SPAN, max_size=80), st.floats(1, 20))
def test_no_second_expects_more_windows_than_can_be_served(spans: list[tuple[float, float]], rate: float) -> None:
    """Whatever is asked at once, the windows that it causes are spread below the rate."""
    pacer = Pacer(rate)
    delays = [pacer.delay(number, now=1000.0, due=due) for number, due in enumerate(spans)]

    assert all(pacer.expected(second) <= rate + 1e-9 for second in range(900, 2500))
    assert all(0 <= delay <= FURTHEST for delay in delays)


def test_a_place_is_kept_until_its_time_has_come() -> None:
    """Asking again does not move a host to the end of the line."""
    pacer = Pacer(1)
    due = (10.0, 10.0)
    first = [pacer.delay(host, now=0.0, due=due) for host in "abc"]

    assert first == [0.0, 1.0, 2.0]
    assert pacer.delay("c", now=1.5, due=due) == 0.5
    assert pacer.delay("c", now=2.0, due=due) == 0.0
    assert pacer.delay("a", now=2.0, due=due) == 1.0


def test_in_a_storm_the_window_that_closes_first_is_served_first() -> None:
    """Of those that wait, the one with the least time left goes next, whoever came first."""
    assert storm(0.0, 90.0, 10.0, 50.0) == [0.0, 10.0, 50.0, 90.0]


def test_who_has_no_time_left_is_overtaken_and_the_newest_of_them_goes_first() -> None:
    """A window that is about to close is not worth a strike that another one has time for."""
    assert storm(0.0, -3.0, -2.0, 90.0, -1.0, 10.0) == [0.0, 10.0, 90.0, -1.0, -2.0, -3.0]


def storm(*closings: float) -> list[float]:
    """The order in which windows are served that close so many seconds from now; the first one holds the only turn."""

    async def run() -> list[float]:
        turns, order, held = Turns(1), [], asyncio.Event()
        now = asyncio.get_running_loop().time()

        async def strike(closes: float) -> None:
            async with turns.take(by=now + closes):
                order.append(closes)
                await held.wait()

        tasks = [asyncio.create_task(strike(closes)) for closes in closings]
        await asyncio.sleep(0)
        held.set()
        await asyncio.gather(*tasks)
        return order

    return asyncio.run(run())


def test_a_strike_that_gives_up_waiting_takes_no_turn_away() -> None:
    """Cancelling whoever waits, or whoever was just called, leaves the others served."""

    async def run() -> tuple[list[str], int]:
        turns, order = Turns(1), []

        async def strike(name: str, by: float) -> None:
            async with turns.take(by=by):
                order.append(name)
                await asyncio.sleep(0)

        tasks = {name: asyncio.create_task(strike(name, by)) for by, name in enumerate("abcd")}
        await asyncio.sleep(0)
        tasks["b"].cancel()
        await asyncio.sleep(0)
        tasks["c"].cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        await strike("e", 0)
        return order, turns.waiting

    order, waiting = asyncio.run(run())

    assert (order[0], order[-2:], waiting) == ("a", ["d", "e"], 0)


@pytest.mark.parametrize(
    ("elapsed", "wish"),
    [(0.0, (1.0, 20.0)), (19.4, (1.0, 0.6)), (20.0, (0.05, 5.0)), (25.0, (0.25, inf)), (25.1, (0.25, inf))],
)
def test_a_boot_is_watched_most_densely_when_its_port_is_due(elapsed: float, wish: tuple[float, float]) -> None:
    """Now and then before, densely while it is due, and at the usual rate when it is late; and when that changes next."""
    assert Rhythm(due=(20.0, 25.0)).first(elapsed) == pytest.approx(wish)


def test_a_boot_of_which_nothing_is_known_is_watched_evenly() -> None:
    """The ports that are not expected first are looked at now and then."""
    assert [Rhythm().first(at) for at in (0, 60)] == [(0.25, inf)] * 2
    assert Rhythm().other(3) == (1.0, inf)


def test_a_machine_that_can_not_carry_the_request_says_what_to_do() -> None:
    """Too few open files, or too little of a core: the number that can be carried, and a remedy."""
    few = budget(5000, Machine(files=4096), Rhythm(), keep=0.3)
    slow = budget(50_000, Machine(files=10_000_000), Rhythm(), keep=0.3)
    enough = budget(5000, Machine(files=20_000), Rhythm(), keep=0.3)

    assert (few.hosts, "raise the limit to 15200" in few.bound) == (1298, True)
    assert (slow.hosts, "start more workers" in slow.bound) == (6857, True)
    assert (enough.hosts, enough.bound) == (5000, "")
