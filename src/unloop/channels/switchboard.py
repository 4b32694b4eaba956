"""What all power channels of a process share: one socket per loop, one session per BMC, spacing, and so many at once."""

import asyncio
import ipaddress
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from unloop.channels.base import Deadline
from unloop.channels.places import Places
from unloop.channels.rmcp.udp import Peer, UdpPort
from unloop.channels.spacing import Spacing
from unloop.errors import Busy, Unreachable

SPACING, POLL, AT_ONCE = 5.0, 1.0, 200


class Switchboard:
    """Shared by every loop of a process. A loop that used it says leave() before it ends.

    ``spacing``: between two commands to one BMC that change something. ``poll``: between two looks at its power state.
    ``at_once``: power operations under way, 0 for no limit.
    """

    def __init__(self, *, spacing: float = SPACING, poll: float = POLL, at_once: int = AT_ONCE) -> None:
        self._changes = Spacing(spacing)
        self._polls = Spacing(poll)
        self._places = Places(at_once or 1 << 30)
        self._lock = threading.Lock()
        self._held: dict[str, tuple[Places, int]] = {}
        self._ports: dict[tuple[asyncio.AbstractEventLoop, int], UdpPort] = {}

    @asynccontextmanager
    async def operation(self) -> AsyncIterator[None]:
        """One power operation, from log-on to log-off: waits until there is room for it."""
        async with self._places.taken():
            yield

    async def before_change(self, bmc: str, deadline: Deadline) -> None:
        """Wait until a BMC may be sent a command that changes something."""
        await _wait_for(self._changes.reserve(bmc, time.monotonic()), deadline)

    async def before_look(self, bmc: str, deadline: Deadline) -> None:
        """Wait until a BMC may be asked for its power state again."""
        await _wait_for(self._polls.reserve(bmc, time.monotonic()), deadline)

    async def seize(self, bmc: str, deadline: Deadline) -> None:
        """Be the one who talks to a BMC; raises Busy when somebody else does all the time. Give it back by release()."""
        with self._lock:
            places, users = self._held.get(bmc, (Places(1), 0))
            self._held[bmc] = places, users + 1
        try:
            async with asyncio.timeout(deadline.left()):
                await places.take()
        except TimeoutError as error:
            self._let_go(bmc)
            raise Busy("another session of ours with this BMC did not end in time") from error
        except BaseException:
            self._let_go(bmc)
            raise

    def release(self, bmc: str) -> None:
        """Let the next one talk to the BMC."""
        with self._lock:
            places, _ = self._held[bmc]
        places.give()
        self._let_go(bmc)

    def port(self, address: str) -> UdpPort:
        """The running loop's UDP socket for addresses of this family."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        key = asyncio.get_running_loop(), int(family)
        with self._lock:
            if key not in self._ports:
                self._ports[key] = UdpPort(family)
            return self._ports[key]

    def leave(self) -> None:
        """The running loop needs nothing any more."""
        loop = asyncio.get_running_loop()
        with self._lock:
            mine = [key for key in self._ports if key[0] is loop]
            ports = [self._ports.pop(key) for key in mine]
        for port in ports:
            port.close()

    def _let_go(self, bmc: str) -> None:
        with self._lock:
            places, users = self._held[bmc]
            if users == 1:
                del self._held[bmc]
            else:
                self._held[bmc] = places, users - 1


async def peer_of(address: str, port: int) -> Peer:
    """The IP address and port of a BMC as its answers will name them; raises Unreachable.

    A name is looked up without blocking the loop, and an IPv4 address in IPv6's clothes is used as what it is (RFC 4291,
    2.5.5.2).
    """
    try:
        return _plain(address), port
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(address, port, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise Unreachable(f"no name server knows {address}") from error
    return _plain(str(found[0][4][0])), port


def _plain(address: str) -> str:
    """An IP address in its usual form; raises ValueError."""
    found = ipaddress.ip_address(address)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


async def _wait_for(moment: float, deadline: Deadline) -> None:
    seconds = moment - time.monotonic()
    if seconds > 0:
        await asyncio.sleep(min(seconds, deadline.left()))
    deadline.left()
