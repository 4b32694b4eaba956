"""What is to land on a host while its window is open: one thing to fire on each of some endpoints."""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from unloop.model.host import Endpoint
from unloop.model.host_run import HostRun
from unloop.model.order import Order
from unloop.runner.strike import Shot, Struck, striking_endpoints
from unloop.runner.tools import Tools


class Fires(Protocol):
    """What a landing fires on one endpoint."""

    @property
    def endpoint(self) -> Endpoint:
        """Where it fires."""
        ...

    @property
    def is_committed(self) -> bool:
        """Whether it has come so far that the host may have heard the account's proof."""
        ...

    async def prepare(self) -> None:
        """Get everything ready that needs no host."""
        ...

    async def fire(self, sock: socket.socket | None) -> Struck:
        """Fire over an open connection, or one of its own; never raises ChannelError."""
        ...

    def cut_off(self, began: float) -> Struck:
        """What is left of a firing that was cancelled."""
        ...


_USUAL = {"smb": 0.01, "ssh": 0.1, "winrm": 0.3}
_WITH_PROGRAM = {"ssh": 0.2, "winrm": 0.3}
"""Seconds for an order of file operations, and for one that is a program, on a local network; bench/round_trips measures."""


@dataclass(frozen=True, slots=True)
class Landing:
    """One thing to land, by channel. ``watches_crash``: whether the host is watched afterwards until it goes down."""

    shots: Mapping[str, Fires]
    watches_crash: bool = True

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where it can be fired."""
        return tuple(shot.endpoint for shot in self.shots.values())


def remedy(run: HostRun, tools: Tools, order: Order) -> Landing:
    """The order itself, over every channel that can strike with it, the quickest first."""
    endpoints = usable(run, striking_endpoints(run.host, order))
    slow = run.progress.slow_channels.split()
    ranked = sorted(
        endpoints, key=lambda endpoint: (endpoint.channel in slow, _seconds(tools, order, endpoint.channel))
    )
    return of_order(run, tools, order, ranked)


def _seconds(tools: Tools, order: Order, channel: str) -> float:
    """How long a channel takes to land an order at best: as measured in this campaign, else as a rule."""
    measured = tools.profiles.fastest_landing((channel,))
    if measured is not None:
        return measured
    return _USUAL.get(channel, 1.0) if order.files is not None else _WITH_PROGRAM.get(channel, 1.0)


def of_order(run: HostRun, tools: Tools, order: Order, endpoints: Sequence[Endpoint]) -> Landing:
    """An order over these endpoints."""
    return Landing({endpoint.channel: Shot(tools, run.host, order, endpoint) for endpoint in endpoints})


def usable(run: HostRun, endpoints: Sequence[Endpoint]) -> tuple[Endpoint, ...]:
    """Without channels that refused us for good; those that were slow come last."""
    refused = run.progress.refused_channels.split()
    slow = run.progress.slow_channels.split()
    kept = [endpoint for endpoint in endpoints if endpoint.channel not in refused]
    return tuple(sorted(kept, key=lambda endpoint: endpoint.channel in slow))
