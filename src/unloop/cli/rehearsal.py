"""One rehearsal from start to end: a simulated fleet, a real campaign against it, and an independent judgement."""

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from unloop.campaign import control
from unloop.campaign.prepare import prepare
from unloop.cli.console import stderr
from unloop.cli.drive import drive
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
from unloop.playbook.document import Playbook
from unloop.rehearsal import expectation, inventory_file
from unloop.rehearsal.simulation import simulated
from unloop.rehearsal.spec import MachineSpec
from unloop.report.ledger import read_ledger
from unloop.settings.load import load as load_settings
from unloop.settings.schema import Settings

STABLE_FOR = "4s"
"""Up that long on a new boot counts as proven; minutes in the playbook, seconds where boots take seconds."""
MARKER = ".unloop-rehearsal"

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
    power_poll=0.25,
    verify=60.0,
    verify_poll=1.5,
    restart_after=9.0,
    lease=12.0,
    limits={"rack": 8},
)
"""A campaign's bounds where a boot takes seconds. Windows are not stretched: they last 1 to 8 s."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What is rehearsed: a playbook against simulated hosts, in a directory of its own."""

    name: str
    playbook: Playbook
    specs: tuple[MachineSpec, ...]
    directory: Path
    seed: int
    variables: Mapping[str, str] = field(default_factory=dict)


def carry_out(rehearsal: Rehearsal, *, as_json: bool) -> int:
    """Simulate, repair and judge; exit code 0 when every host ended as expected and none was reset twice."""
    started = time.monotonic()
    _clear(rehearsal.directory)
    playbook, specs = rehearsal.playbook, rehearsal.specs
    paths = inventory_file.write(rehearsal.directory, specs, playbooks=[Path(playbook.path)], seed=rehearsal.seed)
    expectation.write(paths.expected, specs)
    say(f"{len(specs)} simulated hosts, seed {rehearsal.seed}; what each must come to is in {paths.expected}")
    settings = _with_store(load_settings(paths.settings), paths.directory)
    context = make_context(settings)
    known = {"stable_for": STABLE_FOR} if "stable_for" in playbook.variables else {}
    variables = {**known, **rehearsal.variables}
    prepared = prepare(
        playbook,
        read(str(paths.inventory), settings).hosts,
        variables=variables,
        options=replace(OPTIONS, in_flight=len(specs)),
        waves=("rest",),
    )
    show_plan(prepared, stderr())
    with simulated(paths.directory):
        campaign = control.create(
            context.database,
            prepared.plan,
            name=rehearsal.name,
            playbook=playbook_columns(prepared),
            variables=variables,
            origin={"inventory": str(paths.inventory), "selection": ""},
            now=datetime.now(UTC),
        )
        code = drive(context, campaign, as_json=False, close=False)
    judgement = judge(context.database, campaign.id, paths.expected, paths.witness, spacing=OPTIONS.spacing)
    report = write_report(read_ledger(context.database, campaign.id, now=time.time()), paths.directory / "report.html")
    context.database.close()
    show_judgement(judgement, stderr())
    say(f"Report: {report}")
    if as_json:
        emit_json({**judgement.to_json(), "seconds": round(time.monotonic() - started, 1), "report": str(report)})
    if code == ExitCode.STOPPED:
        return code
    return ExitCode.GOOD if judgement.is_right else ExitCode.NOT_ALL_GOOD


def _with_store(settings: Settings, directory: Path) -> Settings:
    """The settings with a store of their own in a directory, so that a rehearsal never touches real campaigns."""
    url = f"sqlite:///{directory / 'unloop.db'}"
    return replace(settings, store=replace(settings.store, url=url), race=replace(settings.race, threads=32))


def _clear(directory: Path) -> None:
    """Make an empty directory of a rehearsal's own; one that holds anything else is left alone."""
    marker = directory / MARKER
    if directory.exists() and any(directory.iterdir()) and not marker.exists():
        hint = "give another --directory"
        raise InputError(Problem("holds files that are no rehearsal's; nothing was touched", str(directory), hint=hint))
    if directory.exists():
        shutil.rmtree(directory)
    directory.mkdir(parents=True)
    marker.touch()
