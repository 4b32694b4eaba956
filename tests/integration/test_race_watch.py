"""Watching simulated ports that are dark, open and dark again: what is seen, when, and over which connection."""

import asyncio
import contextlib
import os
import resource
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping

import pytest

from servers import free_port
from unloop.race import prober as prober_module
from unloop.race import pulse
from unloop.race.pace import SHARE
from unloop.race.prober import Aim, Heard, Prober
from unloop.race.repeats import MOST, can_prepare
from unloop.race.rhythm import Rhythm, Wish
from unloop.race.watch import Watch
from unloop.rehearsal.fleet import tarpit
from unloop.rehearsal.gate import Gate

ADDRESS = "127.0.0.61"
RTO_MAX_MS, USUAL_MS = 44, 120_000
"""TCP_RTO_MAX_MS (linux/tcp.h), and what it is unless somebody says otherwise (tcp_rto_max_ms)."""
QUICK = Rhythm(hot=0.02, warm=0.05, cold=0.2)


@contextlib.asynccontextmanager
async def gates(*names: str, refuse: bool = False) -> AsyncIterator[tuple[dict[str, Gate], dict[str, tuple[str, int]]]]:
    """Gates that are shut, and their doors."""
    doors = {name: (ADDRESS, free_port(ADDRESS)) for name in names}
    made = {name: Gate(*door, tarpit, refuse_when_shut=refuse) for name, door in doors.items()}
    try:
        yield made, doors
    finally:
        for gate in made.values():
            gate.close()
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def prober(keep: float = 0.06) -> AsyncIterator[Prober]:
    """A prober for the length of a with block."""
    made = Prober(keep=keep)
    try:
        yield made
    finally:
        made.close()


