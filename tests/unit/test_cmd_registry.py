"""``reg`` on a simulated Windows host: what it adds and deletes is what PowerShell and service control see."""

import pytest

from simulated import machine_with
from unloop.rehearsal.cmd.shell import Outcome, run
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.powershell.registry import has_key, value_at

SAFE = r"SYSTEM\CurrentControlSet\Control\SafeBoot\Network"


def cmd(machine: Machine, line: str) -> Outcome:
    """What a line comes to."""
    return run(machine, line, later=lambda _: None)


@pytest.fixture
def machine() -> Machine:
    """A Windows host."""
    return machine_with({("Windows", "System32", "x"): b""})


def test_a_service_is_registered_for_safe_mode_and_taken_out_again(machine: Machine) -> None:
    """A key with its nameless value is there after reg add, and gone with all below it after reg delete."""
    added = cmd(machine, rf"reg.exe add HKLM\{SAFE}\unloop /ve /t REG_SZ /d Service /f")
    assert (added.code, added.output) == (0, "The operation completed successfully.\r\n")
    entry = value_at(machine, rf"{SAFE}\UNLOOP", "(default)")
    assert entry is not None
    assert (has_key(machine, rf"{SAFE}\unloop"), entry.kind, entry.content) == (True, "String", "Service")
    assert cmd(machine, rf"reg delete HKEY_LOCAL_MACHINE\{SAFE}\unloop /f").code == 0
    assert has_key(machine, rf"{SAFE}\unloop") is False
    assert cmd(machine, rf"reg delete HKLM\{SAFE}\unloop /f").code == 1


def test_values_have_kinds_and_are_not_overwritten_unasked(machine: Machine) -> None:
    """Numbers and texts are kept as such; without /f nobody is there to say yes."""
    assert cmd(machine, r'reg add HKLM\SOFTWARE\a /v "b c" /t REG_DWORD /d 0x10').code == 0
    assert cmd(machine, r'reg add HKLM\SOFTWARE\a /v "b c" /t REG_DWORD /d 17').code == 1
    entry = value_at(machine, r"SOFTWARE\a", "b c")
    assert entry is not None
    assert (entry.kind, entry.content) == ("DWord", 16)
    assert cmd(machine, r'reg add HKLM\SOFTWARE\a /v "b c" /t REG_DWORD /d 17 /f').code == 0
    assert cmd(machine, r'reg delete HKLM\SOFTWARE\a /v "b c"').code == 1
    assert cmd(machine, r'reg delete HKLM\SOFTWARE\a /v "b c" /f').code == 0
    assert (value_at(machine, r"SOFTWARE\a", "b c"), has_key(machine, r"SOFTWARE\a")) == (None, True)


@pytest.mark.parametrize(
    "line",
    [
        "reg",
        "reg query HKLM\\x",
        "reg add",
        "reg add HKCU\\x /f",
        "reg add HKLM /f",
        "reg add HKLM\\a /ve /v b /f",
        "reg add HKLM\\a /v b /t REG_BINARY /d 00 /f",
        "reg add HKLM\\a /v b /t REG_DWORD /d 4294967296 /f",
        "reg add HKLM\\a /s x",
        "reg delete HKLM\\nothing /f",
    ],
)
def test_what_it_does_not_do_is_an_error(machine: Machine, line: str) -> None:
    """Other commands, hives, kinds and numbers change nothing and end with 1."""
    assert cmd(machine, line).code == 1
    assert machine.state.get("registry", {}) == {}
