"""The time of a strike: the exchange ends before whoever waits for it, and what it knows by then gets home."""

import asyncio

import pytest

from unloop.channels.base import Deadline
from unloop.channels.strike.base import Landed
from unloop.errors import DeadlineExceeded
from unloop.model.report import RemedyReport, Verdict
from unloop.runner.strike import in_time

REPORT = RemedyReport(Verdict.LANDED)


@pytest.mark.parametrize("seconds", [0.1, 0.4])
def test_what_is_known_when_the_exchange_s_time_is_up_gets_home(seconds: float) -> None:
    """An exchange that waits for the boot until its own deadline, and then tells its report, is heard."""

    async def fire(deadline: Deadline) -> Landed:
        await asyncio.sleep(deadline.left())
        return REPORT, None

    assert asyncio.run(in_time(fire, seconds=seconds)) == (REPORT, None)


def test_an_exchange_that_does_not_keep_its_deadline_is_ended() -> None:
    """Nobody waits for ever for a library that hangs."""

    async def fire(deadline: Deadline) -> Landed:
        await asyncio.Event().wait()
        return REPORT, None

    async def run() -> Landed:
        task = asyncio.create_task(in_time(fire, seconds=0.0))
        await asyncio.sleep(0)
        return await task

    with pytest.raises(DeadlineExceeded):
        asyncio.run(run())
