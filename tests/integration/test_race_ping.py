"""The first sign of a host across a network: a namespace of its own, whose link comes up before its port opens."""

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from functools import partial

import pytest

from servers import require
from unloop.race.pinger import can_be_pinged, make_pinger

HERE, THERE = "10.99.7.1", "10.99.7.2"

WATCHER = """
import asyncio, json, subprocess, sys
from unloop.race.pinger import make_pinger
from unloop.race.prober import Prober
from unloop.race.rhythm import Rhythm
from unloop.race.watch import Watch

async def main():
    prober, pinger = Prober(keep=0.3), make_pinger()
    print(json.dumps({"ready": pinger is not None}), flush=True)
    rhythm = Rhythm(hot=0.05, warm=0.1, cold=0.5)
    async with Watch(prober, {"smb": (sys.argv[1], 4450)}, rhythm, pinger=pinger) as watch:
        opened = await watch.next_open(until=watch.sighting.started + 15)
        sighting = watch.sighting
        print(json.dumps({
            "pinged": None if sighting.pinged is None else sighting.pinged - sighting.started,
            "opened": None if sighting.opened is None else sighting.opened - sighting.started,
        }), flush=True)
        if opened is not None:
            opened.sock.close()
    prober.close()
    if pinger is not None:
        pinger.close()

asyncio.run(main())
"""


@pytest.fixture
def namespaces() -> Iterator[tuple[str, str]]:
    """Two network namespaces with one link between them, whose far end is down."""
    ip = require("ip", "/sbin")
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    tag = uuid.uuid4().hex[:6]
    near, far = f"near-{tag}", f"far-{tag}"
    try:
        for name in (near, far):
            subprocess.run([ip, "netns", "add", name], check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"network namespaces are not permitted here: {error.stderr.decode().strip()}")
    try:
        for words in (
            ["-n", near, "link", "add", f"v{tag}", "type", "veth", "peer", "name", "eth0", "netns", far],
            ["-n", near, "addr", "add", f"{HERE}/24", "dev", f"v{tag}"],
            ["-n", near, "link", "set", f"v{tag}", "up"],
            ["-n", far, "addr", "add", f"{THERE}/24", "dev", "eth0"],
        ):
            subprocess.run([ip, *words], check=True, capture_output=True)
        yield near, far
    finally:
        for name in (near, far):
            subprocess.run([ip, "netns", "del", name], check=False, capture_output=True)


def test_a_host_that_answers_pings_is_awake_before_its_port_opens(namespaces: tuple[str, str]) -> None:
    """The link comes up, the host answers a ping, and a while later its port opens: both are told, in that order."""
    ip, (near, far) = require("ip", "/sbin"), namespaces
    watcher = subprocess.Popen(
        [ip, "netns", "exec", near, sys.executable, "-c", WATCHER, THERE], stdout=subprocess.PIPE, text=True
    )
    host = None
    try:
        assert watcher.stdout is not None
        assert json.loads(watcher.stdout.readline()) == {"ready": True}
        subprocess.run([ip, "-n", far, "link", "set", "eth0", "up"], check=True)
        serve = f"import socket, time; time.sleep(1.0); s = socket.create_server(('{THERE}', 4450)); time.sleep(20)"
        host = subprocess.Popen([ip, "netns", "exec", far, sys.executable, "-c", serve])
        seen = json.loads(watcher.stdout.readline())
        assert watcher.wait(timeout=20) == 0
    finally:
        for process in (watcher, host):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        if watcher.stdout is not None:
            watcher.stdout.close()

    assert seen["pinged"] is not None
    assert seen["pinged"] < seen["opened"]


def test_who_waits_no_more_ends_nobody_elses_wait() -> None:
    """Two watch the same address: one of them ends, and the other still hears the host, by pings of its own."""
    heard: list[str] = []

    async def wait() -> bool:
        pinger = make_pinger()
        if pinger is None:
            return False
        try:
            one, other = partial(heard.append, "one"), partial(heard.append, "other")
            pinger.wait("127.0.0.1", one)
            pinger.wait("127.0.0.1", other, every=0.05)
            pinger.forget("127.0.0.1", one)
            await asyncio.sleep(0.5)
        finally:
            pinger.close()
        return True

    if not asyncio.run(wait()):
        pytest.skip("neither ping sockets nor raw ones are permitted here")
    assert heard == ["other"]


@pytest.mark.parametrize(("address", "told"), [("192.0.2.1", True), ("127.0.0.9", False), ("::1", False)])
def test_loopback_is_never_pinged(address: str, told: bool) -> None:
    """This machine answers for all of 127.0.0.0/8 itself."""
    assert can_be_pinged(address) is told
