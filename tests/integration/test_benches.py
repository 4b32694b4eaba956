"""The benchmarks run, and their files say what they measured: never how quick something was, only who needs less."""

import json
import math
import os
import subprocess
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from servers import missing

BENCH = Path(__file__).parents[2] / "bench"


def ran(name: str, directory: Path, *, written: str = "") -> dict[str, Any]:
    """What a benchmark wrote, under another name where one is given; skips the test where the machine can't carry it."""
    environment = {**os.environ, "UNLOOP_BENCH_RESULTS": str(directory)}
    command = [sys.executable, str(BENCH / f"{name}.py"), "--quick"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=110, check=False)
    if done.returncode == 1 and "can't be had" in done.stderr:
        missing(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    figures: dict[str, Any] = json.loads((directory / f"{written or name}.json").read_text())
    assert {"processor", "cores", "kernel", "python", "commit", "load", "at"} <= set(figures["machine"])
    return figures


@pytest.mark.xdist_group("benches")
def test_round_trips(tmp_path: Path) -> None:
    """On every server our strike takes fewer round trips than any other client at hand."""
    figures = ran("round_trips", tmp_path)
    assert figures["quick"] is True
    compared = 0
    for _, some in groupby(figures["rows"], key=lambda row: (row["server"], row["task"])):
        group = list(some)
        assert all(math.isfinite(row["round trips"]) and row["round trips"] > 0 for row in group), group
        ours = min(row["round trips"] for row in group if row["client"] == "unloop")
        peers = [row["round trips"] for row in group if row["client"] != "unloop"]
        assert ours < min(peers), group
        compared += 1
    assert compared + len(figures["missing"]) == 7


@pytest.mark.xdist_group("benches")
def test_smallest_window(tmp_path: Path) -> None:
    """Ours and the loop of another client repair the host, and for each it is said which windows it caught."""
    figures = ran("smallest_window", tmp_path)
    assert figures["quick"] is True
    assert [(row["tool"], row["trials"]) for row in figures["rows"]] == [("unloop", 1), ("smbprotocol", 1)]
    for row in figures["rows"]:
        assert len(row["caught"]) == 1, row
        assert 0 < row["median ms"] <= row["worst ms"], row
    assert [row["peer"] for row in figures["ratios"]] == ["smbprotocol"]


@pytest.mark.xdist_group("benches")
def test_storm(tmp_path: Path) -> None:
    """Every client is let loose on the same windows, and the quartiles of ours add up to what it hit."""
    figures = ran("storm", tmp_path)
    assert figures["quick"] is True
    assert [(row["windows"], row["client"]) for row in figures["storms"]] == [
        (40, "unloop"),
        (40, "smbprotocol"),
        (40, "pypsrp"),
    ]
    hits = [int(row["hit"].split()[0]) for row in figures["order"]]
    assert len(hits) == 4
    assert sum(hits) == figures["storms"][0]["hit"] > 0


@pytest.mark.xdist_group("benches")
def test_fleet(tmp_path: Path) -> None:
    """A small fleet is raced, and every host of it lands."""
    figures = ran("fleet", tmp_path, written="fleet-quick")
    assert [(row["hosts"], row["landed"]) for row in figures["fleets"]] == [(100, 100)]


@pytest.mark.xdist_group("benches")
def test_power(tmp_path: Path) -> None:
    """Every BMC of ours is asked, and taken down and up again once, whatever is lost on the way."""
    figures = ran("power", tmp_path)
    assert figures["quick"] is True
    ours = [row for row in (*figures["status"], *figures["resets"]) if row["client"] == "unloop"]
    assert {row["BMCs"] for row in ours} >= {"ours"}
    assert all(row["right"] == row["hosts"] and row["went down twice"] == 0 for row in ours), ours


@pytest.mark.xdist_group("benches")
def test_prober(tmp_path: Path) -> None:
    """Both probe every host, again and again."""
    rows = ran("prober", tmp_path)["rows"]
    assert [(row["hosts"], row["client"]) for row in rows] == [(50, "unloop"), (50, "asyncio")]
    assert all(row["probes"] >= row["hosts"] for row in rows), rows


@pytest.mark.xdist_group("benches")
def test_inventory(tmp_path: Path) -> None:
    """Every line becomes a host."""
    assert [row["hosts"] for row in ran("inventory", tmp_path)["rows"]] == [200]


@pytest.mark.xdist_group("benches")
def test_nothing_but_benchmarks_has_a_main() -> None:
    """``make bench`` runs exactly what is tested here."""
    mains = sorted(path.stem for path in BENCH.glob("*.py") if "\ndef main() ->" in path.read_text())
    assert mains == ["fleet", "inventory", "power", "prober", "round_trips", "smallest_window", "storm"]
