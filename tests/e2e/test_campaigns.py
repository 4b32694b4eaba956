"""Whole campaigns through the command line against simulated fleets: outcomes, kills, drains, and bad input."""

import json
import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from fleets import expected_of, fleet, fleet_of, outcomes_of, start_unloop, unloop
from servers import wait_until
from unloop.rehearsal import witness
from unloop.rehearsal.inventory_file import Paths
from unloop.rehearsal.spec import Kind

SPACING = 3.0
RUN = ("--yes", "--waves", "rest")


def run_words(paths: Paths) -> tuple[str, ...]:
    """The command that an administrator types."""
    return (
        "run",
        "channel-file-291",
        "-i",
        str(paths.inventory),
        "-c",
        str(paths.settings),
        "--set",
        "stable_for=3s",
        *RUN,
    )


def resets(paths: Paths) -> int:
    """Resets that the store permitted so far."""
    try:
        with sqlite3.connect(f"file:{paths.directory / 'unloop.db'}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT count(*) FROM effect WHERE kind = 'power_off'").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


@pytest.mark.timeout(180)
def test_the_demo_ends_as_was_expected(tmp_path: Path) -> None:
    """Every kind of host ends in its bucket, no host is reset twice, and a report is left."""
    done = unloop(
        "demo", "--hosts", "24", "--seed", "5", "--directory", str(tmp_path / "demo"), "--json", directory=tmp_path
    )
    document = json.loads(done.stdout)

    assert (document["mismatches"], document["double_resets"], document["hosts"]) == ([], 0, 24)
    assert document["outcomes"] == document["expected_outcomes"]
    assert done.returncode == 0
    assert Path(document["report"]).read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.timeout(180)
def test_a_killed_campaign_is_resumed_without_a_second_reset(tmp_path: Path) -> None:
    """Kill -9 in mid-race, resume: every host ends right, none is reset twice for one attempt, none is lost."""
    kinds = (Kind.LOOPING, Kind.PARKED, Kind.HEALTHY)
    with fleet(tmp_path / "fleet", fleet_of(24, kinds=kinds)) as paths:
        process = start_unloop(*run_words(paths), directory=tmp_path, log=tmp_path / "run.log")
        wait_until(lambda: resets(paths) >= 5, seconds=60, what="the race")
        process.kill()
        process.wait()
        done = unloop("campaign", "resume", "-c", str(paths.settings), "--json", directory=tmp_path)
        found = outcomes_of(paths, tmp_path)
    heard = witness.read(paths.witness)

    assert found == expected_of(paths)
    assert json.loads(done.stdout)["open_obligations"] == 0
    assert sum(testimony.double_resets(SPACING) for testimony in heard.values()) == 0
    assert not any(testimony.is_left_off for testimony in heard.values())


@pytest.mark.timeout(180)
def test_ctrl_c_drains_and_nothing_is_left_off(tmp_path: Path) -> None:
    """One Ctrl-C ends with exit code 4; what was in mid-change is finished; the campaign can be resumed."""
    with fleet(tmp_path / "fleet", fleet_of(20, kinds=(Kind.LOOPING,))) as paths:
        process = start_unloop(*run_words(paths), directory=tmp_path, log=tmp_path / "run.log")
        wait_until(lambda: resets(paths) >= 3, seconds=60, what="the race")
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=90)
        shown = unloop("campaign", "show", "-c", str(paths.settings), "--json", directory=tmp_path)
        left_off = [name for name, heard in witness.read(paths.witness).items() if heard.is_left_off]
    document = json.loads(shown.stdout)

    assert (code, left_off) == (4, [])
    assert (document["state"], document["reason"]) == ("paused", "drained by Ctrl-C")
    assert (document["open_obligations"], document["states"].get("working", 0)) == (0, 0)
    assert "unloop campaign resume" in (tmp_path / "run.log").read_text()


@pytest.mark.timeout(180)
def test_a_pause_from_another_terminal_is_obeyed_at_once(tmp_path: Path) -> None:
    """After `campaign pause` no further host is switched off."""
    with fleet(tmp_path / "fleet", fleet_of(20, kinds=(Kind.LOOPING,))) as paths:
        process = start_unloop(*run_words(paths), directory=tmp_path, log=tmp_path / "run.log")
        wait_until(lambda: resets(paths) >= 3, seconds=60, what="the race")
        paused = unloop("campaign", "pause", "-c", str(paths.settings), directory=tmp_path)
        time.sleep(1.0)
        before = sum(len(heard.resets) for heard in witness.read(paths.witness).values())
        code = process.wait(timeout=90)
        after = sum(len(heard.resets) for heard in witness.read(paths.witness).values())

    assert (paused.returncode, code) == (0, 4)
    assert after == before


