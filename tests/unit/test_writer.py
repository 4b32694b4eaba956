"""What a visit has kept while it goes on stays, however the visit ends."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from campaigns import START, campaign_with, claim, host
from unloop.clock import SystemClock
from unloop.model.attempt import AttemptResult
from unloop.model.host_run import Stage
from unloop.runner.writer import Writer
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
