"""The disk of the store fills up in mid-race: nothing more is reset, and once there is room the campaign ends right."""

import time
from pathlib import Path

import pytest

from disks import fill, small_disk
from fleets import (
    BRISK,
    NO_HARM,
    await_resets,
    configure,
    drawn,
    expected_of,
    fleet,
    harm,
    outcomes_of,
    resets,
    run_words,
    start_unloop,
    unrecorded_resets,
)
from unloop.rehearsal.spec import Kind

FULL = 6.0
"""Seconds without room: longer than a lease of these hosts."""


@pytest.mark.timeout(150)
def test_a_disk_that_is_full_for_a_while_costs_time_alone(tmp_path: Path) -> None:
    """What can't be written down first is not done: no host is reset meanwhile, and none is left off afterwards."""
    with small_disk(tmp_path / "disk", "16m") as disk, fleet(tmp_path / "fleet", drawn({Kind.LOOPING: 5})) as paths:
        configure(paths, store=f"sqlite:///{disk / 'unloop.db'}", **BRISK)
        log = tmp_path / "run.log"
        process = start_unloop(*run_words(paths), directory=tmp_path, log=log)
        await_resets(paths, 2)
        filling = fill(disk)
        time.sleep(FULL / 2)
        before = resets(paths)
        time.sleep(FULL / 2)
        meanwhile = resets(paths) - before
        filling.unlink()
        try:
            code = process.wait(timeout=100)
        finally:
            process.kill()

        assert (meanwhile, code) == (0, 0), log.read_text(encoding="utf-8")
        assert outcomes_of(paths, tmp_path) == expected_of(paths)
        assert (harm(paths), unrecorded_resets(paths)) == (NO_HARM, 0)
