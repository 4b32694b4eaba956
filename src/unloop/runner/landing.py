"""What is to land on a host while its window is open, and over which endpoints."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from unloop.model.host import Endpoint
from unloop.model.host_run import HostRun
from unloop.model.order import Order
from unloop.runner.strike import Struck, fire, striking_endpoints
from unloop.runner.tools import Tools


@dataclass(frozen=True, slots=True)
class Landing:
    """One thing to land. ``fire`` tries it over one endpoint; the first report ends it.

    ``watches_crash``: whether the host is watched afterwards until it goes down, so that its window is measured.
    """

    endpoints: tuple[Endpoint, ...]
    fire: Callable[[Endpoint], Awaitable[Struck]]
    watches_crash: bool = True


def remedy(run: HostRun, tools: Tools, order: Order) -> Landing:
    """The order itself, over every channel that can strike with it."""

    async def land(endpoint: Endpoint) -> Struck:
        return await fire(tools, run.host, order, [endpoint])

    return Landing(usable(run, striking_endpoints(run.host, order)), land)


def usable(run: HostRun, endpoints: Sequence[Endpoint]) -> tuple[Endpoint, ...]:
    """Without channels that refused us for good; those that were slow come last."""
    refused = run.progress.refused_channels.split()
    slow = run.progress.slow_channels.split()
    kept = [endpoint for endpoint in endpoints if endpoint.channel not in refused]
    return tuple(sorted(kept, key=lambda endpoint: endpoint.channel in slow))
