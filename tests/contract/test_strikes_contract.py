"""What every registered strike promises, our own and the library's behind it: one clear error for every bad peer."""

import asyncio
import socket
import subprocess
import sys
import traceback

import pytest

import peers
from servers import free_port
from unloop.actions.compile import compile_order
from unloop.channels.base import Deadline, Target
from unloop.channels.strike.base import Landed, Strike
from unloop.channels.strike.link import connect
from unloop.channels.strike.registry import GROUP, library_strike_for, strike_for
from unloop.errors import ChannelError, ConnectionLost, DeadlineExceeded, Unreachable
from unloop.model.host import Host
from unloop.model.order import Order
from unloop.playbook.load import load
from unloop.playbook.render import render
from unloop.playbook.shipped import locate
from unloop.plugins import names
from unloop.secrets.secret import Credential, Secret

CANARY = "canary-Passw0rd"
ADDRESS = "127.0.0.11"
OPTIONS = {"ssh": {"known_hosts": "/nonexistent/known_hosts", "shell": "powershell"}}


def every() -> list[type[Strike]]:
    """Each registered strike, and the library's behind it."""
    found = [made(name) for name in names(GROUP) for made in (strike_for, library_strike_for)]
    return [strike for strike in found if strike is not None]


STRIKES = pytest.mark.parametrize("strike", every(), ids=lambda strike: strike.__name__)
WINDOWS = Host("host-1", ADDRESS)


def order() -> Order:
    """The order of the playbook for channel file 291."""
    return compile_order(
        render(load(locate("channel-file-291")), host=WINDOWS, variables={}, campaign="c1"), campaign="c1"
    )


async def fired(strike: type[Strike], port: int, *, seconds: float, hands_over: bool) -> Landed:
    """Fire over a connection that is open already, or one of its own."""
    credential = Credential("c", "operator", Secret(CANARY), "operator@host-1")
    made = strike(Target("host-1", ADDRESS, port, credential, OPTIONS.get(strike.channel, {})), order())
    sock: socket.socket | None = None
    if hands_over:
        sock = await connect(ADDRESS, port, Deadline.after(5))
    try:
        return await made.fire(sock, Deadline.after(seconds))
    finally:
        assert sock is None or sock.fileno() == -1


def failure(strike: type[Strike], port: int, *, seconds: float = 5.0, hands_over: bool = True) -> ChannelError:
    """The error of a strike: it names host and channel, hides the password, and leaves no connection behind."""
    with pytest.raises(ChannelError) as caught:
        asyncio.run(fired(strike, port, seconds=seconds, hands_over=hands_over))
    assert (caught.value.host, caught.value.channel) == ("host-1", strike.channel)
    assert CANARY not in "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    return caught.value


@STRIKES
def test_a_strike_carries_what_it_says(strike: type[Strike]) -> None:
    """It names its channel, carries the flagship playbook, and carries nothing of an order without any form."""
    assert strike.channel in names("unloop.channels")
    assert strike.can_carry(order())
    assert not strike.can_carry(Order(digest="d"))


@STRIKES
def test_a_closed_port_is_unreachable(strike: type[Strike]) -> None:
    """Nothing was sent, so the host can't have changed."""
    assert isinstance(failure(strike, free_port(ADDRESS), hands_over=False), Unreachable)


@STRIKES
def test_a_tarpit_costs_the_deadline_and_no_more(strike: type[Strike]) -> None:
    """A host that accepts and never says a word ends in DeadlineExceeded."""
    with peers.peer(peers.silent, ADDRESS) as port:
        assert isinstance(failure(strike, port, seconds=1.0), DeadlineExceeded)


@STRIKES
@pytest.mark.parametrize("behaviour", [peers.garbage, peers.http_garbage])
def test_garbage_is_a_channel_error(strike: type[Strike], behaviour: peers.Behaviour) -> None:
    """A peer that speaks another protocol ends in an error of ours."""
    with peers.peer(behaviour, ADDRESS) as port:
        assert isinstance(failure(strike, port, seconds=2.0), ChannelError)


@STRIKES
def test_a_reset_in_mid_exchange_is_a_lost_connection(strike: type[Strike]) -> None:
    """A window that closes over a strike is worth another try."""
    with peers.peer(peers.resetting, ADDRESS) as port:
        assert isinstance(failure(strike, port), ConnectionLost)


def test_our_own_strikes_load_no_client_library() -> None:
    """They are a tenth of what a racer holds in memory, and it may never need one."""
    strikes = ("smb", "winrm")
    told = subprocess.run(
        [sys.executable, "-c", _LOADED, *strikes], capture_output=True, text=True, check=True, timeout=60
    )

    assert told.stdout.split() == []


_LOADED = """
import sys
from unloop.channels.strike.registry import strike_for
for name in sys.argv[1:]:
    assert strike_for(name)
print(*sorted({"pypsrp", "requests", "smbprotocol"} & set(sys.modules)))
"""
