"""What was asked for goes to stdout, all else to stderr; a command that fails says so in one line and answers nothing."""

import json
from pathlib import Path

import click
import pytest

from campaigns import campaign_with, host
from unloop.cli.main import run, unloop
from unloop.store.database import open_database

INVENTORY = ["-i", "hosts.csv"]
FAILING = {
    "campaign list": ["-c", "gone.toml"],
    "campaign resume": ["gone"],
    "campaign retry": ["gone", "--where", "not good"],
    "campaign show": ["gone"],
    "demo": ["--hosts", "0"],
    "doctor": ["--nothing"],
    "host show": ["gone"],
    "inventory check": ["gone.csv"],
    "inventory probe": ["gone.csv"],
    "playbook check": ["gone.yml"],
    "playbook list": ["--nothing"],
    "playbook render": ["gone.yml", "--host", "a"],
    "playbook test": ["gone.yml"],
    "rehearse": ["gone.yml", *INVENTORY],
    "run": ["gone.yml", *INVENTORY, "--yes"],
}
"""Every command that has --json, with words that make it fail."""


@pytest.fixture(autouse=True)
def _one_campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory with settings, and a store with a campaign of one host."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("UNLOOP_CONFIG", raising=False)
    url = f"sqlite:///{tmp_path / 'state.db'}"
    Path("unloop.toml").write_text(f'[store]\nurl = "{url}"\n')
    Path("hosts.csv").write_text("name,site\na,LHR\n")
    database = open_database(url)
    campaign_with(database, host("a"))
    database.close()


def with_json(command: click.Command, path: str = "") -> list[str]:
    """The commands that have --json."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        names = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
        return [found for name, below in names if below for found in with_json(below, f"{path} {name}".strip())]
    return [path] if any("--json" in option.opts for option in command.params) else []


def test_every_command_with_json_is_tried_here() -> None:
    """A new one has to be added above."""
    assert sorted(FAILING) == sorted(with_json(unloop))


@pytest.mark.parametrize("command", sorted(FAILING))
def test_a_command_that_fails_answers_nothing_and_says_why_in_one_line(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever reads stdout gets no half document; whoever reads stderr gets one line, and the exit code says it failed."""
    assert run([*command.split(), *FAILING[command], "--json"]) == 2
    output = capsys.readouterr()
    (line,) = output.err.splitlines()
    assert (output.out, line.startswith("unloop: ")) == ("", True)


@pytest.mark.parametrize(
    ("words", "answer", "aside"),
    [
        (["campaign", "list"], "c1", ""),
        (["campaign", "show"], "Campaign c1: running", "unloop report"),
        (["host", "list"], "queued", "1 hosts"),
        (["host", "show", "a"], "a in c1: queued", ""),
        (["inventory", "check", "hosts.csv"], "hosts.csv: 1 hosts", ""),
        (["playbook", "list"], "channel-file-291", "unloop playbook test"),
        (["playbook", "check", "asr-shortcuts"], "good, holds on", ""),
        (["playbook", "test", "asr-shortcuts"], "fixtures hold", ""),
        (["doctor"], "known_hosts", ""),
    ],
)
def test_answers_go_to_stdout_and_hints_to_stderr(
    words: list[str], answer: str, aside: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list or a record can be piped and grepped; what to do next is no part of it."""
    run(words)
    output = capsys.readouterr()
    assert answer in output.out
    assert aside in output.err
    assert bool(aside) == bool(output.err)


def test_a_report_answers_with_its_path(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing but the path, so that a script can open it."""
    assert run(["report", "-o", "monday.html"]) == 0
    assert capsys.readouterr() == (f"{Path.cwd() / 'monday.html'}\n", "")


def test_json_stands_alone_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    """One document and nothing else."""
    assert run(["host", "show", "a", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "a"
