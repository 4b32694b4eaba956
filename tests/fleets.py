"""Simulated fleets for tests: written into a directory, carried by a process of their own, driven through the CLI."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from unloop.model.host import System
from unloop.playbook.shipped import locate
from unloop.rehearsal import expectation, inventory_file, scenario
from unloop.rehearsal.addresses import free_block
from unloop.rehearsal.inventory_file import Paths
from unloop.rehearsal.simulation import simulated
from unloop.rehearsal.spec import Kind, MachineSpec

PLAYBOOK = "channel-file-291"


def fleet_of(
    hosts: int, *, seed: int = 7, kinds: Sequence[Kind] = tuple(Kind), system: System = System.WINDOWS
) -> tuple[MachineSpec, ...]:
    """Hosts of these kinds only, out of a scenario of so many."""
    specs = scenario.generate(hosts, seed, block=free_block(), systems=(system,))
    return tuple(spec for spec in specs if spec.kind in kinds)


@contextmanager
def fleet(directory: Path, specs: Sequence[MachineSpec], *, playbook: str = PLAYBOOK) -> Iterator[Paths]:
    """A fleet that answers for the length of a with block."""
    paths = inventory_file.write(directory, specs, playbooks=[locate(playbook)], seed=7)
    expectation.write(paths.expected, specs)
    with simulated(paths.directory):
        yield paths


def unloop(
    *words: str, directory: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end in a directory."""
    return subprocess.run(
        [sys.executable, "-c", "from unloop.cli.main import main; main()", *words],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=170,
        env={**os.environ, "COLUMNS": "120", **(environment or {})},
        check=False,
        stdin=subprocess.DEVNULL,
    )


def start_unloop(*words: str, directory: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start the command line and don't wait for it."""
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-c", "from unloop.cli.main import main; main()", *words],
            cwd=directory,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )


def expected_of(paths: Paths) -> dict[str, str]:
    """The outcomes that were written down before anything began."""
    outcomes: dict[str, str] = json.loads(paths.expected.read_text(encoding="utf-8"))["outcomes"]
    return outcomes


def outcomes_of(paths: Paths, directory: Path) -> dict[str, str]:
    """The outcomes that the product tells, by its own listing."""
    listed = unloop("host", "list", "-o", "json", "-c", str(paths.settings), directory=directory)
    return {row["name"]: row["outcome"] for row in json.loads(listed.stdout)}
