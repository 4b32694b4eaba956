"""Group commit: what waits together is carried out together, and answered one by one."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from unloop.runner.together import Together


async def at_once(work: Callable[[], Any]) -> Any:
    """A store that does its work in place."""
    return work()


def test_one_item_that_fails_fails_for_nobody_else() -> None:
    """Its batch is carried out again, item by item: only whoever asked for it hears of it."""
    batches: list[tuple[int, ...]] = []

    def halve(items: Sequence[int]) -> Sequence[int]:
        batches.append(tuple(items))
        if any(item % 2 for item in items):
            raise ValueError("odd")
        return [item // 2 for item in items]

    async def run() -> list[int | BaseException]:
        together: Together[int, int] = Together(halve, at_once)
        return await asyncio.gather(*(together.put(item) for item in (2, 3, 4)), return_exceptions=True)

    first, odd, last = asyncio.run(run())
    assert (first, last) == (1, 2)
    with pytest.raises(ValueError, match="odd"):
        raise odd if isinstance(odd, BaseException) else AssertionError(odd)
    assert batches == [(2, 3, 4), (2,), (3,), (4,)]
