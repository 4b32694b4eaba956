"""What every registered channel promises: its description, its options, and one clear error for every bad peer."""

import asyncio
import re
import traceback
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

import peers
from servers import free_port
from unloop.channels.base import AsyncChannel, Channel, Deadline, Target, abilities
from unloop.channels.power import PowerChannel
from unloop.errors import (
    ChannelError,
    ConnectionLost,
    DeadlineExceeded,
    InputError,
    Unreachable,
)
from unloop.plugins import load, names
from unloop.secrets.secret import Credential, Secret

CANARY = "canary-Passw0rd"
ADDRESS = "127.0.0.10"
DATAGRAM = {"ipmi", "wol"}
TLS = {"redfish"}
EVERY = names("unloop.channels")
STREAM = tuple(name for name in EVERY if name not in DATAGRAM)
OPTIONS = {"ssh": {"known_hosts": "/nonexistent/known_hosts"}}


def channel_class(name: str) -> type[Channel | AsyncChannel]:
    """The class of a registered channel."""
    found: Any = load("unloop.channels", name)
    return found


def make(
    name: str, port: int, *, seconds: float = 5.0, options: dict[str, str] | None = None
) -> Channel | AsyncChannel:
    """A channel to a loopback port, with a credential whose password must show up nowhere."""
    credential = Credential("c", "operator", Secret(CANARY), "operator@host-1")
    given = OPTIONS.get(name, {}) if options is None else options
    return channel_class(name)(Target("host-1", ADDRESS, port, credential, given), Deadline.after(seconds))


async def opened_and_closed(channel: Channel | AsyncChannel, *, opens: bool = True) -> None:
    """Open a channel of either kind, and close it twice whatever comes."""
    if isinstance(channel, AsyncChannel):
        try:
            if opens:
                await channel.open()
        finally:
            await channel.close()
            await channel.close()
        return
    try:
        if opens:
            channel.open()
    finally:
        channel.close()
        channel.close()


def failure(channel: Channel | AsyncChannel) -> ChannelError:
    """The error of open(), which must name host and channel, hide the password, and leave a channel that can be closed."""
    with pytest.raises(ChannelError) as caught:
        asyncio.run(opened_and_closed(channel))
    assert (caught.value.host, caught.value.channel) == ("host-1", channel.name)
    text = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(channel.target)
    assert CANARY not in text
    assert len(str(caught.value).splitlines()) == 1
    return caught.value


@pytest.mark.parametrize("name", EVERY)
def test_a_channel_describes_itself(name: str) -> None:
    """A channel has the name of its entry point, a default port, a title of one line, and at least one ability."""
    found = channel_class(name)
    assert found.name == name
    assert 0 < found.default_port < 65536
    assert found.title == found.title.strip()
    assert len(found.title.splitlines()) == 1
    assert abilities(found)


@pytest.mark.parametrize("name", EVERY)
def test_options_are_a_described_dataclass_with_defaults(name: str) -> None:
    """Every option has a default and stands in the docstring, from which the reference is made."""
    options = channel_class(name).Options
    assert is_dataclass(options)
    options()
    undescribed = [
        field.name for field in fields(options) if not re.search(rf"\b{field.name}\b", options.__doc__ or "")
    ]
    assert undescribed == []


@pytest.mark.parametrize("name", EVERY)
def test_an_unknown_option_is_refused(name: str) -> None:
    """An option that the channel does not have is bad input, before anything is sent."""
    with pytest.raises(InputError, match="no_such_option"):
        make(name, 1, options={"no_such_option": "1"})


@pytest.mark.parametrize("name", EVERY)
def test_making_and_closing_does_nothing(name: str) -> None:
    """A channel that was never opened can be closed, twice."""
    asyncio.run(opened_and_closed(make(name, 1), opens=False))


@pytest.mark.parametrize("name", EVERY)
def test_a_channel_blocks_or_waits(name: str) -> None:
    """A channel is of one kind, so that whoever uses it knows where to run it; one with power is a PowerChannel."""
    found = channel_class(name)
    assert issubclass(found, Channel) != issubclass(found, AsyncChannel)
    assert issubclass(found, PowerChannel) or not {"power", "boot_once"} & set(abilities(found))


@pytest.mark.parametrize("name", EVERY)
def test_the_target_s_port_is_used(name: str) -> None:
    """The port of the target counts; without one it is a default."""
    assert make(name, 12345).port == 12345
    assert make(name, 0).port == channel_class(name).default_port


@pytest.mark.parametrize("name", STREAM)
def test_a_closed_port_is_unreachable(name: str) -> None:
    """A port that nobody listens on is Refused or Unreachable: nothing was sent, the host can't have changed."""
    assert isinstance(failure(make(name, free_port(ADDRESS))), Unreachable)


@pytest.mark.parametrize("name", STREAM)
def test_a_silent_peer_ends_with_the_deadline(name: str) -> None:
    """A peer that accepts and says nothing costs the deadline and no more; below TLS no connection came about yet."""
    with peers.peer(peers.silent, ADDRESS) as port:
        assert type(failure(make(name, port, seconds=0.7))) is (Unreachable if name in TLS else DeadlineExceeded)


@pytest.mark.parametrize("behaviour", [peers.garbage, peers.http_garbage])
@pytest.mark.parametrize("name", STREAM)
def test_garbage_is_a_channel_error(name: str, behaviour: peers.Behaviour) -> None:
    """A peer that speaks another protocol ends in an error of ours, not in one of a library's."""
    with peers.peer(behaviour, ADDRESS) as port:
        assert isinstance(failure(make(name, port, seconds=2.0)), ChannelError)


@pytest.mark.parametrize("name", STREAM)
def test_a_reset_in_mid_exchange_is_a_lost_connection(name: str) -> None:
    """A connection that was there and breaks is ConnectionLost: it is worth another try."""
    with peers.peer(peers.resetting, ADDRESS) as port:
        assert isinstance(failure(make(name, port)), ConnectionLost)


@pytest.mark.parametrize("name", EVERY)
def test_a_deadline_in_the_past_sends_nothing(name: str) -> None:
    """When no time is left, open() says so and the peer hears nothing of the log-on."""
    channel = make(name, free_port(ADDRESS), seconds=-1.0)
    if name != "wol":
        assert isinstance(failure(channel), DeadlineExceeded | Unreachable)
