"""Whole campaigns of one process against simulated fleets: kills, drains, and what a second terminal does meanwhile."""

import json
import signal
import time
from pathlib import Path

import pytest

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
    unloop,
    unrecorded_resets,
)
from unloop.rehearsal.spec import Kind


@pytest.mark.timeout(180)
def test_a_killed_campaign_is_resumed_without_a_second_reset(tmp_path: Path) -> None:
    """Kill -9 in mid-race, resume: every host ends right, none is reset twice for one attempt, none is lost."""
    specs = drawn({Kind.LOOPING: 12, Kind.PARKED: 1, Kind.HEALTHY: 2})
    with fleet(tmp_path / "fleet", specs) as paths:
        configure(paths, **BRISK)
        process = start_unloop(*run_words(paths), directory=tmp_path, log=tmp_path / "run.log")
        await_resets(paths, 3)
        process.kill()
        process.wait()
        done = unloop("campaign", "resume", "-c", str(paths.settings), "--json", directory=tmp_path)
        found = outcomes_of(paths, tmp_path)

        assert found == expected_of(paths)
        assert json.loads(done.stdout)["open_obligations"] == 0
        assert (harm(paths), unrecorded_resets(paths)) == (NO_HARM, 0)


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("told", "reason"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGHUP, "SIGHUP")])
def test_a_process_that_is_told_to_end_drains_and_leaves_nothing_off(
    tmp_path: Path, told: signal.Signals, reason: str
) -> None:
    """Exit code 4, at once where nothing is in mid-change; and the terminal, if there still is one, tells how to go on."""
    with fleet(tmp_path / "fleet", drawn({Kind.LOOPING: 8})) as paths:
        configure(paths, **BRISK)
        process = start_unloop(*run_words(paths), directory=tmp_path, log=tmp_path / "run.log")
        await_resets(paths, 2)
        process.send_signal(told)
        code = process.wait(timeout=60)
        shown = unloop("campaign", "show", "-c", str(paths.settings), "--json", directory=tmp_path)

        assert (code, harm(paths)) == (4, NO_HARM)
    document = json.loads(shown.stdout)
    assert (document["state"], document["reason"]) == ("paused", f"drained by {reason}")
    assert (document["open_obligations"], document["states"].get("working", 0)) == (0, 0)
    log = (tmp_path / "run.log").read_text()
    assert told is signal.SIGHUP or "Go on with: unloop campaign resume" in log


@pytest.mark.timeout(180)
def test_a_second_terminal_shows_watches_pauses_resumes_and_aborts(tmp_path: Path) -> None:
    """What one terminal says holds for the process of the other at once: no reset after a pause, an end on an abort."""
    with fleet(tmp_path / "fleet", drawn({Kind.LOOPING: 8, Kind.PARKED: 2})) as paths:
        configure(paths, **BRISK)
        settings = ("-c", str(paths.settings))

        def campaign(*words: str) -> tuple[int, str]:
            done = unloop("campaign", *words, *settings, directory=tmp_path)
            return done.returncode, done.stdout + done.stderr

        running = start_unloop(*run_words(paths), directory=tmp_path, log=tmp_path / "run.log")
        await_resets(paths, 2)
        second = unloop(*run_words(paths), directory=tmp_path)
        watching = start_unloop("campaign", "watch", *settings, directory=tmp_path, log=tmp_path / "watch.log")
        shown = json.loads(campaign("show", "--json")[1])
        paused = campaign("pause")
        time.sleep(1.0)
        before = resets(paths)
        codes = (paused[0], running.wait(timeout=60), watching.wait(timeout=60))
        at_rest = resets(paths) - before

        resumed = start_unloop("campaign", "resume", *settings, directory=tmp_path, log=tmp_path / "resume.log")
        await_resets(paths, before + 1)
        aborted = campaign("abort", "--yes")
        last = (resumed.wait(timeout=60), aborted[0])
        outcomes = set(outcomes_of(paths, tmp_path).values())

        assert (second.returncode, "are in another campaign that has not ended" in second.stderr) == (2, True)
        assert (shown["state"], codes, at_rest) == ("running", (0, 4, 4), 0)
        assert (last, harm(paths)) == ((4, 4), NO_HARM)
        assert "cancelled" in outcomes
        assert outcomes <= {"cancelled", "fixed"}
