"""``unloop run``: plan a campaign, show the plan, ask, and repair the selected hosts before the operator's eyes."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from unloop.campaign import control
from unloop.campaign.plan import Plan
from unloop.campaign.prepare import Prepared, prepare
from unloop.cli.console import stderr, stdout
from unloop.cli.drive import drive, is_local, ready
from unloop.cli.options import (
    config_option,
    inventory_option,
    json_option,
    read_inventory,
    select_hosts,
    select_option,
    victims_option,
    waves_option,
)
from unloop.cli.output import emit_json, say
from unloop.cli.planned import plan_as_json, show_plan
from unloop.cli.variables import parse_variables, set_option
from unloop.errors import InputError, Problem
from unloop.model.host import Host, Role
from unloop.model.options import CampaignOptions
from unloop.model.outcome import ExitCode
from unloop.playbook.load import load
from unloop.playbook.shipped import locate
from unloop.secrets.resolve import unreadable
from unloop.settings.load import load as load_settings
from unloop.settings.schema import Settings

_RACE = (
    "resets",
    "watch",
    "spacing",
    "observe",
    "elapsed",
    "silent_boots",
    "look",
    "interval",
    "hot",
    "cold",
    "window",
    "crash_silence",
    "strike",
    "power",
    "power_poll",
    "lease",
)
"""Settings of the race that bound a campaign under the same name."""


SHOWN = 10
"""Secrets that can't be read, before the rest is only counted."""


@click.command("run")
@click.argument("playbook")
@inventory_option
@select_option
@victims_option
@set_option
@waves_option
@click.option("--expect", type=int, help="Refuse to start unless exactly so many hosts are selected.")
@click.option("--reset-silent", is_flag=True, help="Permit resets of silent hosts without evidence of a crash loop.")
@click.option("--reset-role", multiple=True, type=click.Choice([role.value for role in Role if role.value]),
              help="Permit resets of hosts of this role.")  # fmt: skip
@click.option("--name", help="A name for the campaign; default: the playbook's.")
@click.option("--dry-run", is_flag=True, help="Show the plan and stop; nothing is stored or touched.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@config_option
@json_option
def command(playbook: str, inventory: str, selection: str, *, dry_run: bool, yes: bool, **options: object) -> int:
    """Repair the selected hosts with PLAYBOOK (a path, or the name of a shipped one)."""
    settings = load_settings(_text(options["config"]))
    hosts = chosen(inventory, selection, settings, victims=_text(options["victims"]))
    expected = options["expect"]
    if expected is not None and expected != len(hosts):
        raise InputError(Problem(f"{len(hosts)} hosts are selected, not the {expected} expected; nothing was started"))
    prepared = prepare(
        load(locate(playbook)),
        hosts,
        variables=parse_variables(_words(options["variables"])),
        options=options_of(settings, silent=bool(options["reset_silent"]), roles=_words(options["reset_role"])),
        waves=_words(options["waves"]),
    )
    if dry_run:
        for what in _unreadable(settings, prepared.plan):
            say(f"warning: {what}")
    as_json = bool(options["as_json"])
    show_plan(prepared, stdout() if dry_run and not as_json else stderr())
    if dry_run:
        if as_json:
            emit_json(plan_as_json(prepared))
        return ExitCode.GOOD
    context = ready(settings)
    _check_secrets(settings, prepared.plan)
    if not yes:
        confirm(prepared.plan)
    campaign = control.create(
        context.database,
        prepared.plan,
        name=_text(options["name"]) or prepared.playbook.name,
        playbook=playbook_columns(prepared),
        variables=parse_variables(_words(options["variables"])),
        origin={"inventory": inventory, "selection": selection},
        now=datetime.now(UTC),
    )
    return drive(context, campaign, as_json=as_json)


def _check_secrets(settings: Settings, plan: Plan) -> None:
    """See that anybody can log on anywhere, and that every secret can be read where this process does the work.

    Raises InputError.
    """
    if not any(endpoint.credentials for planned in plan.hosts for endpoint in planned.host.endpoints):
        hint = "nothing was started; name some in unloop.toml ([credentials.NAME], [defaults.credentials])"
        raise InputError(Problem(f"no credential is named for any of the {len(plan.hosts)} hosts", hint=hint))
    found = _unreadable(settings, plan)
    if found:
        hint = "nothing was started; `unloop doctor` looks at every credential"
        raise InputError(*map(Problem, found[:-1]), Problem(found[-1], hint=hint))


def _unreadable(settings: Settings, plan: Plan) -> list[str]:
    """The secrets that can't be read here, the first of them; workers have their own."""
    if not is_local(settings):
        return []
    found = unreadable(settings, [planned.host for planned in plan.hosts])
    return [*found[:SHOWN], *([f"{len(found) - SHOWN} more secrets can't be read"] if len(found) > SHOWN else [])]


def chosen(source: str, selection: str, settings: Settings, *, victims: str | None = None) -> tuple[Host, ...]:
    """The selected hosts of an inventory; raises EmptySelection when there is none."""
    inventory = read_inventory(source, settings, victims=victims)
    hosts, unknown = select_hosts(inventory, selection)
    for warning in (*inventory.warnings, *unknown):
        say(f"warning: {warning}")
    return hosts


def options_of(settings: Settings, *, silent: bool = False, roles: Sequence[str] = ()) -> CampaignOptions:
    """The bounds that the settings and the command line put on a campaign."""
    limits, verify = settings.limits, settings.verify
    shared = {name: getattr(settings.race, name) for name in _RACE}
    return CampaignOptions(
        **shared,
        verify=verify.timeout,
        verify_poll=verify.poll,
        restart_after=verify.restart_after,
        in_flight=limits.in_flight,
        limits={"rack": limits.per_rack, "power_domain": limits.per_power_domain, "site": limits.per_site},
        reset_silent=silent,
        reset_roles=tuple(roles),
    )


def confirm(plan: Plan) -> None:
    """Ask for the number of hosts, so that nobody confirms what was not read; raises InputError or Abort."""
    if not sys.stdin.isatty():
        raise InputError(
            Problem("nobody can be asked here; nothing was started", hint="give --yes after reading the plan")
        )
    wanted = len(plan.hosts)
    answer = click.prompt(f"Type the number of hosts ({wanted}) to start, anything else to stop", err=True, default="")
    if answer.strip() != str(wanted):
        raise click.Abort


def playbook_columns(prepared: Prepared) -> dict[str, str]:
    """What the store keeps of a playbook."""
    playbook = prepared.playbook
    return {"path": os.path.abspath(playbook.path), "text": playbook.text, "digest": playbook.digest}  # noqa: PTH100


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _words(value: object) -> tuple[str, ...]:
    return tuple(str(word) for word in value) if isinstance(value, tuple) else ()
