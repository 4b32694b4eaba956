"""``unloop host show``: nothing is cut, nothing is told a hundred times, and instructions can be copied."""

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from campaigns import START, campaign_with, claim, host
from unloop.cli.main import run
from unloop.cli.timeline import collapsed, timeline_table
from unloop.model.host_run import End, Step
from unloop.model.outcome import Outcome
from unloop.store import progress
from unloop.store.database import open_database
from unloop.store.progress import Finding, Visit

POLL = ("claimed", "proof outstanding", "evidence: verification")
TEXT = (
    "1. Open https://console.example/ws-0417; start it into Windows RE, on a line longer than this terminal.\n2. exit"
)


def line(at: float, what: str, *, attempt: int = 1, **data: Any) -> dict[str, Any]:
    """One line as the store gives it."""
    return {"at": at, "what": what, "attempt": attempt, "data": data}


def test_a_round_that_repeats_is_told_once_with_how_often_and_the_last_time() -> None:
    """Three lines at each of forty looks are three lines; the process that claimed the host makes no difference."""
    looks = [line(10.0 * look + step, what, n=step) for look in range(40) for step, what in enumerate(POLL)]
    looks += [line(500.0, "ended", outcome="fixed")]
    told = [(entry.line["what"], entry.line["at"], entry.last, entry.times) for entry in collapsed(looks)]
    assert told == [
        ("claimed", 0.0, 390.0, 40),
        ("proof outstanding", 1.0, 391.0, 40),
        ("evidence: verification", 2.0, 392.0, 40),
        ("ended", 500.0, 500.0, 1),
    ]


def test_lines_that_say_something_else_are_all_told() -> None:
    """Another text, another attempt or another order is no repetition."""
    lines = [line(1, "look", note="a"), line(2, "look", note="b"), line(3, "look", attempt=2, note="b")]
    assert [entry.times for entry in collapsed(lines)] == [1, 1, 1]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_table_wraps_and_never_cuts(width: int) -> None:
    """Every character of a path without a space stands in the table, however narrow it is."""
    path = "C:\\unloop-quarantine\\20261125\\" + "0123456789abcdef" * 4 + ".q"
    console = Console(width=width, file=io.StringIO())
    with console.capture() as captured:
        console.print(timeline_table([line(START, "evidence: remedy", moved_to=path)]))
    text = captured.get()
    assert path in "".join(part.strip() for part in text.splitlines())
    assert "…" not in text


def test_instructions_are_plain_lines_below_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are printed as they were written, unbroken at any width, and on stdout, as everything that was asked for."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    (tmp_path / "unloop.toml").write_text(f'[store]\nurl = "{url}"\n')
    database = open_database(url)
    campaign_with(database, host("ws-0417"))
    (claimed,) = claim(database)
    step = Step(claimed.progress, End(Outcome.NEEDS_HANDS, "parked"), "ended")
    findings = (Finding("instructions", {"outcome": "needs_hands", "text": TEXT}),)
    progress.save(database, claimed, step, Visit(findings=findings), now=START + 1)
    database.close()

    monkeypatch.setenv("COLUMNS", "60")
    assert run(["host", "show", "ws-0417", "-c", str(tmp_path / "unloop.toml")]) == 0
    output = capsys.readouterr()
    assert output.out.endswith(f"\nWhat a person has to do:\n{TEXT}\n")
    assert output.err == ""
