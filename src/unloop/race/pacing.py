"""When to reset which host, so that no more windows open at once than this worker can serve: pure, no clock of its own."""

from collections import defaultdict
from math import floor

FURTHEST = 900
"""Seconds for which a reset may be put off for the sake of others; after that it goes ahead."""


class Pacer:
    """Spreads resets over time by when the windows that they cause are due. Times are seconds on any one clock.

    ``rate`` is how many windows may open in one second. A host whose window is due in a span of seconds counts in equal
    shares in each of them.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._expected: defaultdict[int, float] = defaultdict(float)
        self._places: dict[object, float] = {}

    def delay(self, key: object, *, now: float, due: tuple[float, float]) -> float:
        """How long a reset should wait; a place, once given to ``key``, is kept until it is used."""
        at = self._places.get(key)
        if at is None:
            at = self._places[key] = now + self._take(now, due)
        if at > now:
            return at - now
        del self._places[key]
        return 0.0

    def expected(self, second: int) -> float:
        """How many windows are expected to open in a second of the clock."""
        return self._expected.get(second, 0.0)

    def _take(self, now: float, due: tuple[float, float]) -> int:
        """Take the first place that is free, and return by how many whole seconds it is later than now."""
        self._forget(floor(now))
        first, last = floor(now + due[0]), floor(now + due[1])
        share = 1 / (last - first + 1)
        later = 0
        while later < FURTHEST and not self._fits(first + later, last + later, share):
            later += 1
        for second in range(first + later, last + later + 1):
            self._expected[second] += share
        return later

    def _fits(self, first: int, last: int, share: float) -> bool:
        return all(self._expected.get(second, 0.0) + share <= self._rate for second in range(first, last + 1))

    def _forget(self, now: int) -> None:
        if len(self._expected) > 4 * FURTHEST:
            for second in [second for second in self._expected if second < now]:
                del self._expected[second]
