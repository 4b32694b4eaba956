"""``unloop rehearse``: the campaign you mean to run, against a simulated fleet in the shape of your inventory."""

from pathlib import Path

import click

from unloop.cli.options import (
    config_option,
    inventory_option,
    json_option,
    read_inventory,
    select_hosts,
    select_option,
    waves_option,
)
from unloop.cli.output import say
from unloop.cli.rehearsal import Rehearsal, carry_out
from unloop.cli.variables import parse_variables, set_option
from unloop.errors import EmptySelection, InputError, Problem
from unloop.playbook.load import load
from unloop.playbook.shipped import locate
from unloop.rehearsal.addresses import reserved_block
from unloop.rehearsal.held import can_be_held
from unloop.rehearsal.shape import specs_like
from unloop.settings.load import load as load_settings

MOST = 500


@click.command("rehearse")
@click.argument("playbook")
@inventory_option
@select_option
@set_option
@waves_option
@click.option("--seed", default=291, show_default=True, help="The same seed makes the same fleet.")
@click.option(
    "--directory", default="rehearsal", show_default=True, type=click.Path(path_type=Path), help="Where files go."
)
@config_option
@json_option
def command(
    playbook: str,
    inventory: str,
    selection: str,
    variables: tuple[str, ...],
    waves: tuple[str, ...],
    seed: int,
    directory: Path,
    config: str | None,
    *,
    as_json: bool,
) -> int:
    """Rehearse PLAYBOOK on simulated hosts with the names, sites and channels of an inventory. No real host is touched.

    The waves, and all limits and counts of your settings, hold as they would in the campaign; times are the rehearsal's.
    """
    found, settings = load(locate(playbook)), load_settings(config)
    source = read_inventory(inventory, settings)
    hosts, unknown = select_hosts(source, selection)
    for warning in (*source.warnings, *unknown):
        say(f"warning: {warning}")
    meant = [host for host in hosts if host.system is found.system]
    if not meant:
        raise EmptySelection(f"playbook {found.name} is for {found.system}; none of the {len(hosts)} hosts is")
    if len(meant) > MOST:
        hint = "select fewer, for example one site"
        raise InputError(Problem(f"one process simulates {MOST} hosts at most, not {len(meant)}", hint=hint))
    with reserved_block() as block:
        specs = specs_like(meant, seed, block=block, holds=can_be_held(found))
        given = parse_variables(variables)
        rehearsal = Rehearsal("rehearsal", found, specs, directory, seed, given, settings, waves)
        return carry_out(rehearsal, as_json=as_json)
