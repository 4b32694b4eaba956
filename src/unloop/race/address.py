"""Names become addresses before a race, so that no lookup stands in a window."""

import asyncio
import ipaddress
import socket


async def resolve(address: str) -> str | None:
    """The IP address of a name (an address is its own), or None when no name server knows it, or it can be no name.

    It is asked for anew each time: a host that has another address since must not be taken for one that is down.
    """
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(address, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    return str(found[0][4][0]) if found else None
