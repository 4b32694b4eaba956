"""``unloop campaign``: list, show, watch, pause, resume, abort and retry campaigns, from any terminal."""

import click

from unloop.cli.lazy import LazyGroup

PLACES = {
    "abort": ("unloop.cli.campaign_work:abort_command", "Stop for good; hosts that are off are switched on first."),
    "list": ("unloop.cli.campaign_look:list_command", "List every campaign, newest first."),
    "pause": ("unloop.cli.campaign_look:pause_command", "Start nothing new; finish what is in mid-change."),
    "resume": ("unloop.cli.campaign_work:resume_command", "Go on with a campaign that stopped or whose process died."),
    "retry": ("unloop.cli.campaign_work:retry_command", "Queue ended hosts again, with a fresh budget."),
    "show": ("unloop.cli.campaign_look:show_command", "Show where a campaign stands."),
    "watch": ("unloop.cli.campaign_look:watch_command", "Watch a campaign that another process works on."),
}


@click.group("campaign", cls=LazyGroup, places=PLACES)
def group() -> None:
    """List, show, watch, pause, resume, abort and retry campaigns. CAMPAIGN is an id, the start of one, or a name."""
