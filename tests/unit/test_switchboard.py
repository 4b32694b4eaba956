"""What power channels share: so many at once, one session per BMC, and time between two commands to one."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unloop.channels.base import Deadline
from unloop.channels.places import Places
from unloop.channels.spacing import Spacing
from unloop.channels.switchboard import Switchboard, peer_of
from unloop.errors import Busy, DeadlineExceeded


@given(asked=st.lists(st.floats(0, 3), min_size=1, max_size=30), least=st.floats(0, 10))
def test_moments_for_one_bmc_lie_apart(asked: list[float], least: float) -> None:
    """Whoever asks when: no moment is before the question, and two are never closer than the spacing."""
    spacing, now, moments = Spacing(least), 0.0, []
    for pause in asked:
        now += pause
        moments.append(spacing.reserve("bmc", now))
        assert moments[-1] >= now
    assert all(later - earlier >= least - 1e-9 for earlier, later in pairwise(moments))


def test_another_bmc_does_not_wait() -> None:
    """Each BMC has a spacing of its own, and the first command is free."""
    spacing = Spacing(5.0)
    assert [spacing.reserve(bmc, 1.0) for bmc in ("a", "b", "a", "b")] == [1.0, 1.0, 6.0, 6.0]


def test_what_is_long_past_is_forgotten() -> None:
    """The memory does not grow with every BMC that was ever talked to."""
    spacing = Spacing(5.0)
    for number in range(20_000):
        spacing.reserve(str(number), float(number))
    assert len(spacing._last) < 10_000


def test_no_more_than_so_many_at_once() -> None:
    """Places are handed on in the order in which they were asked for."""

    async def main() -> tuple[int, list[int]]:
        places, order = Places(3), list[int]()
        inside = most = 0

        async def work(number: int) -> None:
            nonlocal inside, most
            async with places.taken():
                inside, most = inside + 1, max(most, inside + 1)
                order.append(number)
                await asyncio.sleep(0)
                inside -= 1

        await asyncio.gather(*(work(number) for number in range(20)))
        return most, order

    assert asyncio.run(main()) == (3, list(range(20)))


def test_who_gives_up_waiting_loses_no_place() -> None:
    """A waiter that is cancelled, before its turn or just when it came, leaves the place to the next one."""

    async def main() -> bool:
        places = Places(1)
        await places.take()
        first, second, third = (asyncio.create_task(places.take()) for _ in range(3))
        await asyncio.sleep(0)
        first.cancel()
        places.give()
        second.cancel()
        await asyncio.wait([third])
        return third.done() and not third.cancelled()

    assert asyncio.run(main())


def test_places_hold_over_loops_of_several_threads() -> None:
    """Two loops in two threads share the room: never more than one is inside."""
    places, inside, most = Places(1), 0, 0

    async def work() -> None:
        nonlocal inside, most
        for _ in range(200):
            async with places.taken():
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0)
                inside -= 1

    async def main() -> None:
        await asyncio.gather(asyncio.to_thread(asyncio.run, work()), work())

    asyncio.run(main())
    assert (most, inside) == (1, 0)


def test_a_bmc_has_one_session_of_ours() -> None:
    """Who comes second waits for the first, and is told Busy when that takes longer than there is time."""

    async def main() -> list[str]:
        board, log = Switchboard(), list[str]()

        async def second() -> None:
            await board.seize("bmc", Deadline.after(60))
            log.append("second")
            board.release("bmc")

        await board.seize("bmc", Deadline.after(60))
        with pytest.raises(Busy):
            await board.seize("bmc", Deadline.after(0.001))
        await board.seize("other", Deadline.after(60))
        task = asyncio.create_task(second())
        await asyncio.sleep(0)
        log.append("first")
        board.release("bmc")
        board.release("other")
        await task
        assert board._held == {}
        return log

    assert asyncio.run(main()) == ["first", "second"]


def test_no_time_to_wait_is_told() -> None:
    """A command that would have to wait for its spacing longer than there is time is not sent."""

    async def main() -> None:
        board = Switchboard(spacing=3600.0)
        await board.before_change("bmc", Deadline.after(60))
        with pytest.raises(DeadlineExceeded):
            await board.before_change("bmc", Deadline.after(0.001))

    asyncio.run(main())


@pytest.mark.parametrize(
    ("address", "peer"), [("127.0.0.1", "127.0.0.1"), ("FE80::0:1", "fe80::1"), ("::FFFF:10.0.0.1", "10.0.0.1")]
)
def test_an_address_needs_no_name_server(address: str, peer: str) -> None:
    """What is an IP address already is only written the usual way: as that from which its answers come."""
    assert asyncio.run(peer_of(address, 623)) == (peer, 623)
