"""Names become addresses before a race, so that no lookup stands in a window."""

import asyncio
import ipaddress
import socket
from functools import lru_cache


@lru_cache(maxsize=20_000)
def _as_written(address: str) -> str:
    """An IP address in its usual form, '' for a name."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return ""


async def resolve(address: str) -> str | None:
    """The IP address of a name (an address is its own), or None when no name server knows it, or it can be no name.

    It is asked for anew each time: a host that has another address since must not be taken for one that is down.
    """
    is_its_own = _as_written(address)
    if is_its_own:
        return is_its_own
    try:
        found = await asyncio.get_running_loop().getaddrinfo(address, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    return str(found[0][4][0]) if found else None
