"""Lists in terminals of any width: names and ids are never shortened, whatever has to go for it."""

from pathlib import Path

import pytest

from campaigns import campaign_with, claim, host
from unloop.cli.main import run
from unloop.model.host_run import End, Step
from unloop.model.outcome import Outcome
from unloop.store import progress
from unloop.store.database import open_database
from unloop.store.progress import Visit

CAUSE = "powered on and silent boot after boot: parked in recovery, and nobody knows for how long"
NAMES = ("ws-0417.branch-1234.corp.example", "ws-0418.branch-1234.corp.example")
ID = "20240719-0409-1f2e"


@pytest.fixture
def _two_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store beside its settings, with a campaign of two hosts of which one has ended."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UNLOOP_CONFIG", raising=False)
    Path("unloop.toml").write_text(f'[store]\nurl = "sqlite:///{tmp_path / "state.db"}"\n')
    database = open_database(f"sqlite:///{tmp_path / 'state.db'}")
    campaign_with(database, *(host(name, site="LHR") for name in NAMES))
    first = claim(database)[0]
    progress.save(database, first, Step(first.progress, End(Outcome.NEEDS_HANDS, CAUSE), "ended"), Visit(), now=2e9)
    campaign_with(database, host("other"), campaign_id=ID)
    database.close()


@pytest.mark.parametrize("width", [50, 80, 120, 400])
@pytest.mark.usefixtures("_two_hosts")
def test_host_names_stay_whole_and_the_cause_wraps(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each host has its whole name, no line is wider than the terminal, and no word of the cause is lost."""
    monkeypatch.setenv("COLUMNS", str(width))
    assert run(["host", "list", "c1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [name for name in NAMES if any(line.startswith(name) for line in lines)] == list(NAMES)
    assert [line for line in lines if len(line) > width or "…" in line] == []
    assert [word for word in CAUSE.split() if not any(word in line for line in lines)] == []


@pytest.mark.usefixtures("_two_hosts")
def test_what_has_no_room_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Who misses a column is told where it is; that is a hint, and so on stderr."""
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["host", "list", "c1"]) == 0
    told = "2 hosts; no room for site, state, rung, attempts, resets, windows, caught (-o csv has them)\n"
    assert capsys.readouterr().err == told


@pytest.mark.usefixtures("_two_hosts")
def test_a_list_in_a_pipe_has_one_line_for_each_host(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever greps for a name gets its cause, too, however long it is."""
    monkeypatch.delenv("COLUMNS", raising=False)
    assert run(["host", "list", "c1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert [line for line in lines if line.startswith(NAMES[0]) and CAUSE in line] != []


@pytest.mark.parametrize("width", [20, 40, 80])
@pytest.mark.usefixtures("_two_hosts")
def test_ids_of_campaigns_stay_whole(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id can be copied out of a terminal of any width."""
    monkeypatch.setenv("COLUMNS", str(width))
    assert run(["campaign", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith(f"{ID} ") or line == ID for line in lines)
    assert [line for line in lines if "…" in line] == []
