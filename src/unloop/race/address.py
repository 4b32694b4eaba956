"""Names become addresses before a race, so that no lookup stands in a window."""

import asyncio
import ipaddress
import socket


async def resolve(address: str) -> str | None:
    """The IP address of a name (an address is its own), or None when no name server knows it."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(address, None, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return None
    return str(found[0][4][0]) if found else None
