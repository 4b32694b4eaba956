"""Following a campaign until it stops: live counts for people, a drain on Ctrl-C, and a last table that adds up."""

import time
from collections import Counter
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from unloop.cli.draining import Drain
from unloop.cli.hints import command
from unloop.cli.interrupts import as_interrupts, told_by
from unloop.cli.windows import windows_panel
from unloop.errors import StoreUnavailable
from unloop.model.options import CampaignOptions
from unloop.model.outcome import GOOD, ExitCode, Outcome, exit_code
from unloop.model.state import CampaignState, State
from unloop.report.eta import seconds_left
from unloop.store import campaigns, queries
from unloop.store.campaigns import Campaign, Count
from unloop.store.database import Database
from unloop.store.queries import Pace, Tally

REFRESH = 0.5
PANEL = 3.0
OVERDUE = 15.0
"""Seconds after which it is strange that nobody has taken a host that is due."""
COLOURS = {Outcome.FAILED: "red", Outcome.UNVERIFIED: "yellow", Outcome.NO_MATCH: "yellow", Outcome.CANCELLED: "yellow"}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a campaign stands, in figures."""

    campaign: Campaign
    counts: tuple[Count, ...]
    tally: Tally

    @property
    def outcomes(self) -> Counter[Outcome]:
        """Hosts that ended, by outcome."""
        found: Counter[Outcome] = Counter()
        for count in self.counts:
            if count.outcome is not None:
                found[count.outcome] += count.hosts
        return found

    @property
    def states(self) -> Counter[State]:
        """Hosts by state."""
        found: Counter[State] = Counter()
        for count in self.counts:
            found[count.state] += count.hosts
        return found

    @property
    def landed(self) -> int:
        """Hosts not ended whose remedy has landed: only the proof is outstanding."""
        return sum(count.hosts for count in self.counts if count.landed and count.state is not State.ENDED)


def standing(database: Database, campaign_id: str) -> Standing:
    """Read where a campaign stands."""
    return Standing(
        campaigns.load(database, campaign_id),
        campaigns.counts(database, campaign_id),
        queries.tally(database, campaign_id),
    )


def follow(
    database: Database, campaign_id: str, *, console: Console, drives: bool, has_workers: bool = False
) -> Standing:
    """Show progress until the campaign stops. ``drives``: our process does the work, so Ctrl-C drains it first.

    ``has_workers``: workers of a broker do it, not the process of another command.
    A store that can't be reached for a while ends neither the work nor the watching.
    """
    bar = Progress(
        TextColumn("[bold]{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
    now = standing(database, campaign_id)
    task = bar.add_task(now.campaign.id, total=now.campaign.targets)
    slow, drain = (
        _Slow(database, campaign_id, console, drives=drives, has_workers=has_workers),
        Drain(database, console),
    )
    with as_interrupts(), Live(console=console, refresh_per_second=4, transient=True) as live:
        while True:
            try:
                try:
                    now = standing(database, campaign_id)
                    bar.update(task, completed=now.states[State.ENDED])
                    live.update(Group(bar, _line(now), slow.panel(now)))
                    drain.step(now.campaign)
                except StoreUnavailable as error:
                    live.update(Group(bar, _line(now), Text(f"  {error}; trying again", style="red")))
                else:
                    if _is_over(now, drives=drives):
                        return now
                time.sleep(REFRESH)
            except KeyboardInterrupt as interrupt:
                if not drives:
                    return now
                drain.ask(now.campaign, by=told_by(interrupt), busy=now.states[State.WORKING])


class _Slow:
    """What is read anew every few seconds only: thousands of windows are not read twice a second."""

    def __init__(
        self, database: Database, campaign_id: str, console: Console, *, drives: bool, has_workers: bool
    ) -> None:
        self._database, self._campaign, self._console = database, campaign_id, console
        self._goes_on = command("worker") if has_workers else command("campaign resume", campaign_id)
        self._told = drives  # where our own process does the work there is no worker to miss
        self._shown: Group | Text = Text("")
        self._due = 0.0

    def panel(self, now: Standing) -> Group | Text:
        """The time left, and the windows as soon as one was seen."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + PANEL
            self._tell_of_overdue()
            facts = queries.window_facts(self._database, self._campaign)
            left = Text(f"  {eta(now, queries.pace(self._database, self._campaign))}", style="dim")
            self._shown = Group(left, windows_panel(facts)) if facts else left
        return self._shown

    def _tell_of_overdue(self) -> None:
        """Say once that nobody takes what is due: no worker runs, or none serves that queue."""
        overdue = campaigns.due_queues(self._database, now=time.time() - OVERDUE)
        mine = [due for due in overdue if due.campaign == self._campaign]
        if mine and not self._told:
            self._told = True
            told = ", ".join(f"{due.hosts} of kind {due.queue}" for due in mine)
            self._console.print(
                f"[yellow]Hosts are due and nobody works on them ({told}). Go on with: {escape(self._goes_on)}",
                soft_wrap=True,
            )


