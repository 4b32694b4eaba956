"""Simulated fleets for tests: written into a directory, carried by a process of their own, driven through the CLI."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from servers import wait_until
from unloop.model.host import System
from unloop.playbook.shipped import locate
from unloop.rehearsal import expectation, inventory_file, scenario, witness
from unloop.rehearsal.addresses import reserved_block
from unloop.rehearsal.inventory_file import Paths
from unloop.rehearsal.simulation import simulated
from unloop.rehearsal.spec import Kind, MachineSpec
from unloop.store import campaigns, queries
from unloop.store.database import open_database

PLAYBOOK = "channel-file-291"
SPACING = 3.0
"""Seconds between two resets of one simulated host, at least: what the settings of every fleet say."""
UNLOOP = (sys.executable, "-c", "from unloop.cli.main import main; main()")


BRISK = {"look": "100ms", "watch": "6s", "window": "6s", "lease": "4s", "restart_after": "4s"}
"""Settings for hosts that ``drawn`` draws: a look so short that most have to be reset, and no more patience than needed.

They are on the victim list, so that they may be.
"""


def drawn(kinds: Mapping[Kind, int], *, seed: int = 7, system: System = System.WINDOWS) -> tuple[MachineSpec, ...]:
    """So many hosts of each kind out of a scenario that has enough of them: those with the shortest windows."""
    left = dict(kinds)
    chosen = []
    specs = scenario.generate(500, seed, systems=(system,), holds=Kind.HELD in kinds)
    for spec in sorted(specs, key=lambda spec: (not spec.reported_broken_at, spec.window_seconds)):
        if left.get(spec.kind, 0):
            left[spec.kind] -= 1
            chosen.append(spec)
    assert not any(left.values()), f"the scenario lacks {left}"
    return tuple(chosen)


@contextmanager
def fleet(directory: Path, specs: Sequence[MachineSpec], *, playbook: str = PLAYBOOK) -> Iterator[Paths]:
    """A fleet that answers for the length of a with block, at addresses of its own."""
    with reserved_block() as block:
        placed = [
            replace(spec, address=block.host(index), bmc_address=block.bmc(index)) for index, spec in enumerate(specs)
        ]
        paths = inventory_file.write(directory, placed, playbooks=[locate(playbook)], seed=7)
        expectation.write(paths.expected, placed)
        with simulated(paths.directory):
            yield paths


def configure(paths: Paths, *, store: str = "", broker: str = "", **race: str) -> None:
    """Change the settings of a fleet: another store, a broker, timings of the race."""
    text = paths.settings.read_text(encoding="utf-8")
    for name, value in race.items():
        lines = [f'{name} = "{value}"' if line.startswith(f"{name} = ") else line for line in text.splitlines()]
        text = "\n".join(lines) + "\n"
    if store:
        text = text[: text.index("[store]")] + f'[store]\nurl = "{store}"\n'
    if broker:
        text += f'[broker]\nurl = "{broker}"\n'
    paths.settings.write_text(text, encoding="utf-8")


def store_url(paths: Paths) -> str:
    """Where the campaigns of a fleet are kept."""
    lines = paths.settings.read_text(encoding="utf-8").partition("[store]")[2].splitlines()
    return next(line for line in lines if line.startswith("url = ")).removeprefix("url = ").strip('"')


def run_words(paths: Paths, *more: str) -> tuple[str, ...]:
    """The command that an administrator types to repair a whole fleet."""
    told = ("-i", str(paths.inventory), "-c", str(paths.settings), "--set", "stable_for=3s")
    return ("run", PLAYBOOK, *told, "--yes", "--waves", "rest", *more)


def unloop(
    *words: str, directory: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end in a directory."""
    return subprocess.run(
        [*UNLOOP, *words],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=170,
        env={**os.environ, "COLUMNS": "120", **(environment or {})},
        check=False,
        stdin=subprocess.DEVNULL,
    )


def start_unloop(*words: str, directory: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start the command line as the head of a process group and don't wait for it."""
    with log.open("wb") as output:
        return subprocess.Popen(
            [*UNLOOP, *words],
            cwd=directory,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )


def expected_of(paths: Paths) -> dict[str, str]:
    """The outcomes that were written down before anything began."""
    outcomes: dict[str, str] = json.loads(paths.expected.read_text(encoding="utf-8"))["outcomes"]
    return outcomes


def outcomes_of(paths: Paths, directory: Path) -> dict[str, str]:
    """The outcomes that the product tells, by its own listing."""
    listed = unloop("host", "list", "-o", "json", "-c", str(paths.settings), directory=directory)
    return {row["name"]: row["outcome"] for row in json.loads(listed.stdout)}


def resets(paths: Paths) -> int:
    """Resets that the simulated hosts have suffered so far."""
    return sum(len(heard.resets) for heard in witness.read(paths.witness).values()) if paths.witness.exists() else 0


def await_resets(paths: Paths, number: int) -> None:
    """Wait until the race is on."""
    wait_until(lambda: resets(paths) >= number, seconds=60, what=f"reset {number}")


def await_end(paths: Paths, *, seconds: float) -> None:
    """Wait until the newest campaign of a store does not run any more."""
    database = open_database(store_url(paths))
    try:
        running = campaigns.CampaignState.RUNNING
        wait_until(lambda: campaigns.load(database, "latest").state is not running, seconds=seconds, what="the end")
    finally:
        database.close()


def harm(paths: Paths) -> dict[str, list[str]]:
    """What must never be: hosts reset too soon after a reset, left off or in safe mode. Told by the hosts alone."""
    heard = witness.read(paths.witness).values()
    return {
        "reset too soon": [host.host for host in heard if host.double_resets(SPACING)],
        "left off": [host.host for host in heard if host.is_left_off],
        "left in safe mode": [host.host for host in heard if host.is_left_in_safe_mode],
    }


NO_HARM: dict[str, list[str]] = {"reset too soon": [], "left off": [], "left in safe mode": []}


def unrecorded_resets(paths: Paths) -> int:
    """Resets that the hosts suffered beyond those that the store permitted: one for each attempt at most.

    A worker that is killed between the permission and the order leaves one that was never made use of.
    """
    database = open_database(store_url(paths))
    try:
        permitted = queries.tally(database, campaigns.load(database, "latest").id).resets
    finally:
        database.close()
    return max(0, resets(paths) - permitted)
