"""A fleet in trouble, drawn from a seed: pure, the same seed gives the same hosts."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from unloop.errors import InputError, Problem
from unloop.model.host import System
from unloop.rehearsal.addresses import LARGEST, Block
from unloop.rehearsal.spec import Kind, MachineSpec, Service

PORTS = {"smb": 4450, "winrm": 5985, "ssh": 2222}
BMC_PORTS = {"redfish": 8443, "ipmi": 6230}
USERNAME = "rehearsal-admin"
BMC_USERNAME = "rehearsal-bmc"
REPORTED = "2024-07-19T05:00:00Z"
"""When the victim list of every scenario was written."""
SITES = ("LHR", "FRA", "SIN")
SHORTEST, LONGEST = 1.0, 8.0
"""Seconds of a window, jitter included."""

_SPECIAL = (
    Kind.PARKED,
    Kind.LOCKED,
    Kind.WRONG_PASSWORD,
    Kind.UNREACHABLE,
    Kind.HEALTHY_CLOSED,
    Kind.WRONG_BMC,
)
_SHARE, _SMALL_SHARE = 0.05, 0.04
_LARGE, _LEAST_LOOPING = 100, 60
_LOOPS = frozenset({Kind.LOOPING, Kind.HELD})
_REPORTED_KINDS = frozenset({Kind.PARKED, Kind.LOCKED, Kind.WRONG_PASSWORD, Kind.WRONG_BMC, Kind.TARPIT})
"""Kinds that a victim list names; of the looping ones it names most, and of the healthy ones none."""
_WINDOWS_CHANNELS = (("smb", "winrm"), ("smb",), ("winrm",))
_SAFE_MODE_CHANNELS = tuple(channels for channels in _WINDOWS_CHANNELS if "smb" in channels)
"""Those of hosts that can be told to start into safe mode, and are reached there."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """The passwords of a scenario: on the hosts, on the hosts whose password the inventory has wrong, on the BMCs."""

    host: str
    changed: str
    bmc: str


def generate(
    hosts: int,
    seed: int,
    *,
    block: Block | None = None,
    systems: Sequence[System] = (System.WINDOWS, System.LINUX),
    holds: bool = False,
) -> tuple[MachineSpec, ...]:
    """Hosts of mixed kinds. From 100 on, at least 60 loop and at least 5 are of each kind that has to end otherwise.

    ``holds``: some have a file that only safe mode sets free (see held.py).
    """
    if not 1 <= hosts <= LARGEST:
        raise InputError(Problem(f"{hosts} hosts can't be simulated", hint=f"give 1 to {LARGEST}"))
    chance = random.Random(seed)  # noqa: S311 - a scenario must be the same for the same seed
    secrets = draw_secrets(chance)
    kinds = kinds_of(hosts, holds=holds)
    chance.shuffle(kinds)
    return tuple(_host(index, kind, chance, secrets, block or Block(), systems) for index, kind in enumerate(kinds))


def kinds_of(hosts: int, *, holds: bool = False) -> list[Kind]:
    """How many of each kind there are among so many hosts."""
    special = round(hosts * _SHARE) if hosts < _LARGE else max(5, round(hosts * _SHARE))
    kinds = [kind for kind in (*_SPECIAL, *((Kind.HELD,) if holds else ())) for _ in range(special)]
    small = round(hosts * _SMALL_SHARE)
    if hosts >= _LARGE:
        small = min(small, (hosts - len(kinds) - _LEAST_LOOPING) // 2)
    kinds += [kind for kind in (Kind.HEALTHY, Kind.TARPIT) for _ in range(small)]
    return kinds + [Kind.LOOPING] * (hosts - len(kinds))


def draw_secrets(chance: random.Random) -> Secrets:
    """Passwords that no host outside this simulation has."""
    host, changed, bmc = (f"{chance.getrandbits(64):016x}" for _ in range(3))
    return Secrets(f"Host-{host}", f"Changed-{changed}", f"Bmc-{bmc[:12]}")


def _host(
    index: int, kind: Kind, chance: random.Random, secrets: Secrets, block: Block, systems: Sequence[System]
) -> MachineSpec:
    site = SITES[index % len(SITES)]
    rack = index // (len(SITES) * 8)
    bmc_channel = chance.choice(("ipmi", "redfish"))
    system = _system(kind, chance, systems)
    spec = MachineSpec(
        name=f"{site.lower()}-{index + 1:04d}",
        address=block.host(index),
        bmc_address=block.bmc(index),
        system=system,
        kind=kind,
        uuid="",
        bmc_uuid="",
        username=USERNAME,
        password=secrets.host,
        services=draw_services(kind, _channels(kind, system, chance, systems), chance),
        boot_seconds=0.0,
        boot_jitter=0.0,
        window_seconds=0.0,
        window_jitter=0.0,
        bmc_channel=bmc_channel,
        bmc_port=BMC_PORTS[bmc_channel],
        bmc_username=BMC_USERNAME,
        bmc_password=secrets.bmc,
        site=site,
        rack=f"{site}-R{rack + 1:02d}",
        power_domain=f"{site}-P{rack // 2 + 1}",
        tier=chance.choice((0, 1, 1, 2, 2, 2)),
    )
    return afflict(spec, chance, secrets)


def _system(kind: Kind, chance: random.Random, systems: Sequence[System]) -> System:
    """Three of four run Windows; BitLocker and safe mode are Windows', and a tarpit wants two channels."""
    if kind in {Kind.LOCKED, Kind.TARPIT, Kind.HELD} and System.WINDOWS in systems:
        return System.WINDOWS
    drawn = System.LINUX if chance.random() < 0.25 else System.WINDOWS
    return drawn if drawn in systems else systems[0]


