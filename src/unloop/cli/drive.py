"""Doing a campaign's work in this process, or watching workers do it."""

from contextlib import AbstractContextManager, nullcontext

from unloop.cli.console import stderr
from unloop.cli.follow import code_of, final_table, follow
from unloop.cli.output import emit_json, say
from unloop.cli.standing import standing_as_json, tell_what_is_next
from unloop.dispatch.celery_app import MEMORY
from unloop.dispatch.context import Context, make_context
from unloop.dispatch.embedded import embedded
from unloop.dispatch.reach import reachable_app
from unloop.settings.schema import Settings
from unloop.store.campaigns import Campaign


def is_local(settings: Settings) -> bool:
    """Whether the work is done in this process, and not by workers of a broker."""
    return settings.broker.url.startswith(MEMORY)


def ready(settings: Settings) -> Context:
    """The opened store, with the broker seen to be there: whoever is asked to confirm is not told of them afterwards."""
    if not is_local(settings):
        reachable_app(settings)
    return make_context(settings)


def drive(context: Context, campaign: Campaign, *, as_json: bool, close: bool = True) -> int:
    """Work on a campaign until it stops; the exit code says how it ended.

    Where the settings name a broker, its workers do the work, and Ctrl-C ends only the watching.
    """
    console, drives = stderr(), is_local(context.settings)
    if not drives:
        say(f"the workers of {context.settings.broker.url} do the work; Ctrl-C only stops watching")
    work: AbstractContextManager[object] = embedded(context) if drives else nullcontext()
    with work:
        now = follow(context.database, campaign.id, console=console, drives=drives, has_workers=not drives)
    console.print(final_table(now))
    tell_what_is_next(now)
    if as_json:
        emit_json(standing_as_json(now))
    if close:
        context.database.close()
    return code_of(now)
