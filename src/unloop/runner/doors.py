"""Where the in-band channels of a host answer: addresses resolved, default ports filled in."""

from collections.abc import Sequence

from unloop.model.host import Endpoint
from unloop.plugins import load
from unloop.race.address import resolve


async def doors_of(endpoints: Sequence[Endpoint]) -> dict[str, tuple[str, int]]:
    """Address and port of each endpoint's channel, names resolved; what can't be resolved is left out."""
    doors: dict[str, tuple[str, int]] = {}
    for endpoint in endpoints:
        address = await resolve(endpoint.address)
        if address is not None:
            doors[endpoint.channel] = (address, port_of(endpoint))
    return doors


def port_of(endpoint: Endpoint) -> int:
    """The port of an endpoint, its channel's default when none is given."""
    default: int = load("unloop.channels", endpoint.channel).default_port  # type: ignore[attr-defined]
    return endpoint.port or default
