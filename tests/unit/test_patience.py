"""The thread that works on the store waits where the store can't be reached, and only there; and the flags that end it."""

import os
import threading
import warnings
from collections.abc import Callable

import pytest

from unloop.dispatch.patience import PatientThread
from unloop.dispatch.stopping import EitherFlag, SharedFlag
from unloop.errors import StoreError, StoreUnavailable


def failing(error: type[StoreError], times: int) -> Callable[[], int]:
    """Work that fails so often, and then tells how often it was tried."""
    tries = []

    def work() -> int:
        tries.append(1)
        if len(tries) <= times:
            raise error("the store says no")
        return len(tries)

    return work


def test_work_is_done_again_until_the_store_is_there() -> None:
    """A server that restarts costs time, and no result."""
    thread = PatientThread(threading.Event(), pause=0.0)

    assert thread.submit(failing(StoreUnavailable, 3)).result(timeout=10) == 4
    thread.end()


def test_what_no_patience_mends_is_told_at_once() -> None:
    """A corrupt store, or a mistake, is not tried again."""
    thread = PatientThread(threading.Event(), pause=0.0)
    with pytest.raises(StoreError, match="says no"):
        thread.submit(failing(StoreError, 1)).result(timeout=10)
    thread.end()


def test_a_thread_that_is_ended_gives_up() -> None:
    """Whoever waits for the store when the process ends is told so."""
    thread = PatientThread(threading.Event(), pause=0.0)
    begun = threading.Event()

    def work() -> None:
        begun.set()
        raise StoreUnavailable("gone")

    waiting = thread.submit(work)
    begun.wait(timeout=10)
    thread.end()
    with pytest.raises(StoreUnavailable):
        waiting.result(timeout=10)


def test_a_flag_is_seen_by_the_processes_that_were_forked_before() -> None:
    """What the child says the parent hears."""
    flag = SharedFlag()
    before = flag.is_set()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # Python 3.12 warns of threads, which the child doesn't touch
        child = os.fork()
    if not child:
        flag.set()
        os._exit(0)
    os.waitpid(child, 0)

    assert (before, flag.is_set()) == (False, True)


def test_a_process_stops_for_its_own_flag_and_for_the_shared_one() -> None:
    """Its own flag stops nobody else."""
    shared = threading.Event()
    mine, other = EitherFlag(threading.Event(), shared), EitherFlag(threading.Event(), shared)
    mine.set()
    alone = (mine.is_set(), other.is_set())
    shared.set()

    assert (alone, other.is_set()) == ((True, False), True)
