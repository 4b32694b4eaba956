"""The one job of a benchmark as a campaign of ours: to move the bad file aside, its header and date judged.

Windows hosts get the playbook that is shipped for it; a Linux host gets its like.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bad_file import AGENT, AGENT_NAME, HEADER_AND_TIMES, TIMES
from sqlalchemy import insert, select

from unloop.campaign import control
from unloop.campaign.prepare import prepare
from unloop.cli.run import options_of, playbook_columns
from unloop.inventory.read import read
from unloop.model.host import System
from unloop.playbook.load import load
from unloop.playbook.shipped import locate
from unloop.rehearsal import inventory_file
from unloop.rehearsal.addresses import Block
from unloop.rehearsal.inventory_file import Paths
from unloop.rehearsal.spec import Kind, MachineSpec, Service
from unloop.settings.load import load as load_settings
from unloop.store import schema
from unloop.store.campaigns import Campaign
from unloop.store.database import Database

PORTS = {"smb": 4450, "winrm": 5985, "ssh": 2222}
USERNAME, PASSWORD = "rehearsal-admin", "Host-0123456789abcdef"
SHIPPED = "channel-file-291"
LINUX = f"""\
unloop: 1
name: bench
title: Move the bad file aside
system: linux
actions:
  - quarantine_file:
      path: '{"/".join(("", *AGENT, AGENT_NAME))}'
      guard: {json.dumps({**HEADER_AND_TIMES, "unless_sibling_from": TIMES["modified"]["before"]})}
verify:
  - boot_changed
ladder: [race, hands_on]
hands_on: Move it aside.
"""
REPORTED = "2024-07-19T05:00:00Z"


def specs(count: int, channels: Sequence[str], block: Block) -> tuple[MachineSpec, ...]:
    """Hosts without power control, so that their own crashes are raced; Linux ones where SSH is spoken."""
    system = System.LINUX if "ssh" in channels else System.WINDOWS
    return tuple(
        MachineSpec(
            name=f"host-{number + 1:05d}",
            address=block.host(number),
            bmc_address="",
            system=system,
            kind=Kind.HEALTHY,
            uuid="",
            bmc_uuid="",
            username=USERNAME,
            password=PASSWORD,
            services=tuple(Service(channel, PORTS[channel]) for channel in channels),
            boot_seconds=0.0,
            boot_jitter=0.0,
            window_seconds=0.0,
            window_jitter=0.0,
            bmc_channel="",
            reported_broken_at=REPORTED,
        )
        for number in range(count)
    )


def write(directory: Path, hosts: Sequence[MachineSpec], settings: str) -> Paths:
    """Inventory, settings and playbook; ``settings`` are tables of unloop.toml, '' for every default."""
    paths = inventory_file.write(directory, hosts)
    head, _, rest = paths.settings.read_text(encoding="utf-8").partition(inventory_file.PACE)
    paths.settings.write_text(f"{head}{settings}\n{rest}", encoding="utf-8")
    if hosts[0].system is System.LINUX:
        _linux(directory).write_text(LINUX, encoding="utf-8")
    return paths


def facts(paths: Paths, host: MachineSpec, channel: str = "") -> dict[str, Any]:
    """What any client must know of a host, to reach it over a channel, its first where none is named."""
    return {
        "directory": str(paths.directory),
        "address": host.address,
        "port": PORTS[channel] if channel else host.services[0].port,
        "username": host.username,
        "password": host.password,
        "known_hosts": str(paths.known_hosts),
    }


def create(paths: Paths, database: Database) -> Campaign:
    """A campaign over all these hosts, which races them at once."""
    linux = _linux(paths.directory)
    playbook = load(linux if linux.exists() else locate(SHIPPED))
    raced_alone = replace(playbook, ladder=tuple(rung for rung in playbook.ladder if rung.name in {"race", "hands_on"}))
    settings = load_settings(paths.settings)
    hosts = read(str(paths.inventory), settings).hosts
    prepared = prepare(raced_alone, hosts, variables={}, options=options_of(settings), waves=("rest",))
    return control.create(
        database,
        prepared.plan,
        name="bench",
        playbook=playbook_columns(prepared),
        variables={},
        origin={"inventory": str(paths.inventory), "selection": ""},
        now=datetime.now(UTC),
    )


def tell_windows(database: Database, campaign: str, lengths: Mapping[str, float]) -> None:
    """Put one window into the store for each host, as a boot that was watched before leaves it."""
    run = schema.host_run
    with database.begin() as connection:
        rows = connection.execute(select(run.c.id, run.c.name).where(run.c.campaign_id == campaign)).all()
        before = datetime.now(UTC).timestamp() - 600
        window = {"attempt": 0, "opened_at": before, "opened_after": 0.0, "channel": "", "caught": False}
        measured = [
            {**window, "host_run_id": number, "closed_after": lengths[name], "first_ports": {"smb": 0.0}}
            for number, name in rows
        ]
        connection.execute(insert(schema.window), [{**row, "strikes": []} for row in measured])


def _linux(directory: Path) -> Path:
    return directory / "bench.yml"
