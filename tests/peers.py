"""Peers that behave badly, on loopback: one accepts and says nothing, one talks garbage, one hangs up in mid-exchange."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

GARBAGE = bytes(range(256)) * 64
Behaviour = Callable[[socket.socket, threading.Event], None]


def silent(connection: socket.socket, over: threading.Event) -> None:
    """Take everything and answer nothing."""
    while not over.is_set() and connection.recv(65536):
        pass


def garbage(connection: socket.socket, over: threading.Event) -> None:
    """Answer the first bytes with bytes that are no protocol."""
    connection.sendall(GARBAGE)
    silent(connection, over)


def http_garbage(connection: socket.socket, over: threading.Event) -> None:
    """Answer every request with a web page."""
    page = b"<html>hello</html>"
    while not over.is_set() and connection.recv(65536):
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(page), page)
        )


def resetting(connection: socket.socket, over: threading.Event) -> None:
    """Wait for the first bytes, then reset the connection."""
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextlib.contextmanager
def peer(behaviour: Behaviour, address: str = "127.0.0.10") -> Iterator[int]:
    """Serve a behaviour for the length of a with block; yields the port."""
    over = threading.Event()
    threads: list[threading.Thread] = []
    open_ones: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            behaviour(connection, over)

    def accept(listener: socket.socket) -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                open_ones.append(connection)
                threads.append(threading.Thread(target=serve, args=(connection,)))
                threads[-1].start()

    with socket.create_server((address, 0)) as listener:
        port: int = listener.getsockname()[1]
        acceptor = threading.Thread(target=accept, args=(listener,))
        acceptor.start()
        try:
            yield port
        finally:
            over.set()
            for connection in open_ones:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            acceptor.join(timeout=10)
            for thread in threads:
                thread.join(timeout=10)
