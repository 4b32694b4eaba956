"""Doing a campaign's work in this process, and showing it."""

from unloop.cli.console import stderr
from unloop.cli.follow import code_of, final_table, follow
from unloop.cli.output import emit_json
from unloop.cli.standing import standing_as_json, tell_what_is_next
from unloop.dispatch.context import Context
from unloop.dispatch.embedded import embedded
from unloop.store.campaigns import Campaign


def drive(context: Context, campaign: Campaign, *, as_json: bool, close: bool = True) -> int:
    """Work on a campaign until it stops; the exit code says how it ended."""
    console = stderr()
    with embedded(context):
        now = follow(context.database, campaign.id, console=console, drives=True)
    console.print(final_table(now))
    tell_what_is_next(now)
    if as_json:
        emit_json(standing_as_json(now))
    if close:
        context.database.close()
    return code_of(now)
