"""Being told to end: Ctrl-C, SIGTERM and the end of the terminal all mean to drain, and the second time to leave."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(KeyboardInterrupt):
    """A signal came that means the same as Ctrl-C; ``by`` is its name."""

    def __init__(self, by: str) -> None:
        self.by = by
        super().__init__(by)


def told_by(interrupt: KeyboardInterrupt) -> str:
    """What it was that told us to end."""
    return interrupt.by if isinstance(interrupt, Interrupted) else "Ctrl-C"


@contextmanager
def as_interrupts() -> Iterator[None]:
    """For the length of a with block SIGTERM and SIGHUP interrupt as Ctrl-C does, instead of ending the process at once."""
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, _: FrameType | None) -> None:
    if number == signal.SIGHUP:
        _forget_terminal()
    raise Interrupted(signal.Signals(number).name)


def _forget_terminal() -> None:
    """The terminal is gone: writing to it would fail, and nobody would read it."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
