"""A network with a delay, where the kernel has none to give: IP packets copied between two namespaces, each some time later.

A TUN device stands in either namespace, and a process of its own carries packets from one to the other. ``enter`` starts a
program anew in a namespace of its own, with the rights of root there; ``delayed_link`` joins it to that of another process.
Behind the far device every address of FAR is one of the far machine's own, so that a program can meet as many hosts
there as it likes.
"""

import contextlib
import ctypes
import fcntl
import os
import select
import shutil
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

NEAR, FAR = "10.89.0.1", "10.88.0.0/16"
INSIDE = "UNLOOP_BENCH_INSIDE"
_TUN = Path("/dev/net/tun")
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_PR_SET_TIMERSLACK = 29
_LARGEST = 65536
_EARLY = 0.0003
"""So long before a packet is due its carrier is awake: timers are that late on a virtual machine."""


def far(number: int) -> str:
    """One of the addresses of the far machine."""
    return f"10.88.{1 + number // 250}.{1 + number % 250}"


def lack() -> str:
    """Why this machine can't have a delayed link; '' when it can."""
    for program in ("ip", "unshare"):
        if shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None:
            return f"the program {program} is missing"
    tried = subprocess.run([*_unshare(), sys.executable, __file__, "try"], capture_output=True, text=True, check=False)
    return (tried.stderr.strip().splitlines() or ["it ended without a word"])[-1] if tried.returncode else ""


def enter(program: str, arguments: Sequence[str]) -> int | None:
    """None within a namespace of our own; elsewhere run the program there, and answer its exit code."""
    if os.environ.get(INSIDE):
        return None
    reason = lack()
    if reason:
        print(f"a delayed link can't be had, it needs root or user namespaces, and TUN: {reason}", file=sys.stderr)
        return 1
    command = [*_unshare(), sys.executable, program, *arguments]
    return subprocess.run(command, env={**os.environ, INSIDE: "1"}, check=False).returncode


def _unshare() -> list[str]:
    return ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]


@dataclass(frozen=True)
class Link:
    """A link that stands."""

    process: subprocess.Popen[str]

    def delay(self, seconds: float) -> None:
        """From now on every packet arrives so much later, in either direction."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"


@contextlib.contextmanager
def delayed_link(other: int) -> Iterator[Link]:
    """Join this network namespace to that of another process, for the length of a with block."""
    ends = [_device(name) for name in ("near", "far")]
    _ip("link", "set", "far", "netns", str(other))
    _ip("link", "set", "lo", "up")
    _ip("address", "add", f"{NEAR}/32", "dev", "near")
    _ip("link", "set", "near", "up")
    _ip("route", "add", FAR, "dev", "near", "src", NEAR)
    command = [sys.executable, __file__, *map(str, ends)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=ends) as process:
        for end in ends:
            os.close(end)
        try:
            yield Link(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


def go_first(priority: int = 1) -> None:
    """Go before whatever else this machine does, with all that is started from now on, where that is permitted."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(priority))


def settle_far_side() -> None:
    """Called in the far namespace, once its device is there: every address of FAR is this machine's own."""
    _ip("link", "set", "lo", "up")
    _ip("link", "set", "far", "up")
    _ip("route", "add", "local", FAR, "dev", "lo")
    _ip("route", "add", f"{NEAR}/32", "dev", "far")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _device(name: str) -> int:
    """A TUN device that gives packets as they are (Linux, Documentation/networking/tuntap.rst)."""
    descriptor = os.open(_TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return descriptor


def carry(near: int, far: int) -> None:
    """Copy packets until standard input ends; a line of it is the delay from now on."""
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    go_first(2)
    other, delay = {near: far, far: near}, 0.0
    waiting: deque[tuple[float, int, bytes]] = deque()
    while True:
        left = waiting[0][0] - time.monotonic() if waiting else None
        ready = select.select([near, far, 0], [], [], None if left is None else max(0.0, left - _EARLY))[0]
        now = time.monotonic()
        for end in ready:
            if end == 0:
                line = os.read(0, 100)
                if not line:
                    return
                delay = float(line)
                os.write(1, b"done\n")
                continue
            waiting.extend((now + delay, other[end], packet) for packet in _packets(end))
        while waiting and waiting[0][0] <= now:
            _, end, packet = waiting.popleft()
            with contextlib.suppress(OSError):
                os.write(end, packet)


def _packets(end: int) -> Iterator[bytes]:
    """Every packet that waits at a device."""
    with contextlib.suppress(OSError):
        while True:
            yield os.read(end, _LARGEST)


if __name__ == "__main__" and sys.argv[1:] == ["try"]:
    _device("near")
elif __name__ == "__main__" and len(sys.argv) > 1:
    carry(int(sys.argv[1]), int(sys.argv[2]))
