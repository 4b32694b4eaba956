"""Which sequence numbers of a session were heard already, so that a doubled or replayed packet is dropped."""

BEHIND = 16
"""How far behind the highest number a packet may come late (IPMI 2.0, 6.12.13)."""


class Window:
    """Sequence numbers heard. Any number ahead is new: it is signed, and answers that were lost leave gaps of any size."""

    __slots__ = ("_heard", "_highest")

    def __init__(self) -> None:
        self._highest = 0
        self._heard = 0

    def accepts(self, number: int) -> bool:
        """Whether this number is heard for the first time; it counts as heard from now on."""
        if number > self._highest:
            self._heard = (self._heard << min(number - self._highest, BEHIND + 1) | 1) & ((2 << BEHIND) - 1)
            self._highest = number
            return True
        behind = self._highest - number
        if number <= 0 or behind > BEHIND or self._heard >> behind & 1:
            return False
        self._heard |= 1 << behind
        return True
