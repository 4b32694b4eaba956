"""Names become addresses before a race, so that no lookup stands in a window."""

import asyncio
import ipaddress
import socket
import time

FRESH = 300.0
"""Seconds for which a name's address is taken as it was: one boot asks for it several times, a window must not wait."""
_known: dict[str, tuple[float, str]] = {}


async def resolve(address: str) -> str | None:
    """The IP address of a name (an address is its own), or None when no name server knows it."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        pass
    since, known = _known.get(address, (0.0, ""))
    if known and time.monotonic() - since < FRESH:
        return known
    try:
        found = await asyncio.get_running_loop().getaddrinfo(address, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # no server knows it, or it can be no name at all
        return None
    if not found:
        return None
    _known[address] = time.monotonic(), str(found[0][4][0])
    return _known[address][1]
