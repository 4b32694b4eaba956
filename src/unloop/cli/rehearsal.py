"""One rehearsal from start to end: a simulated fleet, a real campaign against it, and an independent judgement."""

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from unloop.campaign import control
from unloop.campaign.prepare import prepare
from unloop.cli.bounds import bounds_of, in_words, with_bounds
from unloop.cli.console import stderr
from unloop.cli.drive import drive
from unloop.cli.hints import works_by
from unloop.cli.output import emit_json, say
from unloop.cli.planned import show_plan
from unloop.cli.rehearsed import judge, show_judgement
from unloop.cli.report import write_report
from unloop.cli.run import options_of, playbook_columns
from unloop.dispatch.context import make_context
from unloop.errors import InputError, Problem
from unloop.inventory.read import read
from unloop.model.outcome import ExitCode
from unloop.playbook.document import Playbook
from unloop.rehearsal import expectation, inventory_file
from unloop.rehearsal.inventory_file import Paths
from unloop.rehearsal.simulation import simulated
from unloop.rehearsal.spec import MachineSpec
from unloop.report.ledger import read_ledger
from unloop.settings.load import load as load_settings
from unloop.settings.schema import Settings

STABLE_FOR = "4s"
"""Up that long on a new boot counts as proven; minutes in the playbook, seconds where boots take seconds."""
MARKER = ".unloop-rehearsal"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What is rehearsed: a playbook against simulated hosts, in a directory of its own."""

    name: str
    playbook: Playbook
    specs: tuple[MachineSpec, ...]
    directory: Path
    seed: int
    variables: Mapping[str, str] = field(default_factory=dict)
    settings: Settings | None = None
    """The user's, whose limits and counts are to hold; without them a fleet is repaired as quickly as it can be."""
    waves: tuple[str, ...] = ("rest",)


def carry_out(rehearsal: Rehearsal, *, as_json: bool) -> int:
    """Simulate, repair and judge; exit code 0 when every host ended as expected and none was reset twice."""
    started = time.monotonic()
    _clear(rehearsal.directory)
    playbook, specs = rehearsal.playbook, rehearsal.specs
    paths = inventory_file.write(rehearsal.directory, specs, playbooks=[Path(playbook.path)], seed=rehearsal.seed)
    expectation.write(paths.expected, specs)
    say(f"{len(specs)} simulated hosts, seed {rehearsal.seed}; what each must come to is in {paths.expected}")
    settings = _settings(rehearsal.settings, paths)
    works_by(paths.settings)
    context = make_context(settings)
    known = {"stable_for": STABLE_FOR} if "stable_for" in playbook.variables else {}
    variables = {**known, **rehearsal.variables}
    prepared = prepare(
        playbook,
        read(str(paths.inventory), settings).hosts,
        variables=variables,
        options=options_of(settings),
        waves=rehearsal.waves,
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
    judgement = judge(context.database, campaign.id, paths.expected, paths.witness, spacing=settings.race.spacing)
    report = write_report(read_ledger(context.database, campaign.id, now=time.time()), paths.directory / "report.html")
    context.database.close()
    show_judgement(judgement, stderr())
    say(f"Report: {report}")
    if as_json:
        in_force = {**bounds_of(settings), "waves": list(rehearsal.waves)}
        seconds = round(time.monotonic() - started, 1)
        emit_json({**judgement.to_json(), "in_force": in_force, "seconds": seconds, "report": str(report)})
    if code == ExitCode.STOPPED:
        return code
    return ExitCode.GOOD if judgement.is_right else ExitCode.NOT_ALL_GOOD


def _settings(user: Settings | None, paths: Paths) -> Settings:
    """The settings of the rehearsal, in the file beside it, with the user's bounds where there are any."""
    if user is not None:
        text = paths.settings.read_text(encoding="utf-8")
        paths.settings.write_text(with_bounds(text, bounds_of(user)), encoding="utf-8")
        say(in_words(user))
    return load_settings(paths.settings)


def _clear(directory: Path) -> None:
    """Make an empty directory of a rehearsal's own; one that holds anything else is left alone."""
    marker = directory / MARKER
    if directory.exists() and any(directory.iterdir()) and not marker.exists():
        hint = "give another --directory"
        raise InputError(Problem("holds files that are no rehearsal's; nothing was touched", str(directory), hint=hint))
    try:
        if directory.exists():
            shutil.rmtree(directory)
        directory.mkdir(parents=True)
        marker.touch()
    except OSError as error:
        hint = "give another --directory"
        raise InputError(Problem(f"can't be written: {error.strerror}", str(directory), hint=hint)) from error
