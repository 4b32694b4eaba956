"""``unloop demo``: a simulated crash-looping fleet on loopback is repaired before your eyes, and judged independently."""

from pathlib import Path

import click

from unloop.cli.options import json_option
from unloop.cli.rehearsal import Rehearsal, carry_out
from unloop.playbook.load import load
from unloop.playbook.shipped import locate
from unloop.rehearsal import scenario
from unloop.rehearsal.addresses import reserved_block
from unloop.rehearsal.held import can_be_held

PLAYBOOK = "channel-file-291"


@click.command("demo")
@click.option("--hosts", default=120, show_default=True, type=click.IntRange(1, 500), help="How many hosts.")
@click.option("--seed", default=291, show_default=True, help="The same seed makes the same fleet.")
@click.option("--directory", default="demo", show_default=True, type=click.Path(path_type=Path), help="Where files go.")
@json_option
def command(hosts: int, seed: int, directory: Path, *, as_json: bool) -> int:
    """Simulate a crash-looping fleet on this machine's loopback and repair it. Nothing leaves this machine."""
    playbook = load(locate(PLAYBOOK))
    with reserved_block() as block:
        specs = scenario.generate(hosts, seed, block=block, systems=(playbook.system,), holds=can_be_held(playbook))
        return carry_out(Rehearsal("demo", playbook, specs, directory, seed), as_json=as_json)