def test_a_host_in_an_open_campaign_can_not_be_in_a_second(tmp_path: Path) -> None:
    """A second campaign over the same hosts is refused, and says which campaign has them."""
    with fleet(tmp_path / "fleet", fleet_of(12, kinds=(Kind.PARKED, Kind.LOCKED))) as paths:
        process = start_unloop(*run_words(paths), directory=tmp_path, log=tmp_path / "run.log")
        wait_until(lambda: (paths.directory / "unloop.db").exists() and resets(paths) >= 1, seconds=60)
        second = unloop(*run_words(paths), directory=tmp_path)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)

    assert second.returncode == 2
    assert "are in another campaign that has not ended" in second.stderr


BAD_CSV = "name,adress,bmc\nweb01,127.0.0.1,\nweb01,not an address!,\n"
BAD_PLAYBOOK = """unloop: 1
name: bad
title: A playbook with a misspelt verb and an undefined name
system: windows
vars: {stable_for: 5m}
actions:
  - quarantine_fil: {path: 'C:\\x\\{{ nothing }}.sys'}
verify:
  - up_for: '{{ stable_for }}'
ladder: [in_band, hands_on]
hands_on: Go there.
"""


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("run", "bad.yml", "-i", "good.csv", "--yes"), 2, "bad.yml:7"),
        (("run", "channel-file-291", "-i", "bad.csv", "--yes"), 2, "bad.csv:1"),
        (("run", "channel-file-291", "-i", "absent.csv", "--yes"), 2, "there is no such inventory"),
        (("run", "no-such-playbook", "-i", "good.csv", "--yes"), 2, "no playbook is called 'no-such-playbook'"),
        (("run", "channel-file-291", "-i", "good.csv", "--select", "site=NOWHERE", "--yes"), 3, "matches none"),
        (("run", "channel-file-291", "-i", "good.csv", "--expect", "5", "--yes"), 2, "1 hosts are selected, not the 5"),
        (("run", "channel-file-291", "-i", "good.csv"), 2, "give --yes after reading the plan"),
        (("campaign", "show", "nothing"), 2, "no campaign 'nothing'"),
        (("run", "channel-file-291", "-i", "good.csv", "--yes", "-c", "broken.toml"), 2, "broken.toml"),
    ],
)
def test_bad_input_is_one_clear_line_and_changes_nothing(
    tmp_path: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    """Exit 2 (or 3 for an empty selection), the place and what is wrong; no traceback, no campaign."""
    (tmp_path / "bad.yml").write_text(BAD_PLAYBOOK, encoding="utf-8")
    (tmp_path / "bad.csv").write_text(BAD_CSV, encoding="utf-8")
    (tmp_path / "good.csv").write_text("name,address,site\nws-1,127.0.0.99,LHR\n", encoding="utf-8")
    (tmp_path / "broken.toml").write_text("[race]\nresetz = 3\n", encoding="utf-8")
    environment = {"XDG_STATE_HOME": str(tmp_path / "state")}
    done = unloop(*words, directory=tmp_path, environment=environment)
    listed = unloop("campaign", "list", "--json", directory=tmp_path, environment=environment)

    assert (done.returncode, json.loads(listed.stdout)) == (code, [])
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_corrupt_store_is_one_clear_line(tmp_path: Path) -> None:
    """A store that is no database is named, and nothing is overwritten."""
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"not a database, whatever it says" * 64)
    (tmp_path / "unloop.toml").write_text(f'[store]\nurl = "sqlite:///{broken}"\n', encoding="utf-8")
    done = unloop("campaign", "list", directory=tmp_path)

    assert (done.returncode, broken.read_bytes()[:14]) == (2, b"not a database")
    assert "it is corrupt or not a store" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_is_quick_to_show(tmp_path: Path) -> None:
    """`--help` imports neither Celery nor SQLAlchemy nor any protocol library."""
    code = (
        "import sys\nfrom unloop.cli.main import run\nassert run(['--help']) == 0\n"
        "heavy = {'celery', 'sqlalchemy', 'paramiko', 'pypsrp', 'smbprotocol', 'httpx', 'rich', 'jinja2'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr.strip()) == (0, "[]")
    assert os.linesep.join(done.stdout.splitlines()[:1]).startswith("Usage: unloop")
