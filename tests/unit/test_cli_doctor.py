"""``unloop doctor`` on whom settings trust: one clear line for each file, with what to do about it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from unloop.cli.finding import Mark
from unloop.cli.main import run
from unloop.cli.peers import broker_finding, trust_findings
from unloop.rehearsal.certificate import issue
from unloop.settings.schema import Settings, TrustSettings

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE4Rv3pNoTtq5g3oZkXkzq7s8yZ5cQbYhQx3mXQ2d1aB"


def told(trust: TrustSettings) -> dict[str, tuple[Mark, str]]:
    """What the doctor says of whom to trust, by what it is about."""
    found = trust_findings(replace(Settings(), trust=trust))
    return {finding.about: (finding.mark, finding.text) for finding in found}


def test_files_that_are_good_are_counted(tmp_path: Path) -> None:
    """How many keys of how many names, and how many authorities."""
    known, authority = tmp_path / "known_hosts", tmp_path / "ca.pem"
    known.write_text(f"# a comment\nweb1,192.0.2.1 {KEY}\nweb2 {KEY[:-2]}cd\n")
    authority.write_bytes(issue(["192.0.2.1"]).authority)
    found = told(TrustSettings(str(known), str(authority), {"192.0.2.9": "00"}))
    assert found == {
        "known_hosts": (Mark.OK, f"{known}: 2 keys of 3 names"),
        "tls_ca": (Mark.OK, f"{authority}: 1 certificates of authorities; 1 certificates are pinned"),
    }


def test_files_that_are_not_there_are_bad_where_the_settings_name_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that nobody named may be missing: that is worth a note, since not every fleet has SSH."""
    gone = str(tmp_path / "gone")
    found = told(TrustSettings(gone, gone))
    assert [mark for mark, _ in found.values()] == [Mark.BAD, Mark.BAD]
    assert "ssh-keyscan" in found["known_hosts"][1]
    assert "correct trust.tls_ca" in found["tls_ca"][1]
    monkeypatch.setenv("HOME", str(tmp_path))
    assert [mark for mark, _ in told(TrustSettings()).values()] == [Mark.NOTE, Mark.OK]


def test_files_that_can_not_be_read_are_bad(tmp_path: Path) -> None:
    """A garbled key is told with its line; an authority that is no PEM with what it has to be."""
    garbled = tmp_path / "garbled"
    garbled.write_text("web1 ssh-ed25519 AAAAC\n")
    found = told(TrustSettings(str(garbled), str(garbled)))
    assert [mark for mark, _ in found.values()] == [Mark.BAD, Mark.BAD]
    assert "line 1" in found["known_hosts"][1]
    assert "BEGIN CERTIFICATE" in found["tls_ca"][1]


def test_an_empty_file_of_keys_is_as_none(tmp_path: Path) -> None:
    """Every SSH host would be refused: whoever named the file is told."""
    (tmp_path / "empty").touch()
    mark, text = told(TrustSettings(str(tmp_path / "empty")))["known_hosts"]
    assert (mark, "holds no key" in text) == (Mark.BAD, True)


def test_no_broker_is_needed_on_one_machine() -> None:
    """The default settings have none, and that is said."""
    assert broker_finding(Settings()).mark is Mark.OK


def test_every_check_has_a_line_in_the_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Broker, host keys and authorities stand in the doctor's JSON, whatever else is found."""
    (tmp_path / "unloop.toml").write_text(f'[store]\nurl = "sqlite:///{tmp_path / "state.db"}"\n')
    run(["doctor", "--json", "-c", str(tmp_path / "unloop.toml")])
    abouts = [item["about"] for item in json.loads(capsys.readouterr().out)]
    assert [about for about in ("broker", "known_hosts", "tls_ca") if about not in abouts] == []
