"""What a shell or a command has to say: kept until Receive takes it away, in answers that fit."""

from collections import deque
from collections.abc import Iterable

Piece = tuple[str, bytes]
"""A stream's name, and some of it."""
PIECE = 16 * 1024
_WRAPPING = 160
"""What an answer takes per piece besides its base64."""


def cut(stream: str, data: bytes) -> list[Piece]:
    """What a stream says in pieces, where it may be cut anywhere."""
    return [(stream, data[place : place + PIECE]) for place in range(0, len(data), PIECE)]


class Outbox:
    """Batches of pieces; an answer never mixes two batches. ``ready_at`` is when it begins to speak."""

    def __init__(self) -> None:
        self._batches: deque[deque[Piece]] = deque()
        self.ready_at = 0.0
        self.exit_code: int | None = None
        """How the command ended; None while it runs, and for a shell always."""

    def put(self, pieces: Iterable[Piece]) -> None:
        """Add a batch."""
        batch = deque(pieces)
        if batch:
            self._batches.append(batch)

    def drop(self) -> None:
        """Nothing of it is said any more."""
        self._batches.clear()

    def has_news(self, now: float) -> bool:
        """Whether a Receive is answered now."""
        return now >= self.ready_at and (bool(self._batches) or self.exit_code is not None)

    @property
    def is_empty(self) -> bool:
        """Whether all was taken away."""
        return not self._batches

    def take(self, room: int) -> list[Piece]:
        """As much of the next batch as an answer of so many bytes carries."""
        taken: list[Piece] = []
        while self._batches:
            batch = self._batches[0]
            size = len(batch[0][1]) * 4 // 3 + _WRAPPING
            if size > room:
                break
            room -= size
            taken.append(batch.popleft())
            if not batch:
                self._batches.popleft()
                break
        return taken