def run(test: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run one test on a loop of its own."""
    asyncio.run(asyncio.wait_for(test(), 20))


def test_the_connection_that_saw_the_port_open_is_handed_over() -> None:
    """Nothing is open, then it is: the socket that comes is connected, and the lag is bounded by the interval."""

    async def test() -> None:
        async with prober() as probes, gates("smb") as (made, doors), Watch(probes, doors, QUICK) as watch:
            asyncio.get_running_loop().call_later(0.3, made["smb"].open)
            opened = await watch.next_open(until=watch.sighting.started + 10)
            assert opened is not None
            with opened.sock:
                assert opened.sock.getpeername() == doors["smb"]
            assert watch.sighting.signs["smb"].silent >= 1
            assert 0 < watch.sighting.lag["smb"] < 1

    run(test)


def test_the_other_ports_are_looked_at_as_soon_as_one_gives_a_sign() -> None:
    """A port that was hardly looked at before is found at once when the first one opens."""

    async def test() -> None:
        slow = Rhythm(hot=0.02, warm=0.05, cold=30.0)
        async with prober() as probes, gates("smb", "winrm") as (made, doors), Watch(probes, doors, slow) as watch:
            await asyncio.sleep(0.3)
            for gate in made.values():
                gate.open()
            found = [await watch.next_open(until=watch.sighting.started + 10) for _ in range(2)]
            for opened in found:
                assert opened is not None
                opened.sock.close()
            assert {opened.channel for opened in found if opened} == {"smb", "winrm"}

    run(test)


def test_an_address_that_cannot_be_used_stops_nobody_else() -> None:
    """A link that this machine does not have is one host's trouble: the others are probed all the same."""

    async def test() -> None:
        nowhere = {"smb": ("fe80::1%nosuch9", 445)}
        async with prober() as probes, Watch(probes, nowhere, QUICK), gates("smb") as (made, doors):
            await asyncio.sleep(0.2)
            async with Watch(probes, doors, QUICK) as watch:
                made["smb"].open()
                opened = await watch.next_open(until=watch.sighting.started + 10)
                assert opened is not None
                opened.sock.close()

    run(test)


def test_a_host_that_goes_silent_is_gone_and_the_time_is_told() -> None:
    """Three probes in a row without an open port: the time of the first of them."""

    async def test() -> None:
        loop = asyncio.get_running_loop()
        async with prober() as probes, gates("smb") as (made, doors), Watch(probes, doors, QUICK) as watch:
            made["smb"].open()
            opened = await watch.next_open(until=loop.time() + 10)
            assert opened is not None
            opened.sock.close()
            assert await watch.until_gone(until=loop.time() + 0.3) is None
            shut_at = loop.time()
            made["smb"].shut()
            gone_at = await watch.until_gone(until=loop.time() + 10)
            assert gone_at is not None
            assert shut_at - QUICK.warm <= gone_at < shut_at + 1

    run(test)


def test_a_host_whose_ports_refuse_is_up_with_its_doors_closed() -> None:
    """A reset is a sign of life, and no open port."""

    async def test() -> None:
        async with prober() as probes, gates("smb", refuse=True) as (_, doors), Watch(probes, doors, QUICK) as watch:
            assert await watch.next_open(until=watch.sighting.started + 0.3) is None
            assert watch.sighting.is_closed

    run(test)


def test_a_look_is_over_when_every_door_has_kept_silent_thrice() -> None:
    """One silence is a lost packet: three on each door are a host that is down."""

    async def test() -> None:
        async with (
            prober() as probes,
            gates("smb", "ssh") as (_, doors),
            Watch(probes, doors, QUICK, is_look=True) as watch,
        ):
            assert await watch.next_open(until=watch.sighting.started + 10) is None
            assert watch.sighting.is_down
            assert [signs.in_a_row >= 3 for signs in watch.sighting.signs.values()] == [True, True]

    run(test)


def test_a_door_that_refuses_beside_one_that_is_dark_is_no_host_that_is_down() -> None:
    """A firewall drops one port and the host itself refuses the other: it is up, with its doors closed."""

    async def test() -> None:
        async with (
            prober() as probes,
            gates("smb") as (_, dark),
            gates("ssh", refuse=True) as (_, refusing),
            Watch(probes, {**dark, **refusing}, QUICK, is_look=True) as watch,
        ):
            assert await watch.next_open(until=watch.sighting.started + 0.6) is None
            assert watch.sighting.signs["smb"].silent >= 3
            assert watch.sighting.is_closed
            assert not watch.sighting.is_down

    run(test)


def test_probes_that_could_not_be_sent_are_no_silence() -> None:
    """A worker that has no descriptors left has seen nothing of the host."""

    async def test() -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        async with prober() as probes, gates("smb") as (_, doors):
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
            try:
                async with Watch(probes, doors, QUICK, is_look=True) as watch:
                    assert await watch.next_open(until=watch.sighting.started + 0.6) is None
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            assert probes.counts.starved >= 3
            assert not watch.sighting.is_down

    run(test)


def test_a_broken_connection_is_looked_at_anew() -> None:
    """After `again` the same door is handed over a second time."""

    async def test() -> None:
        async with prober() as probes, gates("smb") as (made, doors), Watch(probes, doors, QUICK) as watch:
            made["smb"].open()
            for _ in range(2):
                opened = await watch.next_open(until=watch.sighting.started + 10)
                assert opened is not None
                opened.sock.close()
                watch.again("smb")

    run(test)


def test_nothing_is_left_open_when_a_watch_ends() -> None:
    """Sockets that nobody took are closed, and so are those that still wait for an answer."""

    async def test() -> None:
        async with gates("smb") as (made, doors), prober() as probes:
            made["smb"].open()
            async with Watch(probes, doors, QUICK):
                await asyncio.sleep(0.2)
            await asyncio.sleep(0.2)
            assert probes.in_flight == 0

    run(test)


def test_many_silent_ports_are_probed_evenly_and_in_time() -> None:
    """Two hundred dark hosts: each gets its probes, none is starved, and nothing piles up."""

    async def test() -> None:
        heard: dict[str, int] = {}
        async with gates("x") as (_, doors), prober(keep=0.1) as probes:
            port = doors["x"][1]
            aims = []
            for number in range(200):
                name = f"127.0.62.{number + 1}"

                def count(heard_now: Heard, name: str = name) -> None:
                    heard[name] = heard.get(name, 0) + 1

                aims.append(Aim(name, port, count, lambda now: Wish(0.2), is_fresh=True))
            for aim in aims:
                probes.start(aim)
            await asyncio.sleep(1.5)
            for aim in aims:
                probes.stop(aim)
        assert len(heard) == 200
        assert min(heard.values()) >= max(heard.values()) // 2
        assert probes.counts.starved == 0

    run(test)


@pytest.mark.parametrize("address", ["::1"])
def test_an_address_of_ipv6_is_probed_too(address: str) -> None:
    """The family follows from the address."""

    async def test() -> None:
        with contextlib.ExitStack() as stack:
            try:
                listener = stack.enter_context(socket.create_server((address, 0), family=socket.AF_INET6))
            except OSError:
                pytest.skip("this machine has no IPv6 on loopback")
            doors = {"smb": (address, listener.getsockname()[1])}
            async with prober() as probes, Watch(probes, doors, QUICK) as watch:
                opened = await watch.next_open(until=watch.sighting.started + 5)
                assert opened is not None
                opened.sock.close()

    run(test)


@contextlib.contextmanager
def counted(address: str, port: int, *, closes: bool) -> Iterator[list[socket.socket]]:
    """A port that takes every connection, and keeps it or closes it at once; what it has taken so far."""
    taken: list[socket.socket] = []
    loop = asyncio.get_running_loop()
    with socket.create_server((address, port)) as listener:
        listener.setblocking(False)

        def accept() -> None:
            with contextlib.suppress(OSError):
                taken.append(listener.accept()[0])
                if closes:
                    taken[-1].close()

        loop.add_reader(listener.fileno(), accept)
        try:
            yield taken
        finally:
            loop.remove_reader(listener.fileno())
            for sock in taken:
                sock.close()


@pytest.mark.parametrize(("repeats", "most"), [(59, 5), (5, 5), (1, 8)])
def test_the_kernel_repeats_a_connect_that_waits(monkeypatch: pytest.MonkeyPatch, repeats: int, most: int) -> None:
    """Half a second apart, by two connects in turn: the port is seen when it opens, and hardly a connect was begun.

    Kernels that can't be told repeat five times evenly, or once, and then the connect begins anew.
    """
    if repeats < MOST:
        monkeypatch.setattr(prober_module, "can_prepare", lambda: False)
        monkeypatch.setattr(prober_module, "even_repeats", lambda: repeats)
    elif not can_prepare():
        pytest.skip("this kernel can't be told to repeat evenly")

    async def test() -> None:
        even = Rhythm(hot=0.02, warm=0.5, cold=2.0)
        async with prober(keep=0.3) as probes, gates("smb", "winrm") as (made, doors):
            probes.pace.rate = SHARE / probes.pace.cost / 2  # a prober that has something to do
            async with Watch(probes, doors, even) as watch:
                asyncio.get_running_loop().call_later(2.8, made["smb"].open)
                opened = await watch.next_open(until=watch.sighting.started + 10)
                assert opened is not None
                opened.sock.close()
                assert 2.8 <= watch.sighting.first_open["smb"] - watch.sighting.started < 4.5
                assert 0 < watch.sighting.lag["smb"] <= 1
            assert probes.counts.connects <= most

    run(test)


async def come_up(watch: Watch, made: Mapping[str, Gate]) -> None:
    """Open every door, and close the connections that saw them open."""
    for gate in made.values():
        gate.open()
    for _ in made:
        opened = await watch.next_open(until=asyncio.get_running_loop().time() + 10)
        assert opened is not None
        opened.sock.close()


def test_a_host_that_is_not_young_any_more_is_felt_by_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs no further connects, and tells when the host has gone silent, to half a second."""
    monkeypatch.setattr(pulse, "YOUNG", 0.1)

    async def test() -> None:
        loop = asyncio.get_running_loop()
        async with prober() as probes, gates("smb", "winrm") as (made, doors), Watch(probes, doors, QUICK) as watch:
            await come_up(watch, made)
            assert await watch.until_gone(until=loop.time() + 0.5) is None
            before = probes.counts.connects
            assert await watch.until_gone(until=loop.time() + 2.2) is None
            assert probes.counts.connects == before
            shut_at = loop.time()
            for gate in made.values():
                gate.shut()
            gone_at = await watch.until_gone(until=loop.time() + 10)
            assert gone_at is not None
            assert shut_at - 0.6 <= gone_at < shut_at + 1.5

    run(test)


def test_a_door_whose_service_stops_is_no_host_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection that is kept belongs to the service that stops: another door takes its place."""
    monkeypatch.setattr(pulse, "YOUNG", 0.1)

    async def test() -> None:
        loop = asyncio.get_running_loop()
        async with prober() as probes, gates("smb", "winrm") as (made, doors), Watch(probes, doors, QUICK) as watch:
            await come_up(watch, made)
            assert await watch.until_gone(until=loop.time() + 0.5) is None
            made["smb"].shut()
            assert await watch.until_gone(until=loop.time() + 4) is None
            made["winrm"].shut()
            assert await watch.until_gone(until=loop.time() + 10) is not None

    run(test)


async def felt(*, closes: bool, seconds: float) -> int:
    """How many connections a service took while its host was felt for so long, and stayed up."""
    loop, door = asyncio.get_running_loop(), (ADDRESS, free_port(ADDRESS))
    with counted(*door, closes=closes) as taken:
        async with prober() as probes, Watch(probes, {"smb": door}, QUICK) as watch:
            opened = await watch.next_open(until=loop.time() + 10)
            assert opened is not None
            opened.sock.close()
            assert await watch.until_gone(until=loop.time() + seconds) is None
        return len(taken)


def test_a_service_that_hangs_up_at_once_is_not_called_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each connection that is to be kept breaks: no more connects than at the usual interval, and the host is up."""
    monkeypatch.setattr(pulse, "YOUNG", 0.0)

    async def test() -> None:
        assert 2 <= await felt(closes=True, seconds=1.0) <= 1.0 / QUICK.warm + 2

    run(test)


def test_a_connection_is_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Services end those that never log on: it is exchanged before they do."""
    monkeypatch.setattr(pulse, "YOUNG", 0.0)
    monkeypatch.setattr(pulse, "KEPT_FOR", 0.3)

    async def test() -> None:
        assert 4 <= await felt(closes=False, seconds=1.5) <= 7

    run(test)


def test_a_socket_that_takes_turns_is_repeated_evenly_whatever_it_was_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few hosts are probed by connects of their own; once there is load the same sockets take turns, for a minute each."""
    if not can_prepare():
        pytest.skip("this kernel can't be told to repeat evenly")
    monkeypatch.setattr(prober_module, "AGAIN", 0.1)
    told: list[int] = []
    real = prober_module.dial

    def dial(descriptor: int, sockaddr: bytes) -> int:
        with socket.socket(fileno=os.dup(descriptor)) as sock:
            told.append(sock.getsockopt(socket.IPPROTO_TCP, RTO_MAX_MS))
        return real(descriptor, sockaddr)

    monkeypatch.setattr(prober_module, "dial", dial)

    async def test() -> None:
        async with (
            prober(keep=0.05) as probes,
            gates("smb") as (made, doors),
            Watch(probes, doors, Rhythm(hot=0.02, warm=0.5, cold=2.0)) as watch,
        ):
            await asyncio.sleep(0.3)
            assert set(told) == {USUAL_MS}
            told.clear()
            probes.pace.rate = SHARE / probes.pace.cost / 2
            await asyncio.sleep(1.2)
            assert set(told[-2:]) == {1000}
            made["smb"].open()
            opened = await watch.next_open(until=watch.sighting.started + 10)
            assert opened is not None
            with opened.sock as sock:
                assert sock.getsockopt(socket.IPPROTO_TCP, RTO_MAX_MS) == USUAL_MS

    run(test)


def test_a_moment_of_load_does_not_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connects in turn last for a minute; how many of them take turns is asked anew before."""
    monkeypatch.setattr(prober_module, "AGAIN", 0.2)

    async def test() -> None:
        async with prober(keep=0.3) as probes, gates("smb") as (_, doors):
            idle, probes.pace.rate = probes.pace.rate, SHARE / probes.pace.cost / 2
            async with Watch(probes, doors, Rhythm(hot=0.02, warm=1.0, cold=2.0)):
                await asyncio.sleep(0.5)
                assert probes.counts.connects == 1
                probes.pace.rate = idle
                await asyncio.sleep(0.5)
                assert probes.counts.connects > 10

    run(test)


def test_no_more_connects_wait_than_may() -> None:
    """The rest is starved, which is no silence, and gets its turn."""

    async def test() -> None:
        async with gates(*"abcde") as (_, doors):
            probes = Prober(keep=0.06, files=3)
            try:
                async with Watch(probes, doors, QUICK, is_look=True) as watch:
                    await asyncio.sleep(0.3)
                    assert probes.in_flight == 3
                    assert probes.counts.starved > 0
                    assert not watch.sighting.is_down
            finally:
                probes.close()

    run(test)


def test_the_lag_goes_by_the_repeats_of_the_kernel() -> None:
    """A host that is up when its port becomes due was probed a second before at most, though no connect had begun since."""

    async def test() -> None:
        cold = Rhythm(hot=0.02, warm=0.5, cold=1.0, due=(2.2, 10.0))
        async with prober(keep=0.3) as probes, gates("smb") as (made, doors):
            probes.pace.rate = SHARE / probes.pace.cost / 2
            async with Watch(probes, doors, cold) as watch:
                asyncio.get_running_loop().call_later(2.1, made["smb"].open)
                opened = await watch.next_open(until=watch.sighting.started + 10)
                assert opened is not None
                opened.sock.close()
                assert 0 < watch.sighting.lag["smb"] < 1.5

    run(test)
