"""Where the in-band channels of a host answer, and which of them are open right now."""

import asyncio
from collections.abc import Sequence

from unloop.channels.strike.registry import strike_for
from unloop.model.host import Endpoint
from unloop.plugins import load
from unloop.race.address import resolve
from unloop.race.rhythm import Rhythm
from unloop.race.watch import Door, Watch
from unloop.runner.tools import Tools


async def doors_of(endpoints: Sequence[Endpoint]) -> dict[str, Door]:
    """Address and port of each endpoint's channel, names resolved; what can't be resolved is left out."""
    doors: dict[str, Door] = {}
    for endpoint in endpoints:
        address = await resolve(endpoint.address)
        if address is not None:
            doors[endpoint.channel] = (address, port_of(endpoint))
    return doors


def port_of(endpoint: Endpoint) -> int:
    """The port of an endpoint, its channel's default when none is given."""
    if endpoint.port:
        return endpoint.port
    strike = strike_for(endpoint.channel)
    default: int = (strike or load("unloop.channels", endpoint.channel)).default_port  # type: ignore[union-attr]
    return default


async def open_doors(tools: Tools, endpoints: Sequence[Endpoint], *, seconds: float) -> tuple[str, ...]:
    """The channels whose ports are open, a moment after the first of them was seen; nothing when the time is up."""
    options = tools.options
    rhythm = Rhythm(hot=options.hot, warm=options.interval, cold=options.cold)
    opened: list[str] = []
    async with Watch(tools.prober, await doors_of(endpoints), rhythm) as watch:
        until = watch.sighting.started + seconds
        while (found := await watch.next_open(until=until)) is not None:
            found.sock.close()
            opened.append(found.channel)
            until = min(until, asyncio.get_running_loop().time() + rhythm.warm)
    return tuple(opened)
