"""Telling processes to stop: one flag that a worker and the processes it forks see alike."""

import mmap
from typing import Protocol


class Flag(Protocol):
    """Something that is set once, and asked often. A threading.Event is one."""

    def set(self) -> None:
        """Say that it is time to stop."""

    def is_set(self) -> bool:
        """Whether it is."""
        ...


class SharedFlag:
    """A flag in memory that forked processes share; it has no lock that a killed process could take with it."""

    def __init__(self) -> None:
        self._byte = mmap.mmap(-1, 1)

    def set(self) -> None:
        """Say it to every process."""
        self._byte[0] = 1

    def is_set(self) -> bool:
        """Whether any process said it."""
        return self._byte[0] == 1


class EitherFlag:
    """A flag of one process beside one that it shares: it stops for either, and sets its own."""

    def __init__(self, own: Flag, shared: Flag) -> None:
        self._own, self._shared = own, shared

    def set(self) -> None:
        """Stop this process alone."""
        self._own.set()

    def is_set(self) -> bool:
        """Whether this process is to stop."""
        return self._own.is_set() or self._shared.is_set()
