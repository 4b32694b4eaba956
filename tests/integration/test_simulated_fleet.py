"""A whole simulated fleet in a process of its own: it starts, says so, witnesses, and ends when it should."""

import asyncio
import json
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from servers import answers, wait_until
from unloop.channels.base import Deadline, Target
from unloop.channels.ipmi import IpmiChannel
from unloop.channels.redfish import RedfishChannel
from unloop.channels.uuid import same_uuid
from unloop.channels.winrm import WinrmChannel
from unloop.inventory.csv import read as read_inventory
from unloop.model.host import Host, System
from unloop.model.order import Shell
from unloop.model.power import PowerState
from unloop.rehearsal import inventory_file, scenario, witness
from unloop.rehearsal.addresses import Block, reserved_block
from unloop.rehearsal.inventory_file import Paths
from unloop.rehearsal.serve import descriptors
from unloop.rehearsal.spec import Kind, MachineSpec, Service
from unloop.secrets.resolve import Credentials
from unloop.settings.load import load as load_settings

PLAYBOOK = Path(__file__).parents[2] / "playbooks" / "channel-file-291.yml"


@pytest.fixture
def block() -> Iterator[Block]:
    """Addresses that nobody else takes while a test runs."""
    with reserved_block() as found:
        yield found


def _mute(spec: MachineSpec) -> MachineSpec:
    """The same host with services that say nothing: what they would say is tested elsewhere."""
    return replace(spec, services=tuple(replace(service, is_tarpit=True) for service in spec.services))


def _written(directory: Path, block: Block, hosts: int = 40) -> tuple[Paths, tuple[MachineSpec, ...]]:
    drawn = scenario.generate(hosts, 11, block=block, systems=(System.WINDOWS,))
    specs = tuple(_mute(spec) for spec in drawn)
    return inventory_file.write(directory / "fleet", specs, playbooks=[PLAYBOOK], seed=11), specs


def _start(paths: Paths, **options: object) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-m", "unloop.rehearsal.serve", "--directory", str(paths.directory)]
    known: dict[str, object] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(arguments, **(known | options))  # type: ignore[call-overload, no-any-return]


@contextmanager
def _running(paths: Paths, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    with _start(paths, **options) as process:
        try:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["ready"] is True
            yield process
        finally:
            if process.stdin:
                process.stdin.close()
            process.kill()


def test_fleet_says_that_it_is_ready_and_ends_on_sigterm(tmp_path: Path, block: Block) -> None:
    """One JSON line when every port is taken; SIGTERM ends it cleanly, and every host was witnessed."""
    paths, specs = _written(tmp_path, block)
    with _running(paths) as process:
        wait_until(lambda: paths.witness.read_text().count('"crash"') >= 3, what="three crashes")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert set(witness.read(paths.witness)) == {spec.name for spec in specs}


def test_fleet_ends_with_the_pipe_of_its_parent(tmp_path: Path, block: Block) -> None:
    """When the process that started it is gone, its standard input closes, and no fleet is left behind."""
    paths, _ = _written(tmp_path, block, 3)
    with _running(paths, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
        assert process.wait(timeout=20) == 0


def test_second_fleet_takes_other_addresses_or_says_why_not(tmp_path: Path, block: Block) -> None:
    """While one simulation runs the next one is given another block; on the same addresses it is refused."""
    paths, specs = _written(tmp_path, block, 3)
    with _running(paths):
        with reserved_block() as other:
            assert other.host(0) != specs[0].address
        with _start(paths) as second:
            _, errors = second.communicate(timeout=20)
        assert second.returncode == 2
        assert b"another simulation uses these addresses" in errors


def test_too_low_a_limit_of_open_files_is_told(tmp_path: Path, block: Block) -> None:
    """The error says how many files are needed and how to get them."""
    paths, specs = _written(tmp_path, block)

    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))

    with _start(paths, preexec_fn=lower) as process:
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert f"needs {descriptors(specs)} open files, and the limit is 128; raise it (ulimit" in errors.decode()


def test_directory_without_a_fleet_is_refused(tmp_path: Path) -> None:
    """One clear line, exit 2."""
    with _start(Paths(tmp_path)) as process:
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "fleet.json: can't read it: No such file or directory" in errors.decode()


