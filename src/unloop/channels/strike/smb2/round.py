"""One round of a dialogue: the next chain of each of its asks, which all go in one flight."""

from collections.abc import Sequence

from unloop.channels.dialogue import Answer, Answers, Ask
from unloop.channels.strike.smb2.asks import work
from unloop.channels.strike.smb2.chain import Chain
from unloop.channels.strike.smb2.volume import Volume

MOST_AT_ONCE = 64


class Round:
    """The asks of a round on their way; the first chain of each is ready when it is made."""

    def __init__(self, volume: Volume, asks: Sequence[Ask]) -> None:
        self._works = [work(volume, ask) for ask in asks]
        self._answers: list[Answer] = [None] * len(asks)
        self._chains: dict[int, Chain] = {}
        for place in range(len(asks)):
            self._go_on(place)

    @property
    def chains(self) -> list[Chain]:
        """What is to be flown now, as much as a host holds open at once; none when every ask is answered."""
        return [chain for chain, _ in zip(self._chains.values(), range(MOST_AT_ONCE), strict=False)]

    @property
    def answers(self) -> Answers:
        """The answers, in the order of the asks."""
        return tuple(self._answers)

    def go_on(self) -> None:
        """The chains have been flown: take each ask one step further. Raises what ends the exchange."""
        for place in tuple(self._chains)[:MOST_AT_ONCE]:
            self._go_on(place)

    def _go_on(self, place: int) -> None:
        try:
            self._chains[place] = next(self._works[place])
        except StopIteration as end:
            self._answers[place] = end.value
            self._chains.pop(place, None)
