"""What is wrong with the input is told in lines with a place and a way out, exit code 2 or 3, and nothing is half done."""

import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from disks import fill, small_disk
from fleets import UNLOOP, unloop
from servers import free_port, require
from unloop.store.database import open_database

HOSTS = """\
name,address,system,channels,credential,site
web1,192.0.2.1,windows,smb,admin,LHR
"""
CREDENTIAL = '[credentials.admin]\nusername = "admin"\npassword = "env:PW"\nlocal = true\n'
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
RUN = ("run", "playbook.yml", "-i", "hosts.csv", "-c", "unloop.toml", "--yes")
STORE = "state.db"


def prepare(directory: Path, *, settings: str = "", **files: str) -> None:
    """Everything that a run needs, with some of it replaced; the store is beside it unless the settings name another."""
    store = "" if "[store]" in settings else f'[store]\nurl = "sqlite:///{directory / STORE}"\n'
    known = {"hosts.csv": HOSTS, "playbook.yml": PLAYBOOK, "unloop.toml": CREDENTIAL + store + settings}
    for name, content in {**known, **{name.replace("_", "."): content for name, content in files.items()}}.items():
        (directory / name).write_text(content, encoding="utf-8")


def complaints(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines in which the command says what is wrong; it says nothing else on stdout, and shows no traceback."""
    assert (done.stdout, "Traceback" in done.stderr) == ("", False), done.stderr
    return [line.removeprefix("unloop: ") for line in done.stderr.splitlines() if line.startswith("unloop: ")]


@pytest.mark.parametrize(
    ("files", "code", "told"),
    [
        pytest.param(
            {"playbook_yml": PLAYBOOK.replace("- quarantine_file", "- quarantin_file")},
            2,
            ["playbook.yml:7:5: there is no verb 'quarantin_file'; did you mean 'quarantine_file'?"],
            id="a misspelt verb",
        ),
        pytest.param(
            {"playbook_yml": PLAYBOOK.replace("'{{ directory }}\\bad.sys'}", "'{{ directry }}\\bad.sys'}")},
            2,
            [
                (
                    "playbook.yml:7:29: template: 'directry' is undefined; did you mean 'directory'? "
                    "known: campaign, directory, host"
                )
            ],
            id="an undefined name",
        ),
        pytest.param(
            {"hosts_csv": HOSTS + "web2,300.1.1.1,windows,smb,admin,LHR\nweb3,192.0.2.3\nweb4,192.0.2.4,beos,,,\n"},
            2,
            [
                "hosts.csv:3: web2: address: '300.1.1.1' is no IP address and no DNS name",
                "hosts.csv:4: 2 cells, but the header has 6",
                "hosts.csv:5: web4: system: 'beos' is none of windows, linux",
            ],
            id="broken lines",
        ),
        pytest.param(
            {"hosts_csv": HOSTS + "WEB1,192.0.2.2,windows,smb,admin,LHR\nweb3,192.0.2.1,windows,smb,admin,LHR\n"},
            2,
            [
                "hosts.csv:3: WEB1: name WEB1 is also that of web1 (hosts.csv:2)",
                "hosts.csv:4: web3: address 192.0.2.1 is also that of web1 (hosts.csv:2)",
            ],
            id="duplicate hosts",
        ),
        pytest.param(
            {"settings": "[race]\nresetz = 5\n[rase]\n"},
            2,
            [
                "unloop.toml:8: race has no setting 'resetz'; did you mean 'resets'?",
                "unloop.toml:9: no setting is called 'rase'; did you mean 'race'?",
            ],
            id="unknown settings",
        ),
    ],
)
def test_bad_input_is_told_at_once_with_its_places(
    tmp_path: Path, files: dict[str, str], code: int, told: list[str]
) -> None:
    """Every problem in a line of its own, and not even a store is made."""
    prepare(tmp_path, **files)
    done = unloop(*RUN, directory=tmp_path)
    assert (done.returncode, complaints(done)) == (code, told)
    assert not (tmp_path / STORE).exists()


def test_an_empty_selection_starts_nothing(tmp_path: Path) -> None:
    """It has an exit code of its own, and says which part matched nothing, and what there is."""
    prepare(tmp_path)
    done = unloop(*RUN, "--select", "site=AMS", directory=tmp_path)
    told = "the selection 'site=AMS' matches none of 1 hosts (site=AMS: 0); site is LHR (1)"
    assert (done.returncode, complaints(done)) == (3, [told])
    done = unloop(*RUN, "--select", "", directory=tmp_path)
    told = "--select is given and empty; leave it out to select every host"
    assert (done.returncode, complaints(done)) == (3, [told])
    assert not (tmp_path / STORE).exists()


def _noise(path: Path) -> None:
    path.write_bytes(b"no database at all\n" * 500)


def _cut(path: Path) -> None:
    open_database(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    path.write_bytes(path.read_bytes()[: 12 * 4096])


def _newer(path: Path) -> None:
    open_database(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()


def _foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            _noise,
            ": file is not a database; it is corrupt or not a store; restore it from a backup or name another store",
        ),
        (_cut, ": database disk image is malformed; it is corrupt; restore it from a backup or name another store"),
        (
            _newer,
            (
                " has schema revision '9999', which this version of unloop does not know; "
                "use the version that wrote it, or another store"
            ),
        ),
        (_foreign, " holds tables that are not unloop's; name another store"),
    ],
)
def test_a_store_that_can_not_be_used_is_left_as_it_is(tmp_path: Path, make: object, told: str) -> None:
    """Whatever command opens it says what it is and what to do, and changes no byte of it."""
    assert callable(make)
    prepare(tmp_path)
    store = tmp_path / STORE
    make(store)
    before = store.read_bytes()
    for words in (RUN, ("campaign", "list", "-c", "unloop.toml"), ("campaign", "resume", "-c", "unloop.toml")):
        done = unloop(*words, directory=tmp_path)
        assert (done.returncode, complaints(done)) == (2, [f"store sqlite:///{store}{told}"])
    assert store.read_bytes() == before


def test_a_postgresql_that_is_not_there_is_told(tmp_path: Path) -> None:
    """With its address, without a password, and with what to do; also by a worker."""
    url = f"postgresql+psycopg://unloop:canary@127.0.0.1:{free_port()}/unloop"
    prepare(tmp_path, settings=f'[store]\nurl = "{url.replace(":canary", "")}"\npassword = "env:PW"\n')
    for words in (RUN, ("campaign", "list", "-c", "unloop.toml")):
        done = unloop(*words, directory=tmp_path, environment={"PW": "canary"})
        (told,) = complaints(done)
        assert (done.returncode, "canary" in done.stderr) == (2, False)
        assert told.startswith(f"store {url.replace('canary', '***')}: connection failed: ")
        assert told.endswith("; start it, or correct store.url in unloop.toml")


@pytest.mark.parametrize("words", [RUN, ("worker", "--processes", "1", "-c", "unloop.toml")])
def test_a_broker_that_is_not_there_is_told_before_anything_begins(tmp_path: Path, words: tuple[str, ...]) -> None:
    """No worker starts, and no campaign that nobody would hear of."""
    url = f"redis://127.0.0.1:{free_port()}/0"
    prepare(tmp_path, settings=f'[broker]\nurl = "{url}"\n')
    done = unloop(*words, directory=tmp_path)
    (told,) = complaints(done)
    assert done.returncode == 2
    assert told.startswith(f"broker {url} can't be reached: ")
    assert told.endswith("; start it, or correct broker.url in unloop.toml")
    assert not (tmp_path / STORE).exists()


@pytest.mark.parametrize("words", [RUN, ("worker", "--processes", "1", "-c", "unloop.toml")])
def test_a_broker_of_an_unknown_kind_is_told(tmp_path: Path, words: tuple[str, ...]) -> None:
    """A misspelt URL is no traceback."""
    prepare(tmp_path, settings='[broker]\nurl = "redid://127.0.0.1/0"\n')
    done = unloop(*words, directory=tmp_path)
    (told,) = complaints(done)
    assert (done.returncode, "broker.url" in told, "Did you mean redis?" in told) == (2, True, True)


def test_a_state_directory_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    """With its path and what to check, whether the directory can't be made or the file in it."""
    prepare(tmp_path, settings="[store]\n")
    closed = tmp_path / "closed"
    (closed / "inner" / "unloop").mkdir(parents=True)
    for directory in (closed / "inner" / "unloop", closed / "inner", closed):
        directory.chmod(0o500)
    for home, told in (
        (
            closed / "new",
            f"Permission denied: {closed / 'new'}; check that it may be made there, or name another store.url",
        ),
        (closed / "inner", "unable to open database file; check that the path exists and may be written"),
    ):
        done = _without_override(*RUN, directory=tmp_path, state=home)
        store = f"store sqlite:///{home / 'unloop' / 'unloop.db'}: "
        assert (done.returncode, complaints(done)) == (2, [store + told])
    assert sorted(path.name for path in closed.rglob("*")) == ["inner", "unloop"]


def _without_override(*words: str, directory: Path, state: Path) -> subprocess.CompletedProcess[str]:
    """Run unloop as somebody for whom permissions count: root without the capability to pass them over."""
    prefix: list[str] = []
    if os.geteuid() == 0:
        dropped = "-dac_override,-dac_read_search"
        prefix = [require("setpriv"), f"--bounding-set={dropped}", f"--inh-caps={dropped}"]
    environment = {**os.environ, "COLUMNS": "120", "XDG_STATE_HOME": str(state)}
    return subprocess.run(
        [*prefix, *UNLOOP, *words],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_a_full_disk_is_told_and_nothing_is_half_done(tmp_path: Path) -> None:
    """A store that can't be made, or a campaign that can't be written: one line, and once there is room all is as before."""
    with small_disk(tmp_path / "disk", "1m") as disk:
        store = disk / STORE
        prepare(tmp_path, settings=f'[store]\nurl = "sqlite:///{store}"\n')
        listing = ("campaign", "list", "-c", "unloop.toml", "--json")
        for exists in (False, True):
            if exists:
                open_database(f"sqlite:///{store}").close()
            filling = fill(disk)
            done = unloop(*RUN, directory=tmp_path, environment={"PW": "canary"})
            (told,) = complaints(done)
            assert (done.returncode, told.startswith(f"store sqlite:///{store}: ")) == (2, True)
            assert "full" in told
            assert told.endswith("then try again (a campaign: `unloop campaign resume`); nothing recorded is lost")
            filling.unlink()
        assert unloop(*listing, directory=tmp_path).stdout.strip() == "[]"
