"""The connection below SMB: smbprotocol's, on a transport that keeps our deadline and tells why it ended."""

import select
import socket
import struct
import threading
import time
import uuid
from typing import Any

from smbprotocol.connection import Connection
from smbprotocol.exceptions import SMBException, SMBResponseException

from unloop.channels.base import Deadline
from unloop.channels.mapping import connected, connecting
from unloop.errors import ChannelError, ConnectionLost, DeadlineExceeded, ProtocolError

MAX_FRAME = 0x00FFFFFF
"""The longest frame of the Direct TCP transport ([MS-SMB2] 2.1): 24 bits."""
HEADER_LENGTH = 52
"""The shorter of the two headers that a frame starts with: TRANSFORM_HEADER ([MS-SMB2] 2.2.41)."""
HEADERS = (b"\xfeSMB", b"\xfdSMB")


class SmbTransport:
    """Frames over one TCP socket, in the shape of smbprotocol's Tcp.

    smbprotocol's own select()s, which can't take a descriptor above 1023 (a worker holds thousands), sends without a
    deadline, and hides why a connection ended. Here ``failure`` says it.
    """

    def __init__(self, server: str, port: int, deadline: Deadline) -> None:
        self.server, self.port, self.deadline = server, port, deadline
        self.connected = False
        self.failure: ChannelError | None = None
        self._sock: socket.socket | None = None
        self._lock = threading.Lock()

    def connect(self) -> None:
        """Connect within the deadline."""
        try:
            self._sock = socket.create_connection((self.server, self.port), timeout=self.deadline.left())
        except OSError as error:
            raise connecting(error) from error
        self._sock.setblocking(False)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connected = True

    def close(self) -> None:
        """Stop the traffic, which wakes the thread that receives; release() gives the socket back."""
        self.connected = False
        if self._sock is not None:
            try:
                self._sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return

    def release(self) -> None:
        """Give the socket back."""
        with self._lock:
            if self._sock is not None:
                self._sock.close()
                self._sock = None

    def send(self, message: Any) -> None:
        """Send one frame within the deadline."""
        content = message if isinstance(message, bytes) else message.pack()
        data = memoryview(struct.pack(">L", len(content)) + content)
        with self._lock:
            while data:
                if self._sock is None:
                    raise self.failure or ConnectionLost("the connection is closed")
                self._wait(self._sock, select.POLLOUT)
                try:
                    data = data[self._sock.send(data) :]
                except BlockingIOError:
                    continue
                except OSError as error:
                    raise connected(error) from error

    def recv(self, timeout: float) -> bytes:
        """Receive one frame; b'' ends the receiving thread, and ``failure`` says why. Our deadline counts alone."""
        try:
            length = struct.unpack(">L", self._receive(4))[0]
            if not HEADER_LENGTH <= length <= MAX_FRAME:
                raise ProtocolError("the peer does not speak SMB")
            frame = self._receive(length)
            if not frame.startswith(HEADERS):
                raise ProtocolError("the peer does not speak SMB 2 or 3")
        except ChannelError as error:
            self.failure = error
            self.connected = False
            return b""
        return frame

    def _receive(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            if self._sock is None or not self.connected:
                raise ConnectionLost("the connection is closed")
            self._wait(self._sock, select.POLLIN)
            try:
                chunk = self._sock.recv(length - len(data))
            except BlockingIOError:
                continue
            except OSError as error:
                raise connected(error) from error
            if not chunk:
                raise ConnectionLost("the host closed the connection")
            data += chunk
        return bytes(data)

    def _wait(self, sock: socket.socket, event: int) -> None:
        poller = select.poll()
        poller.register(sock, event)
        while not poller.poll(self.deadline.left() * 1000):  # by then there may be another deadline
            if time.monotonic() >= self.deadline.at:
                raise DeadlineExceeded("no answer came within the time allowed")


class SmbConnection(Connection):  # type: ignore[misc]  # smbprotocol is untyped
    """A connection whose every wait ends with the deadline, and that never follows a symbolic link."""

    def __init__(self, server: str, port: int, deadline: Deadline) -> None:
        self._deadline = deadline
        self._link = SmbTransport(server, port, deadline)
        super().__init__(uuid.uuid4(), server, port, require_signing=True)

    @property
    def transport(self) -> SmbTransport:
        """Our transport, whichever connect() makes."""
        return self._link

    @transport.setter
    def transport(self, value: object) -> None:
        pass

    def until(self, deadline: Deadline) -> None:
        """Whatever is waited for from now on has until another deadline."""
        self._deadline = self._link.deadline = deadline

    def receive(
        self,
        request: Any,
        wait: bool = True,
        timeout: float | None = None,
        resolve_symlinks: bool = False,
    ) -> Any:
        """The answer to a request, within the deadline."""
        if not request.response_event.wait(timeout=self._deadline.left()):
            raise DeadlineExceeded("no answer came within the time allowed")
        if request.response is None and self._link.failure is not None:
            raise self._link.failure
        try:
            return super().receive(request, wait=wait, timeout=self._deadline.left(), resolve_symlinks=False)
        except SMBResponseException:
            raise
        except SMBException:
            self._deadline.left()
            raise

    def disconnect(self, close: bool = False, timeout: float | None = None) -> None:
        """End the connection at once; the host ends session and handles with it ([MS-SMB2] 3.3.7.1)."""
        super().disconnect(close=False)
        self._link.release()
