"""The sockets below a requests session, so that they can be ended: at the deadline, and when a log-on broke off."""

import socket
import threading
from contextlib import suppress
from typing import Any

from requests import Session
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from unloop.channels.base import Deadline


class Sockets:
    """Every connection that a session makes. A response that nobody read to its end keeps its socket from the pool.

    Timeouts of requests count from byte to byte; the timer here counts once, so a trickling peer ends with the deadline.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._connections: list[HTTPConnection] = []
        self._timer = self._ticking(deadline)

    def until(self, deadline: Deadline) -> None:
        """Let the connections end at another deadline, unless they have ended."""
        self._timer.cancel()
        self._timer = self._ticking(deadline)

    def watch(self, session: Session) -> None:
        """Note every connection that the session makes from now on."""
        connections = self._connections

        class Plain(HTTPConnection):
            def connect(self) -> None:
                connections.append(self)
                super().connect()

        class Secure(HTTPSConnection):
            def connect(self) -> None:
                connections.append(self)
                super().connect()

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        for adapter in session.adapters.values():
            manager: Any = getattr(adapter, "poolmanager")  # noqa: B009 - BaseAdapter does not declare it
            manager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

    def close(self) -> None:
        """End every connection."""
        self._timer.cancel()
        self._shut()
        for connection in self._connections:
            connection.close()

    def _ticking(self, deadline: Deadline) -> threading.Timer:
        timer = threading.Timer(deadline.left(), self._shut)
        timer.daemon = True
        timer.start()
        return timer

    def _shut(self) -> None:
        for connection in tuple(self._connections):
            sock = connection.sock
            if isinstance(sock, socket.socket):
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
