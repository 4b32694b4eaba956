"""The plan says, before anything is touched, what happens to which host: resets, restarts, and what is changed."""

import json
from pathlib import Path
from typing import Any

import pytest

from unloop.cli.main import run

HOSTS = """\
name,address,system,channels,credential,bmc,role
files-01,192.0.2.1,windows,smb,admin,192.0.2.101,
shell-01,192.0.2.2,windows,winrm,admin,192.0.2.102,
shell-02,192.0.2.3,windows,smb winrm,admin,,hypervisor
nobody-1,192.0.2.4,windows,winrm,,192.0.2.104,
"""
SETTINGS = (
    '[credentials.admin]\nusername = "admin"\npassword = "env:PW"\nlocal = true\n[verify]\nrestart_after = "5m"\n'
)
PLAYBOOK = """\
unloop: 1
name: bad-file
title: A bad file
system: windows
vars: {directory: 'C:\\x'}
actions:
  - quarantine_file: {path: '{{ directory }}\\bad.sys'}
verify:
  - file_absent: '{{ directory }}\\bad.sys'
"""
WORDS = ["run", "playbook.yml", "-i", "hosts.csv", "-c", "unloop.toml", "--dry-run"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a directory of its own with an inventory, settings and a playbook."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for name, text in {"hosts.csv": HOSTS, "unloop.toml": SETTINGS, "playbook.yml": PLAYBOOK}.items():
        Path(name).write_text(text)


def planned(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The plan as programs read it."""
    assert run([*WORDS, "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_a_secret_that_can_t_be_read_stops_a_run_before_it_begins(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run may be made where the secrets are not, and says so; a run would only fail on every host."""
    monkeypatch.delenv("PW", raising=False)
    what = "the password of credential 'admin': the environment variable PW is not set"
    assert run(WORDS) == 0
    assert f"warning: {what}" in capsys.readouterr().err
    assert run([*WORDS[:-1], "--yes"]) == 2
    assert f"unloop: {what}" in capsys.readouterr().err


def test_hosts_that_nobody_can_log_on_to_are_not_begun_with(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a credential for any of them a campaign could only fail."""
    Path("hosts.csv").write_text("name,address\nws-1,192.0.2.1\n")
    assert run([*WORDS[:-1], "--yes"]) == 2
    assert "unloop: no credential is named for any of the 1 hosts; nothing was started" in capsys.readouterr().err


def test_the_plan_names_the_hosts_that_may_be_restarted(capsys: pytest.CaptureFixture[str]) -> None:
    """Those that a program can be run on, whatever their role; not those with files alone or without a credential."""
    document = planned(capsys)
    assert {host["name"]: host["restarts"] for host in document["hosts"]} == {
        "files-01": False,
        "shell-01": True,
        "shell-02": True,
        "nobody-1": False,
    }
    assert document["restart_after"] == 300.0
    (notes,) = [host["notes"] for host in document["hosts"] if host["name"] == "shell-02"]
    assert "role hypervisor: restarted from inside all the same, if it stays up after the repair" in notes


def test_people_read_who_is_restarted_and_when(capsys: pytest.CaptureFixture[str]) -> None:
    """One row has the number, the time, the setting and the names."""
    assert run(WORDS) == 0
    output = capsys.readouterr()
    told = (
        "2 of 4 hosts may be restarted from inside, once, in an orderly way, 300 s after the remedy landed, where the "
        "host has stayed in that boot (verify.restart_after): shell-[01-02]"
    )
    assert told in " ".join((output.out + output.err).replace("│", " ").split())


@pytest.mark.parametrize(
    ("path", "told", "example"),
    [
        ("C:\\{{ host.name }}.sys", "quarantine_file C:\\files-01.sys (for example on files-01)", "files-01"),
        ("C:\\{{ host.system }}.sys", "quarantine_file C:\\windows.sys", None),
    ],
)
def test_what_is_changed_is_an_example_where_it_differs(
    path: str, told: str, example: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever reads one host's path is told that it is one host's; where all are alike nothing is added."""
    Path("playbook.yml").write_text(PLAYBOOK.replace("'{{ directory }}\\bad.sys'}", f"'{path}'}}"))
    assert planned(capsys)["changes_example"] == example
    assert run(WORDS) == 0
    output = capsys.readouterr()
    rows = [line.split("│")[2].strip() for line in (output.out + output.err).splitlines() if "│ changes" in line]
    assert rows == [told]
