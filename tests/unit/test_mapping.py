"""Errors of ours with their place."""

import pytest

from unloop.channels.base import Target
from unloop.channels.mapping import mapped, placed
from unloop.errors import ConnectionLost, InputError, LogonUndecided, Unsupported


class OwnWords(LogonUndecided):
    """An error that is made from something else than its text."""

    def __init__(self, number: int) -> None:
        super().__init__(f"number {number}")


def test_an_error_keeps_its_class_and_gets_its_place() -> None:
    """However its class makes one."""
    found = placed(OwnWords(7), Target("host-1", "127.0.0.1", 22), "ssh")
    assert type(found) is OwnWords
    assert (found.host, found.channel, found.message) == ("host-1", "ssh", "number 7")
    assert str(found) == "host-1 ssh: number 7"


def test_a_bad_option_that_shows_in_use_makes_the_channel_unsupported() -> None:
    """With its place, and everything that is wrong in one line."""
    with (
        pytest.raises(Unsupported) as caught,
        mapped(Target("host-1", "127.0.0.1", 22), "ssh", lambda error: ConnectionLost(str(error))),
    ):
        raise InputError("no such file", "no such key")
    assert str(caught.value) == "host-1 ssh: no such file; no such key"
