"""The plan as people read it before they say yes, and as programs read it."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from unloop.campaign.plan import Plan, channels_of, powers_of
from unloop.campaign.prepare import Prepared
from unloop.inventory.ranges import fold
from unloop.race.budget import budget, this_machine
from unloop.race.rhythm import Rhythm

NAMES = 160
"""Characters of a list of hosts in the plan."""


def show_plan(prepared: Prepared, console: Console) -> None:
    """Print the plan: how many hosts, which rungs and channels, in which order, what is changed, what is reset."""
    plan, playbook = prepared.plan, prepared.playbook
    table = Table(title=f"Plan: {playbook.title} ({playbook.name})", title_justify="left", show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("hosts", f"{len(plan.hosts)}{_sites(plan)}")
    table.add_row("waves", " → ".join(str(size) for size in plan.waves))
    for rungs, hosts in Counter(planned.rungs for planned in plan.hosts).most_common():
        table.add_row("ladder", f"{' → '.join(rungs)} ({hosts} hosts)")
    table.add_row(
        "channels", ", ".join(f"{name} {hosts}" for name, hosts in sorted(channels_of(plan).items())) or "none"
    )
    for change in plan.changes:
        table.add_row("changes", f"{change} (for example on {plan.example})" if plan.example else change)
    table.add_row("resets", _resets(plan))
    table.add_row("restarts", _restarts(plan))
    table.add_row("at once", _at_once(plan))
    for note, hosts in sorted(plan.notes.items(), key=lambda item: -item[1]):
        table.add_row("note", f"{note} ({hosts} hosts)")
    table.add_row("targets", f"sha256 {plan.digest[:16]}…")
    console.print(table)


def plan_as_json(prepared: Prepared) -> dict[str, object]:
    """The plan as one JSON document, host by host."""
    plan = prepared.plan
    return {
        "playbook": prepared.playbook.name,
        "digest": plan.digest,
        "waves": list(plan.waves),
        "changes": list(plan.changes),
        "changes_example": plan.example or None,
        "restart_after": plan.options.restart_after,
        "hosts": [
            {
                "name": planned.host.name,
                "wave": planned.wave,
                "ladder": list(planned.rungs),
                "channels": list(planned.channels),
                "resets": planned.resets,
                "restarts": planned.restarts,
                "notes": list(planned.notes),
            }
            for planned in plan.hosts
        ],
    }


def _sites(plan: Plan) -> str:
    sites = Counter(planned.host.site or "no site" for planned in plan.hosts)
    if len(sites) == 1:
        return f" at {next(iter(sites))}"
    return f" at {len(sites)} sites: {', '.join(f'{site} {hosts}' for site, hosts in sites.most_common(6))}"


def _at_once(plan: Plan) -> str:
    """How many hosts one process of this machine works on at once, and what bounds it."""
    options = plan.options
    rhythm = Rhythm(hot=options.hot, warm=options.interval, cold=options.cold)
    found = budget(min(options.in_flight, len(plan.hosts)), this_machine(), rhythm)
    return f"{found.hosts} hosts by one process" + (f"; {found.bound}" if found.bound else "")


def _resets(plan: Plan) -> str:
    hosts = sum(planned.resets for planned in plan.hosts)
    if not hosts:
        return "none: no host may be reset"
    powers = ", ".join(f"{name} {count}" for name, count in sorted(powers_of(plan).items()))
    options = plan.options
    limits = ", ".join(f"{most} per {group}" for group, most in options.limits.items() if most)
    bounds = f"at most {options.resets} each, {options.spacing:g} s apart"
    return f"{hosts} hosts ({powers}), {bounds}" + (f", off at once: {limits}" if limits else "")


def _restarts(plan: Plan) -> str:
    """Who may be told to restart; the host's own order, not its BMC's, so that no limit of resets holds for it."""
    names = [planned.host.name for planned in plan.hosts if planned.restarts]
    if not names:
        return "none: no host can be told to restart from inside"
    when = f"{plan.options.restart_after:g} s after the remedy landed, where the host has stayed in that boot"
    which = "" if len(names) == len(plan.hosts) else f": {_in_short(names)}"
    told = f"restarted from inside, once, in an orderly way, {when} (verify.restart_after)"
    return f"{len(names)} of {len(plan.hosts)} hosts may be {told}{which}"


def _in_short(names: Sequence[str]) -> str:
    """Names as ranges, as many as two lines hold."""
    folded = fold(names).replace(",", ", ")
    return folded if len(folded) <= NAMES else f"{folded[:NAMES].rpartition(',')[0]} … (all: --dry-run --json)"