def test_inventory_and_settings_are_what_unloop_reads(tmp_path: Path, block: Block) -> None:
    """The files that describe the fleet load without a problem and name every host as it is."""
    paths, specs = _written(tmp_path, block)
    settings = load_settings(paths.settings)
    hosts = read_inventory(str(paths.inventory), settings).hosts
    credentials = Credentials(settings)
    assert [host.name for host in hosts] == [spec.name for spec in specs]
    for host, spec in zip(hosts, specs, strict=True):
        assert (host.uuid, host.bitlocker, host.site) == (spec.uuid, spec.bitlocker, spec.site)
        password = credentials.get(host.endpoints[0].credentials[0], host.name).password.reveal()
        assert (password == spec.password) is (spec.kind is not Kind.WRONG_PASSWORD)


def test_secrets_can_be_read_by_their_owner_only(tmp_path: Path, block: Block) -> None:
    """Passwords and keys are files of mode 0600."""
    paths, _ = _written(tmp_path, block, 3)
    private = [paths.certificate, paths.ssh_host_key, paths.fleet, *(paths.directory / "secrets").iterdir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


def _channel(host: Host, paths: Paths) -> IpmiChannel | RedfishChannel:
    settings = load_settings(paths.settings)
    assert host.bmc is not None
    credential = Credentials(settings).get(host.bmc.credentials[0], host.name, of_bmc=True)
    target = Target(host.name, host.bmc.address, host.bmc.port, credential, {"tls_ca": str(paths.authority)})
    if host.bmc.channel == "ipmi":
        return IpmiChannel(replace(target, options={}), Deadline.after(20))
    return RedfishChannel(target, Deadline.after(20))


async def _reset(channel: IpmiChannel | RedfishChannel, uuid: str) -> None:
    async with channel:
        assert same_uuid(await channel.system_uuid(), uuid)
        await channel.power_off()
        while await channel.power_state() is not PowerState.OFF:
            continue
        await channel.power_on()
        while await channel.power_state() is not PowerState.ON:
            continue


@pytest.mark.parametrize("bmc_channel", ["ipmi", "redfish"])
def test_our_channels_reset_a_simulated_host_once(tmp_path: Path, block: Block, bmc_channel: str) -> None:
    """Off, seen off, on, seen on: the simulated BMC counts one reset, and tells the inventory's UUID."""
    paths, _ = _written(tmp_path, block)
    hosts = read_inventory(str(paths.inventory), load_settings(paths.settings)).hosts
    kinds = {spec.name: spec.kind for spec in _written(tmp_path / "again", block)[1]}
    looping = next(
        host for host in hosts if host.bmc and host.bmc.channel == bmc_channel and kinds[host.name] is Kind.LOOPING
    )
    with _running(paths):
        asyncio.run(_reset(_channel(looping, paths), looping.uuid))
    seen = witness.read(paths.witness)[looping.name]
    assert (len(seen.resets), len(seen.power_ons), seen.is_left_off) == (1, 1, False)


def test_hosts_of_a_fleet_speak_winrm_over_http_and_https(tmp_path: Path, block: Block) -> None:
    """What the inventory and the settings say is all that our channel needs to run a program on them."""
    doors = (Service("winrm", 5985), Service("winrm", 5986, is_tls=True))
    specs = tuple(
        replace(spec, kind=Kind.HEALTHY, services=(door,), inventory_password="")
        for spec, door in zip(_written(tmp_path / "drawn", block, 2)[1], doors, strict=True)
    )
    paths = inventory_file.write(tmp_path / "fleet", specs, playbooks=[PLAYBOOK], seed=11)
    settings = load_settings(paths.settings)
    with _running(paths):
        for host in read_inventory(str(paths.inventory), settings).hosts:
            door = host.endpoints[0]
            wait_until(partial(answers, door.address, door.port), what=host.name)
            credential = Credentials(settings).get(door.credentials[0], host.name)
            target = Target(host.name, door.address, door.port, credential, door.options)
            with WinrmChannel(target, Deadline.after(20)) as channel:
                assert channel.run(Shell.POWERSHELL, "$env:COMPUTERNAME").stdout.strip() == host.name.upper()
