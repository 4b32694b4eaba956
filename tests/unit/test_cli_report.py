"""``unloop report`` and the judgement of a rehearsal as people meet them."""

from pathlib import Path

import pytest
from rich.console import Console

from campaigns import campaign_with, host
from unloop.cli.main import run
from unloop.cli.rehearsed import TITLE, Judgement, show_judgement
from unloop.store.database import open_database


@pytest.fixture(autouse=True)
def _one_campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory with settings, and a store with a campaign of one host."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UNLOOP_CONFIG", raising=False)
    url = f"sqlite:///{tmp_path / 'state.db'}"
    Path("unloop.toml").write_text(f'[store]\nurl = "{url}"\n')
    database = open_database(url)
    campaign_with(database, host("a"))
    database.close()


@pytest.mark.parametrize("form", ["html", "csv", "json"])
def test_a_mistyped_directory_is_told_and_not_made(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line with the path, exit code 2, and nothing new on the disk."""
    assert run(["report", "--format", form, "-o", "reprots/monday"]) == 2
    output = capsys.readouterr()
    told = "unloop: reprots/monday: can't write the report: reprots is no directory; make it, or correct -o\n"
    assert (output.out, output.err) == ("", told)
    assert not Path("reprots").exists()


def test_a_report_is_written_where_it_was_wanted() -> None:
    """A file beside us, and one in a directory that is there."""
    Path("reports").mkdir()
    assert run(["report", "-o", "reports/monday.html"]) == 0
    assert run(["report", "--format", "csv", "-o", "monday.csv"]) == 0
    assert Path("reports/monday.html").read_text().startswith("<!doctype html>")
    assert Path("monday.csv").read_text().startswith("name,site,")


def test_the_title_of_the_judgement_is_one_line() -> None:
    """However narrow the table below it is."""
    console = Console(width=80)
    with console.capture() as captured:
        show_judgement(Judgement(1, {"fixed": 1}, {"fixed": 1}, (), 1, 0, 1, 1), console)
    assert captured.get().splitlines()[0].strip() == TITLE
