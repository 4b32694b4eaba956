"""Hosts whose driver holds the faulty file: the race sees it, safe mode frees it, and no host is left there."""

import json
from pathlib import Path

import pytest

from fleets import (
    BRISK,
    NO_HARM,
    configure,
    drawn,
    expected_of,
    fleet,
    harm,
    outcomes_of,
    run_words,
    start_unloop,
    unloop,
    unrecorded_resets,
)
from servers import wait_until
from unloop.rehearsal import witness
from unloop.rehearsal.inventory_file import Paths
from unloop.rehearsal.spec import Kind

HELD = {Kind.HELD: 4, Kind.LOOPING: 2}


@pytest.mark.timeout(150)
def test_a_held_file_is_freed_in_safe_mode_and_the_timeline_tells_why(tmp_path: Path) -> None:
    """One window says that the file is in use, so the other resets are not spent; safe mode is entered once, and left."""
    specs = drawn(HELD)
    with fleet(tmp_path / "fleet", specs) as paths:
        configure(paths, **BRISK)
        done = unloop(*run_words(paths), directory=tmp_path)
        held = [spec.name for spec in specs if spec.kind is Kind.HELD]
        heard = witness.read(paths.witness)

        assert (done.returncode, outcomes_of(paths, tmp_path)) == (0, expected_of(paths))
        assert (harm(paths), unrecorded_resets(paths)) == (NO_HARM, 0)
        assert {name: heard[name].safe_boots for name in heard} == {spec.name: int(spec.name in held) for spec in specs}
        for name in held:
            told = _told(paths, name, tmp_path)
            (climb,) = [line for line in told if line["what"] == "climbed" and line["data"]["to"] == "safe_mode"]
            assert "held open" in climb["data"]["cause"]
            assert "C-00000291" in climb["data"]["cause"].upper()
            assert [line["what"] for line in told if line["what"] in _STEPS] == list(_STEPS)


_STEPS = ("safe_boot_set confirmed", "safe boot set", "safe_boot_clear confirmed", "safe mode left", "ended")


@pytest.mark.timeout(150)
def test_a_campaign_that_dies_with_hosts_in_safe_mode_brings_them_out_again(tmp_path: Path) -> None:
    """Kill -9 as soon as the first host has its flag set; the resume repairs them all and takes every flag off."""
    with fleet(tmp_path / "fleet", drawn({Kind.HELD: 3})) as paths:
        configure(paths, **BRISK)
        process = start_unloop(*run_words(paths), directory=tmp_path, log=tmp_path / "run.log")
        wait_until(lambda: any(_flags(paths)), seconds=60, what="a safe boot flag")
        process.kill()
        process.wait()
        done = unloop("campaign", "resume", "-c", str(paths.settings), directory=tmp_path)

        assert (done.returncode, outcomes_of(paths, tmp_path)) == (0, expected_of(paths))
        assert (harm(paths), unrecorded_resets(paths)) == (NO_HARM, 0)


def _flags(paths: Paths) -> list[str]:
    return [host.safe_boot for host in witness.read(paths.witness).values()] if paths.witness.exists() else []


def _told(paths: Paths, name: str, directory: Path) -> list[dict[str, object]]:
    shown = unloop("host", "show", name, "--json", "-c", str(paths.settings), directory=directory)
    timeline: list[dict[str, object]] = json.loads(shown.stdout)["timeline"]
    return timeline
