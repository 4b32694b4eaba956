"""The files of a simulated host that somebody holds open, and what its programs say of them."""

from datetime import UTC, datetime

import pytest

from simulated import machine_with
from unloop.rehearsal.cmd.shell import run as run_cmd
from unloop.rehearsal.cmd.surroundings import Surroundings
from unloop.rehearsal.filetree import FileInUse
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.powershell.shell import run as run_powershell

NOW = datetime(2024, 7, 19, tzinfo=UTC)
HELD, OTHER = ("Drivers", "bad.sys"), ("Drivers", "other.sys")
WORDS = "The process cannot access the file because it is being used by another process."


def host() -> Machine:
    """A host with two files, of which one is held."""
    machine = machine_with({HELD: b"bad", OTHER: b"other"})
    machine.files.hold([HELD])
    return machine


def names(machine: Machine) -> list[str]:
    """What is in the directory of the tests."""
    return [node.name for node in machine.files.children(("Drivers",))]


def test_a_held_file_is_read_and_stays_what_and_where_it_is() -> None:
    """It can't be written, moved, deleted or replaced, nor taken away with its directory; case does not matter."""
    files = host().files
    assert (files.stat(HELD).content, files.is_held(("drivers", "BAD.SYS"))) == (b"bad", True)
    with pytest.raises(FileInUse):
        files.write(HELD, b"", modified=NOW)
    with pytest.raises(FileInUse):
        files.rename(HELD, ("Drivers", "x"))
    with pytest.raises(FileInUse):
        files.remove(HELD)
    with pytest.raises(PermissionError):
        files.rename(("Drivers",), ("Elsewhere",))
    assert (files.stat(HELD).content, files.exists(("Elsewhere",))) == (b"bad", False)


def test_who_lets_go_of_a_file_lets_it_be_moved() -> None:
    """What is held now is all that is held."""
    files = host().files
    files.hold([])
    files.rename(HELD, ("Drivers", "x"))
    assert files.exists(("Drivers", "x"))


@pytest.mark.parametrize(
    ("line", "said", "code"),
    [
        ("del /f C:\\Drivers\\*.sys", f"C:\\Drivers\\bad.sys\r\n{WORDS}\r\n", 0),
        ("ren C:\\Drivers\\bad.sys x", f"{WORDS}\r\n", 1),
        ("move C:\\Drivers\\bad.sys C:\\Drivers\\x", f"{WORDS}\r\n", 1),
        ("echo x> C:\\Drivers\\bad.sys", f"{WORDS}\r\n", 1),
    ],
)
def test_cmd_says_that_a_file_is_in_use(line: str, said: str, code: int) -> None:
    """The other files of a pattern are deleted all the same, as DEL does."""
    machine = host()
    outcome = run_cmd(machine, line, later=lambda _: pytest.fail("restarted"), around=Surroundings({}, "", ""))
    assert (outcome.errors, outcome.code) == (said, code)
    assert names(machine) == (["bad.sys"] if line.startswith("del") else ["bad.sys", "other.sys"])


@pytest.mark.parametrize("program", ["Remove-Item C:\\Drivers\\bad.sys -Force", "Rename-Item C:\\Drivers\\bad.sys x"])
def test_cmdlets_say_that_a_file_is_in_use(program: str) -> None:
    """As errors that do not end the program."""
    machine = host()
    outcome = run_powershell(machine, f"{program}; 'on'", later=lambda _: None)
    assert [("being used by another process" in error.message) for error in outcome.errors] == [True]
    assert (outcome.output, names(machine)) == (("on",), ["bad.sys", "other.sys"])