def _channels(kind: Kind, system: System, chance: random.Random, systems: Sequence[System]) -> tuple[str, ...]:
    """Linux has SSH; in a fleet without Linux some Windows hosts have it instead (OpenSSH for Windows)."""
    if system is System.LINUX:
        return ("ssh",)
    if kind is Kind.TARPIT:
        return ("smb", "winrm")
    if kind is Kind.HELD:
        return chance.choice(_SAFE_MODE_CHANNELS)
    ways = _WINDOWS_CHANNELS if System.LINUX in systems else (*_WINDOWS_CHANNELS, ("ssh",))
    return chance.choice(ways)


def draw_services(kind: Kind, channels: Sequence[str], chance: random.Random) -> tuple[Service, ...]:
    """The services of a host, in the order in which they open; of two channels of a tarpit one is dead."""
    tarpit = chance.choice(channels) if kind is Kind.TARPIT and len(channels) > 1 else ""
    delays = [0.0, *(round(chance.uniform(0.05, 0.4), 3) for _ in channels[1:])]
    order = chance.sample(list(channels), len(channels))
    return tuple(
        Service(channel, PORTS[channel], delay, is_tarpit=channel == tarpit)
        for channel, delay in zip(order, delays, strict=True)
    )


def afflict(spec: MachineSpec, chance: random.Random, secrets: Secrets) -> MachineSpec:
    """Give a host its boots, its windows and what its kind means."""
    kind = spec.kind
    identity = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    is_reported = kind in _REPORTED_KINDS or (kind in _LOOPS and chance.random() < 0.7)
    is_quick = kind in _LOOPS and not is_reported
    window = _window(kind, is_quick, chance)
    parks = kind is Kind.LOOPING and is_reported and bool(spec.bmc_channel) and chance.random() < 0.25
    drawn = replace(
        spec,
        uuid=spec.uuid or identity,
        boot_seconds=round(chance.uniform(2.2, 3.5 if is_quick else 4.7), 3),
        boot_jitter=0.2,
        window_seconds=window,
        window_jitter=round(window * 0.1, 3),
        off_seconds=round(chance.uniform(0.2, 0.5), 3),
        park_after=chance.randint(4, 8) if parks else None,
        crashes_after_fix=_crashes_after_fix(spec, chance),
        is_bmc_busy=spec.bmc_channel == "redfish" and chance.random() < 0.1,
        refuses=kind is Kind.HEALTHY_CLOSED and chance.random() < 0.5,
        password=secrets.changed if kind is Kind.WRONG_PASSWORD else spec.password,
        inventory_password=spec.password if kind is Kind.WRONG_PASSWORD else "",
        bitlocker=kind is Kind.LOCKED,
        reported_broken_at=REPORTED if is_reported else "",
    )
    other = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    return replace(drawn, bmc_uuid=other if kind is Kind.WRONG_BMC else drawn.uuid)


def _crashes_after_fix(spec: MachineSpec, chance: random.Random) -> bool:
    """Some hosts have read the fault before their window; over SMB alone no other host comes to a later boot by itself."""
    files_only = {service.channel for service in spec.services if not service.is_tarpit} == {"smb"}
    return (chance.random() < 0.15 or files_only) and spec.kind in {Kind.LOOPING, Kind.TARPIT}


def _window(kind: Kind, is_quick: bool, chance: random.Random) -> float:
    """Mostly short: half of the windows end within three seconds, a fifth last more than five.

    A host that no list names must be seen to crash before it may be reset, so it loops fast enough to be seen. A tarpit
    leaves time to turn to the other channel.
    """
    low, high = chance.choices(((1.2, 3.0), (3.0, 5.0), (5.0, 7.2)), weights=(5, 3, 2))[0]
    if is_quick:
        low, high = min(low, 3.0), min(high, 5.0)
    if kind is Kind.TARPIT:
        low, high = max(low, 3.0), max(high, 5.0)
    return round(chance.uniform(low, high), 3)
