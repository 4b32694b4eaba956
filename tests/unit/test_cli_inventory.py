"""``unloop init`` and ``unloop inventory`` as a user meets them: output, exit codes, nothing overwritten."""

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from unloop.cli.main import run
from unloop.cli.templates import SETTINGS
from unloop.settings.load import load
from unloop.settings.schema import RaceSettings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a directory of its own, and no settings of the user."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UNLOOP_CONFIG", raising=False)


def test_init_writes_files_that_check(capsys: pytest.CaptureFixture[str]) -> None:
    """What init writes is a valid inventory under valid settings that equal the defaults."""
    assert run(["init", "there"]) == 0
    assert run(["inventory", "check", "there/hosts.csv", "--config", "there/unloop.toml", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["hosts"], document["counts"]["site"]) == (3, {"LHR": 2, "AMS": 1})
    assert load("there/unloop.toml").race == load().race


def test_init_never_overwrites(capsys: pytest.CaptureFixture[str]) -> None:
    """One file that is there stops everything, and stays as it was."""
    Path("hosts.csv").write_text("mine")
    assert run(["init"]) == 2
    assert "hosts.csv: is there already; nothing was written" in capsys.readouterr().err
    assert (Path("hosts.csv").read_text(), Path("unloop.toml").exists()) == ("mine", False)


def test_the_template_shows_real_settings(tmp_path: Path) -> None:
    """Every commented line of the template is a setting that is accepted when the comment sign goes."""
    text = re.sub(r"^# (\w+ = |\[)", r"\1", SETTINGS, flags=re.MULTILINE)
    text = text.replace('url = ""', 'url = "sqlite:///x.db"')
    assert set(tomllib.loads(text)["race"]) == {setting.name for setting in fields(RaceSettings)}
    (tmp_path / "all.toml").write_text(text)
    assert sorted(load(tmp_path / "all.toml").credentials) == ["bmc", "local-admin"]


def test_check_reports_all_problems_with_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    """Bad lines are one line each on stderr, and data none on stdout."""
    Path("hosts.csv").write_text("name,tier\na,x\nb,y\n")
    assert run(["inventory", "check", "hosts.csv", "--json"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [
        "unloop: hosts.csv:2: a: tier: 'x' is no whole number",
        "unloop: hosts.csv:3: b: tier: 'y' is no whole number",
    ]


def test_an_empty_selection_is_exit_3(capsys: pytest.CaptureFixture[str]) -> None:
    """A selection that matches nothing has its own exit code and says why."""
    Path("hosts.csv").write_text("name,site\na,LHR\n")
    assert run(["inventory", "check", "hosts.csv", "--select", "site=AMS"]) == 3
    assert "site is LHR (1)" in capsys.readouterr().err


def test_check_warns_of_names_that_are_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Names in the selection that the inventory hasn't are warned of; victims too."""
    Path("hosts.csv").write_text("name\nweb1\nweb2\n")
    Path("edr.csv").write_text("hostname,time\nweb1,2024-07-19T05:00:00Z\nweb9,2024-07-19T05:00:00Z\n")
    assert run(["inventory", "check", "hosts.csv", "--select", "web[1-3]", "--victims", "edr.csv", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["counts"]["broken"] == {"named by a victim list": 1, "(not known)": 1}
    assert [warning["what"] for warning in document["warnings"]] == [
        "victim 'web9' is not in the inventory",
        "the selection names hosts that hosts.csv hasn't: web3",
    ]


def test_people_get_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json the summary is a table, on stdout as well: it is what was asked for."""
    Path("hosts.csv").write_text("name,site\nweb1,LHR\n")
    assert run(["inventory", "check", "hosts.csv"]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    assert "hosts.csv: 1 hosts" in output.out
    assert "LHR" in output.out
