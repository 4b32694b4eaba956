"""Which host answers on which channel's port right now: one short, polite look that logs on nowhere."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from unloop.channels.rmcp import packet
from unloop.inventory.fields import channel_class
from unloop.model.host import Endpoint, Host

AT_ONCE = 200
_OVER_TLS = frozenset({"redfish"})
_OVER_RMCP = frozenset({"ipmi"})
_TAG = 0
"""Of presence pings; one socket hears one device."""


class Answer(StrEnum):
    """What a port said."""

    OPEN = "open"
    REFUSED = "refused"
    """A live network stack that has nothing on this port."""
    SILENT = "silent"
    UNREACHABLE = "unreachable"
    """The network itself says that there is no way."""
    NO_SUCH_NAME = "no_such_name"


@dataclass(frozen=True, slots=True)
class Sign:
    """The answer of one endpoint of one host; ``note`` says what is odd about an open port."""

    host: str
    channel: str
    address: str
    port: int
    is_bmc: bool
    answer: Answer
    note: str = ""


async def probe(
    hosts: Iterable[Host], *, timeout: float = 2.0, at_once: int = AT_ONCE, tls_ca: str = ""
) -> tuple[Sign, ...]:
    """Ask every endpoint of every host, ``at_once`` at a time; channels without a port are not asked."""
    slots = asyncio.Semaphore(at_once)
    context = ssl.create_default_context(cafile=tls_ca or None)

    async def ask(host: Host, endpoint: Endpoint, port: int) -> Sign:
        async with slots:
            answer, note = await _ask(endpoint, port, timeout, context)
        return Sign(host.name, endpoint.channel, endpoint.address, port, endpoint is host.bmc, answer, note)

    return tuple(await asyncio.gather(*(ask(*asked) for asked in _asked(hosts))))


def _asked(hosts: Iterable[Host]) -> Sequence[tuple[Host, Endpoint, int]]:
    return [
        (host, endpoint, port)
        for host in hosts
        for endpoint in (*host.endpoints, *((host.bmc,) if host.bmc else ()))
        if (port := endpoint.port or channel_class(endpoint.channel).default_port)
    ]


async def _ask(endpoint: Endpoint, port: int, timeout: float, context: ssl.SSLContext) -> tuple[Answer, str]:
    kind = socket.SOCK_DGRAM if endpoint.channel in _OVER_RMCP else socket.SOCK_STREAM
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            places = await loop.getaddrinfo(endpoint.address, port, type=kind)
            family, place = places[0][0], places[0][4]
            with socket.socket(family, kind) as sock:
                sock.setblocking(False)
                await loop.sock_connect(sock, place)
                if kind is socket.SOCK_DGRAM:
                    return await _ping(sock)
                if endpoint.channel in _OVER_TLS:
                    return Answer.OPEN, await _tls_note(sock.dup(), endpoint.address, context)
                return Answer.OPEN, ""
    except TimeoutError:
        return Answer.SILENT, ""
    except socket.gaierror:
        return Answer.NO_SUCH_NAME, ""
    except OSError as error:
        return _meaning(error), ""


def _meaning(error: OSError) -> Answer:
    if error.errno in (errno.ECONNREFUSED, errno.ECONNRESET):
        return Answer.REFUSED
    return Answer.UNREACHABLE


async def _ping(sock: socket.socket) -> tuple[Answer, str]:
    """Two pings, since a datagram may be lost; a reply of any other kind is no BMC's."""
    loop = asyncio.get_running_loop()
    for _ in range(2):
        await loop.sock_sendall(sock, packet.ping(_TAG))
    reply = await loop.sock_recv(sock, 64)
    return Answer.OPEN, "" if packet.is_pong(reply, _TAG) else "the reply is no pong of a BMC that speaks IPMI"


async def _tls_note(sock: socket.socket, address: str, context: ssl.SSLContext) -> str:
    """Shake hands, send nothing; says when the certificate isn't trusted or the port speaks no TLS."""
    writer = None
    try:
        _, writer = await asyncio.open_connection(sock=sock, ssl=context, server_hostname=address)
    except ssl.SSLCertVerificationError as error:
        return f"the certificate is not trusted: {error.verify_message}"
    except (ssl.SSLError, ConnectionError, EOFError):
        return "the port speaks no TLS"
    finally:
        if writer is not None:
            writer.close()
        else:
            sock.close()
    return ""
