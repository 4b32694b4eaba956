"""The least time between two of something that is done to one BMC: when the next one may be, without waiting."""

import threading

_TIDY = 4096


class Spacing:
    """Hands out moments that lie at least ``least`` seconds apart, for every key on its own."""

    def __init__(self, least: float) -> None:
        self.least = least
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}
        self._tidy_at = _TIDY

    def reserve(self, key: str, now: float) -> float:
        """The first moment from now on that is free; it counts as used."""
        with self._lock:
            at = max(now, self._last.get(key, now - self.least) + self.least)
            self._last[key] = at
            if len(self._last) > self._tidy_at:
                self._last = {other: last for other, last in self._last.items() if last + self.least > now}
                self._tidy_at = len(self._last) * 2 + _TIDY
            return at
