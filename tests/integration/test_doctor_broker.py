"""``unloop doctor`` asks the broker that the settings name."""

from dataclasses import replace
from pathlib import Path

import pytest

from redis_server import redis_server
from servers import free_port
from unloop.cli.finding import Finding, Mark
from unloop.cli.peers import broker_finding
from unloop.errors import InputError
from unloop.settings.schema import BrokerSettings, Settings


def settings(url: str) -> Settings:
    """Settings with this broker."""
    return replace(Settings(), broker=BrokerSettings(url))


def test_a_broker_that_answers_is_good(tmp_path: Path) -> None:
    """A real Redis is asked."""
    with redis_server(tmp_path) as redis:
        assert broker_finding(settings(redis.url)) == Finding(Mark.OK, "broker", f"{redis.url} answers")


def test_a_broker_that_is_not_there_is_told_with_what_to_do() -> None:
    """The error has the address and the setting to correct."""
    url = f"redis://127.0.0.1:{free_port()}/0"
    with pytest.raises(InputError, match=r"can't be reached: .*; start it, or correct broker\.url in unloop\.toml"):
        broker_finding(settings(url))
