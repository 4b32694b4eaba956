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


def ran(name: str, directory: Path) -> dict[str, Any]:
    """What a benchmark wrote; skips the test where the machine can't carry it."""
    environment = {**os.environ, "UNLOOP_BENCH_RESULTS": str(directory)}
    command = [sys.executable, str(BENCH / f"{name}.py"), "--quick"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=110, check=False)
    if done.returncode == 1 and "can't be had" in done.stderr:
        missing(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    figures: dict[str, Any] = json.loads((directory / f"{name}.json").read_text())
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
