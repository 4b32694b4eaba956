"""The demo, end to end: every kind of host, judged by what was written down before it began."""

import json
from pathlib import Path

import pytest

from fleets import unloop


@pytest.mark.timeout(180)
def test_the_demo_ends_as_was_expected(tmp_path: Path) -> None:
    """Every kind of host ends in its bucket, no host is reset twice, and a report is left."""
    words = ("demo", "--hosts", "24", "--seed", "5", "--directory", str(tmp_path / "demo"), "--json")
    done = unloop(*words, directory=tmp_path)
    document = json.loads(done.stdout)

    assert (document["mismatches"], document["double_resets"], document["hosts"]) == ([], 0, 24)
    assert document["outcomes"] == document["expected_outcomes"]
    assert done.returncode == 0
    assert Path(document["report"]).read_text(encoding="utf-8").startswith("<!doctype html>")
