"""A command that unloop suggests can be pasted as it stands."""

from pathlib import Path

import click
import pytest

from campaigns import campaign_with, host
from unloop.cli.hints import command, works_by
from unloop.cli.main import run
from unloop.store.database import open_database


@click.command()
@click.option("-c", "--config")
@click.option("--other", is_flag=True)
def suggests(config: str | None, other: bool) -> str:
    """A command that suggests another; ``other``: it works by a settings file of its own."""
    assert config is None or config.endswith(".toml")
    if other:
        works_by(Path("rehearsal/unloop.toml"))
    return command("campaign resume", "c1", "--where", "not good")


@pytest.mark.parametrize(
    ("given", "end"),
    [
        ([], ""),
        (["-c", "my.toml"], " -c my.toml"),
        (["--config", "my settings.toml"], " -c 'my settings.toml'"),
        (["-c", "my.toml", "--other"], " -c rehearsal/unloop.toml"),
    ],
)
def test_a_suggestion_carries_the_settings_file_of_its_command(given: list[str], end: str) -> None:
    """As it was given, quoted for a shell; a rehearsal's own where the command works by that."""
    told = suggests.main(args=given, standalone_mode=False)
    assert told == f"unloop campaign resume c1 --where 'not good'{end}"


def test_outside_of_a_command_there_is_no_file_to_carry() -> None:
    """Code that no command called suggests the bare words."""
    assert command("worker") == "unloop worker"


def test_a_hold_suggests_its_own_release(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the campaign, the selection and the settings file: pasted into the shell, it releases just those hosts."""
    url, file = f"sqlite:///{tmp_path / 'state.db'}", str(tmp_path / "unloop.toml")
    Path(file).write_text(f'[store]\nurl = "{url}"\n')
    database = open_database(url)
    campaign_with(database, host("a"), host("b"))
    database.close()
    words = ["c1", "--where", "name=a"]
    assert run(["host", "hold", *words, "--reason", "migration", "-c", file]) == 0
    told = f"1 hosts are held: migration. Let them go on with: unloop host release c1 --where name=a -c {file}\n"
    assert capsys.readouterr().err == told
    assert run(["host", "release", *words, "-c", file]) == 0


def test_init_suggests_a_check_with_what_it_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In another directory the settings beside the inventory have to be named."""
    monkeypatch.chdir(tmp_path)
    assert run(["init", "there"]) == 0
    told = "next: fill in both, then run: unloop inventory check there/hosts.csv -c there/unloop.toml"
    assert capsys.readouterr().err.splitlines()[-1] == told
