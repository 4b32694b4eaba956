"""What a visit has kept while it goes on stays, however the visit ends."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from campaigns import START, campaign_with, claim, host
from unloop.clock import SystemClock
from unloop.dispatch.context import Context
from unloop.dispatch.drain import Drain
from unloop.model.attempt import AttemptResult
from unloop.model.host_run import Queue, Stage
from unloop.model.options import CampaignOptions
from unloop.runner.tools import Tools
from unloop.runner.writer import Writer
from unloop.secrets.resolve import Credentials
from unloop.settings.schema import Settings
from unloop.store.database import open_database
from unloop.store.progress import Kept


async def at_once(work: Callable[[], Any]) -> Any:
    """A store that does its work in place."""
    return work()


def test_a_visit_that_breaks_off_goes_on_from_what_it_had_kept(tmp_path: Path) -> None:
    """A mistake after the landing was kept does not write over it: the host is to be proven, and its attempt has ended."""
    database = open_database(f"sqlite:///{tmp_path / 'unloop.db'}")
    campaign_with(database, host("a"))
    (run,) = claim(database)
    landed = replace(run.progress, stage=Stage.VERIFY, landed_at=datetime.fromtimestamp(START, UTC), landed_via="smb")

    async def visit() -> tuple[object, ...]:
        writer = Writer(database, at_once, SystemClock())
        before = writer.as_kept(run)
        await writer.keep(Kept(run, landed, "host answered landed", AttemptResult.LANDED))
        kept = writer.as_kept(run)
        writer.forget(run)
        return before, kept.progress, kept.is_attempt_open, writer.as_kept(run)

    told = asyncio.run(visit())
    database.close()
    assert told == (run, landed, False, run)


def test_a_host_that_is_handed_back_keeps_what_it_has_answered(tmp_path: Path) -> None:
    """The process is to end in the moment in which a landing waits to be written down: its successor has it."""
    database = open_database(f"sqlite:///{tmp_path / 'unloop.db'}")
    campaign_with(database, host("a"))
    (run,) = claim(database, ttl=1e9)
    landed = replace(run.progress, stage=Stage.VERIFY, landed_at=datetime.fromtimestamp(START, UTC), landed_via="smb")

    async def drain() -> None:
        writer = Writer(database, at_once, SystemClock())
        kept = Kept(run, landed, "host answered landed", AttemptResult.LANDED)
        task: asyncio.Task[object] = asyncio.create_task(writer.keep(kept))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        context = Context(Settings(), database, Credentials(Settings()), clock=SystemClock())
        context.stopping.set()
        step = Drain(context, replace(CampaignOptions(), power=0.0))
        step._grace = step._most = 0.0
        tools = cast("Tools", SimpleNamespace(writer=writer, in_store=at_once))
        await step.step(tools, {run.id: (run, task)}, is_stopped=False)

    asyncio.run(drain())
    (again,) = claim(database, now=time.time() + 10, owner="its successor", queue=Queue.WORK)
    database.close()
    assert (again.progress.stage, again.progress.landed_via) == (Stage.VERIFY, "smb")
