"""Open connections as an exchange sees them: a bare socket, or TLS over one."""

import asyncio
import socket
import ssl

from unloop.channels.base import Deadline
from unloop.channels.mapping import connected, connecting
from unloop.errors import ConnectionLost, UntrustedPeer

CHUNK = 65536


async def connect(address: str, port: int, deadline: Deadline) -> socket.socket:
    """A new connection to an IP address, not blocking; raises Unreachable or Refused."""
    sock = socket.socket(
        socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK
    )
    try:
        async with asyncio.timeout(deadline.left()):
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except OSError as error:
        sock.close()
        raise connecting(error) from error
    except BaseException:
        sock.close()
        raise
    return sock


class PlainLink:
    """A connected, non-blocking socket, which the link does not close."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()

    async def send(self, data: bytes) -> None:
        """Send everything: at once where the socket takes it, which a fresh one does."""
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise connected(error) from error
        if sent < len(data):
            try:
                await self._loop.sock_sendall(self._sock, data[sent:])
            except OSError as error:
                raise connected(error) from error

    async def receive(self) -> bytes:
        """What has arrived."""
        try:
            return await self._loop.sock_recv(self._sock, CHUNK)
        except OSError as error:
            raise connected(error) from error


class TlsLink:
    """TLS over a connected socket (RFC 8446, RFC 5246), by Python's ssl on buffers in memory."""

    def __init__(
        self, sock: socket.socket, context: ssl.SSLContext, *, server_name: str, session: ssl.SSLSession | None = None
    ) -> None:
        self._plain = PlainLink(sock)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name, session=session)

    async def handshake(self) -> None:
        """Shake hands; raises UntrustedPeer when the certificate is not one that we believe, ConnectionLost otherwise."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._exchange()
                continue
            except ssl.SSLCertVerificationError as error:
                reason = getattr(error, "verify_message", "") or error
                raise UntrustedPeer(f"the certificate is not trusted: {reason}") from error
            except ssl.SSLError as error:
                raise ConnectionLost(f"TLS did not come about: {error.reason}") from error
            break
        await self._flush()

    @property
    def certificate(self) -> bytes:
        """The host's certificate (DER)."""
        return self._tls.getpeercert(binary_form=True) or b""

    @property
    def session(self) -> ssl.SSLSession | None:
        """What resumes this session later; with TLS 1.3 it comes after the first answer (RFC 8446, 4.6.1)."""
        return self._tls.session

    @property
    def is_resumed(self) -> bool:
        """Whether the handshake took up an earlier session."""
        return bool(self._tls.session_reused)

    async def send(self, data: bytes) -> None:
        """Send everything."""
        try:
            self._tls.write(data)
        except ssl.SSLError as error:
            raise ConnectionLost(f"TLS broke: {error.reason}") from error
        await self._flush()

    async def receive(self) -> bytes:
        """What has arrived, deciphered."""
        while True:
            try:
                return self._tls.read(CHUNK)
            except ssl.SSLWantReadError:
                await self._exchange()
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLError as error:
                raise ConnectionLost(f"TLS broke: {error.reason}") from error

    async def _exchange(self) -> None:
        """Send what TLS has to say, and wait for what it needs."""
        await self._flush()
        data = await self._plain.receive()
        if not data:
            raise ConnectionLost("the host closed the connection")
        self._incoming.write(data)

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self._plain.send(self._outgoing.read())
