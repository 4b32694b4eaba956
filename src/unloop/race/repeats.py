"""How often the kernel itself repeats a SYN that nobody answered, evenly: a connect that waits is then many probes."""

import _socket
import socket
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

EVERY = 1.0
"""Seconds from one SYN of a connect to the next (RFC 6298, 2.1); Linux's timers come up to a twentieth later."""
MOST = 59
"""Repeats of one connect where its wait can be kept from doubling: it goes by the addresses and routes of when it began."""
_RTO_MAX_MS, _SYNCNT_MOST = 44, 127
"""TCP_RTO_MAX_MS, since Linux 6.15, takes no less than a second (linux/tcp.h); tcp(7), TCP_SYNCNT."""
_SETTINGS = Path("/proc/sys/net/ipv4")


def prepare(sock: _socket.socket) -> bool:
    """Keep the wait of a connect from doubling; whether this kernel can do that."""
    try:
        sock.setsockopt(socket.IPPROTO_TCP, _RTO_MAX_MS, round(EVERY * 1000))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, _SYNCNT_MOST)
    except OSError:
        return False
    return True


def restore(sock: _socket.socket) -> None:
    """Let the waits of a connection double again, as far as they usually may, now that it has come about."""
    with suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, _RTO_MAX_MS, _usual_ms())


@lru_cache
def _usual_ms() -> int:
    with socket.socket() as sock:
        return sock.getsockopt(socket.IPPROTO_TCP, _RTO_MAX_MS)


@lru_cache
def can_prepare() -> bool:
    """Whether this kernel can keep the wait of a connect from doubling."""
    with socket.socket() as sock:
        return prepare(sock)


def even_repeats(settings: Path = _SETTINGS, *, is_prepared: bool | None = None) -> int:
    """How many repeats of a SYN follow each other evenly; 1 at least, for the wait doubles only after the first.

    Where it can't be kept from doubling, tcp_syn_linear_timeouts is how many times it does not do so by itself, since Linux
    6.5 (ip-sysctl); IPv6 goes by the same settings.
    """
    if can_prepare() if is_prepared is None else is_prepared:
        return MOST
    return max(1, min(_number(settings / "tcp_syn_linear_timeouts", 0) + 1, _number(settings / "tcp_syn_retries", 6)))


def _number(path: Path, default: int) -> int:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return default
