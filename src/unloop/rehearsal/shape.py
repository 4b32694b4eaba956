"""A simulated fleet in the shape of a real inventory: the same names, sites, racks, systems, channels and roles."""

import random
from collections.abc import Sequence
from dataclasses import replace

from unloop.errors import EmptySelection
from unloop.model.host import Host, Role, System
from unloop.rehearsal.addresses import Block
from unloop.rehearsal.scenario import (
    BMC_PORTS,
    BMC_USERNAME,
    PORTS,
    REPORTED,
    USERNAME,
    Secrets,
    afflict,
    draw_secrets,
    draw_services,
    kinds_of,
)
from unloop.rehearsal.spec import Kind, MachineSpec

_NEEDS_BMC = frozenset({Kind.PARKED, Kind.LOCKED, Kind.WRONG_BMC})


def specs_like(
    hosts: Sequence[Host], seed: int, *, block: Block | None = None, holds: bool = False
) -> tuple[MachineSpec, ...]:
    """A simulated host for each host of an inventory; what is wrong with each is drawn from the seed.

    ``holds``: some have a file that only safe mode sets free (see held.py).
    """
    if not hosts:
        raise EmptySelection("the inventory holds no host to rehearse with")
    chance = random.Random(seed)  # noqa: S311 - a rehearsal must be the same for the same seed
    secrets = draw_secrets(chance)
    kinds = kinds_of(len(hosts), holds=holds)
    chance.shuffle(kinds)
    place = block or Block()
    return tuple(
        _like(host, kind, index, place, chance, secrets)
        for index, (host, kind) in enumerate(zip(hosts, kinds, strict=True))
    )


def _like(host: Host, drawn: Kind, index: int, block: Block, chance: random.Random, secrets: Secrets) -> MachineSpec:
    channels = channels_of(host)
    kind = fitting(drawn, host, channels)
    wanted = host.bmc.channel if host.bmc else ""
    bmc_channel = wanted if wanted in BMC_PORTS or not wanted else "redfish"
    spec = MachineSpec(
        name=host.name,
        address=block.host(index),
        bmc_address=block.bmc(index),
        system=host.system,
        kind=kind,
        uuid=host.uuid,
        bmc_uuid="",
        username=USERNAME,
        password=secrets.host,
        services=draw_services(kind, channels, chance),
        boot_seconds=0.0,
        boot_jitter=0.0,
        window_seconds=0.0,
        window_jitter=0.0,
        bmc_channel=bmc_channel,
        bmc_port=BMC_PORTS.get(bmc_channel, 0),
        bmc_username=BMC_USERNAME,
        bmc_password=secrets.bmc,
        site=host.site,
        rack=host.rack,
        power_domain=host.power_domain,
        tier=host.tier,
        role=host.role,
    )
    afflicted = afflict(spec, chance, secrets)
    # boots are too short here for every crash to be told from lost probes, and without one a held file is left alone
    reported = REPORTED if kind is Kind.HELD else afflicted.reported_broken_at
    return replace(afflicted, bitlocker=afflicted.bitlocker or host.bitlocker, reported_broken_at=reported)


def channels_of(host: Host) -> tuple[str, ...]:
    """The host's channels that can be simulated; its system's usual one when there is none."""
    named = tuple(endpoint.channel for endpoint in host.endpoints if endpoint.channel in PORTS)
    return named or (("ssh",) if host.system is System.LINUX else ("smb",))


def fitting(drawn: Kind, host: Host, channels: Sequence[str]) -> Kind:
    """The kind drawn for a host, or the nearest that this host can be of."""
    if drawn in _NEEDS_BMC and host.bmc is None:
        return Kind.LOOPING
    if drawn is Kind.LOCKED and host.system is not System.WINDOWS:
        return Kind.PARKED
    if drawn is Kind.PARKED and host.bitlocker:
        return Kind.LOCKED
    if drawn is Kind.HELD and not _can_enter_safe_mode(host, channels):
        return Kind.LOOPING
    if drawn is Kind.TARPIT and len(channels) < 2:
        return Kind.LOOPING
    return drawn


def _can_enter_safe_mode(host: Host, channels: Sequence[str]) -> bool:
    """Only over SMB, and no domain controller: that needs a playbook and a credential of its own."""
    return host.system is System.WINDOWS and "smb" in channels and host.role is not Role.DOMAIN_CONTROLLER
