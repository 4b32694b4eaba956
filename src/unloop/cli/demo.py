"""``unloop demo``: a simulated crash-looping fleet on loopback is repaired before your eyes, and judged independently."""

import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from unloop.campaign import control
from unloop.campaign.prepare import prepare
from unloop.cli.console import stderr
from unloop.cli.drive import drive
from unloop.cli.options import json_option
from unloop.cli.output import emit_json, say
from unloop.cli.planned import show_plan
from unloop.cli.rehearsed import judge, show_judgement
from unloop.cli.report import write_report
from unloop.cli.run import playbook_columns
from unloop.dispatch.context import make_context
from unloop.errors import InputError, Problem
from unloop.inventory.read import read
from unloop.model.options import CampaignOptions
from unloop.model.outcome import ExitCode
from unloop.playbook.load import load
from unloop.playbook.shipped import locate
from unloop.rehearsal import expectation, inventory_file, scenario
from unloop.rehearsal.addresses import free_block
from unloop.rehearsal.simulation import simulated
from unloop.report.ledger import read_ledger
from unloop.settings.load import load as load_settings
from unloop.settings.schema import Settings

PLAYBOOK = "channel-file-291"
STABLE_FOR = "4s"
"""Up that long on a new boot counts as proven; minutes in the playbook, seconds where boots take seconds."""

OPTIONS = CampaignOptions(
    look=1.0,
    watch=14.0,
    interval=0.2,
    window=11.0,
    strike=6.0,
    spacing=3.0,
    observe=12.0,
    crash_silence=1.2,
    elapsed=12.0,
    silent_boots=2,
    power=20.0,
    verify=60.0,
    verify_poll=1.5,
    restart_after=9.0,
    lease=12.0,
    limits={"rack": 8},
)


@click.command("demo")
@click.option("--hosts", default=120, show_default=True, type=click.IntRange(1, 500), help="How many hosts.")
@click.option("--seed", default=291, show_default=True, help="The same seed makes the same fleet.")
@click.option("--directory", default="demo", show_default=True, type=click.Path(path_type=Path), help="Where files go.")
@json_option
def command(hosts: int, seed: int, directory: Path, *, as_json: bool) -> int:
    """Simulate a crash-looping fleet on this machine's loopback and repair it. Nothing leaves this machine."""
    started = time.monotonic()
    _clear(directory)
    playbook = load(locate(PLAYBOOK))
    specs = scenario.generate(hosts, seed, block=free_block(), systems=(playbook.system,))
    paths = inventory_file.write(directory, specs, playbooks=[Path(playbook.path)], seed=seed)
    expectation.write(paths.expected, specs)
    say(f"{hosts} simulated hosts, seed {seed}; what each must come to is in {paths.expected}")
    settings = with_store(load_settings(paths.settings), paths.directory)
    context = make_context(settings)
    prepared = prepare(
        playbook,
        read(str(paths.inventory), settings).hosts,
        variables={"stable_for": STABLE_FOR},
        options=replace(OPTIONS, in_flight=hosts),
        waves=("rest",),
    )
    show_plan(prepared, stderr())
    with simulated(paths.directory):
        campaign = control.create(
            context.database,
            prepared.plan,
            name="demo",
            playbook=playbook_columns(prepared),
            variables={"stable_for": STABLE_FOR},
            origin={"inventory": str(paths.inventory), "selection": ""},
            now=datetime.now(UTC),
        )
        code = drive(context, campaign, as_json=False)
    judgement = judge(context.database, campaign.id, paths.expected, paths.witness, spacing=OPTIONS.spacing)
    report = write_report(read_ledger(context.database, campaign.id, now=time.time()), directory / "report.html")
    document = {**judgement.to_json(), "seconds": round(time.monotonic() - started, 1), "report": str(report)}
    show_judgement(judgement, stderr())
    say(f"Report: {report}")
    if as_json:
        emit_json(document)
    context.database.close()
    if code == ExitCode.STOPPED:
        return code
    return ExitCode.GOOD if judgement.is_right else ExitCode.NOT_ALL_GOOD


def with_store(settings: Settings, directory: Path) -> Settings:
    """The settings with a store of their own in a directory, so that a rehearsal never touches real campaigns."""
    return replace(settings, store=replace(settings.store, url=f"sqlite:///{directory / 'unloop.db'}"))


def _clear(directory: Path) -> None:
    """Make an empty directory of a demo's own; one that holds anything else is left alone."""
    marker = directory / ".unloop-demo"
    if directory.exists() and any(directory.iterdir()) and not marker.exists():
        hint = "give another --directory"
        raise InputError(Problem("holds files that are not a demo's; nothing was touched", str(directory), hint=hint))
    if directory.exists():
        shutil.rmtree(directory)
    directory.mkdir(parents=True)
    marker.touch()