def _is_over(now: Standing, *, drives: bool) -> bool:
    """Our own process stays until nothing is in work, and no host is off by its hand."""
    if now.campaign.state is CampaignState.RUNNING:
        return False
    if now.campaign.state is CampaignState.ENDED or not drives:
        return True
    if now.campaign.state is CampaignState.ABORTED:
        return now.states[State.ENDED] == now.campaign.targets
    return now.states[State.WORKING] == 0 and now.tally.open_obligations == 0


def _line(now: Standing) -> Text:
    parts = [f"{outcome} {hosts}" for outcome, hosts in now.outcomes.most_common()]
    working = now.states[State.WORKING]
    waiting = now.states[State.WAITING] + now.states[State.QUEUED]
    held = f" · held {now.states[State.HELD]}" if now.states[State.HELD] else ""
    text = Text("  ")
    text.append(" · ".join(parts) or "nothing ended yet", style="green")
    missed = now.tally.windows - now.tally.caught
    text.append(f"\n  in work {working} · waiting {waiting}{held} · landed, proof outstanding {now.landed}")
    text.append(f"\n  windows caught {now.tally.caught}, missed {missed} · resets {now.tally.resets}")
    if now.tally.owing:
        text.append(f" · {now.tally.owing}")
    return text


def eta(now: Standing, pace: Pace) -> str:
    """The time left in words; said to be unknown until there is a pace."""
    racing = sum(now.states[state] for state in State if state not in {State.ENDED, State.HELD}) - now.landed
    at_once = CampaignOptions.from_json(now.campaign.options).in_flight
    left = seconds_left(pace, racing=racing, proving=now.landed, at_once=at_once)
    if left is None:
        return "time left: not known yet"
    told = f"{left:.0f} s" if left < 120 else f"{left / 60:.0f} min" if left < 7200 else f"{left / 3600:.1f} h"
    return f"time left: about {told}, if the windows go on as they did"


def final_table(now: Standing) -> Table:
    """Every target in one bucket; the buckets add up to the target list."""
    title = f"Campaign {now.campaign.id}: {now.campaign.state}"
    table = Table(title=title, title_justify="left", min_width=len(title))
    table.add_column("outcome")
    table.add_column("hosts", justify="right")
    for outcome in Outcome:
        if hosts := now.outcomes[outcome]:
            colour = "green" if outcome in GOOD else COLOURS.get(outcome, "")
            table.add_row(Text(outcome, style=colour), str(hosts))
    for state in State:
        if state is not State.ENDED and (hosts := now.states[state]):
            table.add_row(Text(f"not ended: {state}", style="dim"), str(hosts))
    table.add_section()
    table.add_row("total", str(sum(now.states.values())), style="bold")
    return table


def code_of(now: Standing) -> ExitCode:
    """The exit code that a campaign's standing calls for; one that runs has none to tell yet."""
    if now.campaign.state is CampaignState.RUNNING:
        return ExitCode.GOOD
    stopped = now.campaign.state in {CampaignState.PAUSED, CampaignState.STOPPED, CampaignState.ABORTED}
    return exit_code(now.outcomes, stopped=stopped)
