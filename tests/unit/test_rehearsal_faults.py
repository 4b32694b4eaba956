"""A playbook's fixtures put onto simulated machines, and judged there."""

import random
from pathlib import Path

import pytest

from unloop.errors import InputError
from unloop.model.host import System
from unloop.playbook.load import load
from unloop.rehearsal import faults
from unloop.rehearsal.held import can_be_held
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.scenario import generate

SHIPPED = Path(__file__).parents[2] / "playbooks"
PLAYBOOK = r"""
unloop: 1
name: bad-file
title: A bad file
system: windows
vars: {directory: 'C:\Windows\System32\drivers\Vendor', from: '2024-07-19T04:09:00Z'}
actions:
  - quarantine_file: {path: '{{ directory }}\bad*.sys'}
verify:
  - file_absent: '{{ directory }}\bad*.sys'
"""
SICK = r"""
title: a sick host
files:
  - {path: 'c:\windows\system32\DRIVERS\Vendor\bad-1.sys', modified: '2024-07-19T04:30:00Z', hex: AABB, size: 10}
registry: {'HKLM\SYSTEM\CurrentControlSet\Services\vendor\Start': 1}
services: {Vendor: running}
updates: [KB1]
after_boot: {services: {Vendor: stopped}, updates: {KB1: false}}
crashes_while:
  - file_present: {path: '{{ directory }}\bad*.sys', guard: {header: AA BB, modified: {from: '{{ from }}'}}}
  - registry_value: {path: 'HKLM\system\CurrentControlSet\Services\VENDOR\start', equals: 1}
  - service_running: vendor
expect: {verdict: landed}
"""
HEALTHY = "title: a good host\nexpect: {verdict: no_match}\n"


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    """A playbook with its fixtures."""
    cases = tmp_path / "fixtures" / "bad-file"
    cases.mkdir(parents=True)
    (cases / "sick.yml").write_text(SICK)
    (cases / "healthy.yml").write_text(HEALTHY)
    path = tmp_path / "bad-file.yml"
    path.write_text(PLAYBOOK)
    return path


def _machine(case: faults.Case) -> Machine:
    spec = generate(1, 1, systems=(System.WINDOWS,))[0]
    machine = Machine(spec, faults.new_tree(System.WINDOWS), case.is_broken, random.Random(1))  # noqa: S311
    faults.put_on(machine, case)
    return machine


def test_sick_machine_is_broken_until_its_file_is_gone(playbook: Path) -> None:
    """A machine with the sick case's files would crash; without the file it would not, and back again."""
    machine = _machine(faults.load_cases(playbook).sick[0])
    path = ("Windows", "System32", "drivers", "Vendor", "bad-1.sys")
    assert machine.is_broken(machine)
    machine.files.make_directory(("quarantine",), modified=faults.EPOCH)
    machine.files.rename(path, ("quarantine", "x.q"))
    assert not machine.is_broken(machine)
    machine.files.rename(("quarantine", "x.q"), path)
    assert machine.is_broken(machine)


def test_the_files_at_fault_are_those_that_the_crash_conditions_mean(playbook: Path) -> None:
    """They are what a driver may hold open."""
    case = faults.load_cases(playbook).sick[0]
    machine = _machine(case)
    assert case.files_at_fault(machine) == (("Windows", "System32", "drivers", "Vendor", "bad-1.sys"),)
    machine.files.remove(("Windows", "System32", "drivers", "Vendor", "bad-1.sys"))
    assert case.files_at_fault(machine) == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", False),
        ("verify:", "ladder: [race, safe_mode]\nverify:", True),
        ("verify:", "  - disable_driver: {name: vendor}\nladder: [race, safe_mode]\nverify:", False),
    ],
)
def test_only_a_file_that_safe_mode_sets_free_can_be_held(playbook: Path, old: str, new: str, expected: bool) -> None:
    """The ladder has to lead there, and SMB alone, which is all that there is, has to carry the remedy."""
    playbook.write_text(PLAYBOOK.replace(old, new) if old else PLAYBOOK)
    assert can_be_held(load(playbook)) is expected


def test_registry_and_services_count_too(playbook: Path) -> None:
    """Every condition must hold for a crash."""
    machine = _machine(faults.load_cases(playbook).sick[0])
    (key,) = machine.state["registry"]
    machine.state["registry"][key] = 4
    assert not machine.is_broken(machine)
    machine.state["registry"][key] = 1
    machine.state["services"]["Vendor"] = "stopped"
    assert not machine.is_broken(machine)


def test_file_that_fails_the_guard_is_no_fault(playbook: Path) -> None:
    """Another header under the same name does not make the host crash."""
    machine = _machine(faults.load_cases(playbook).sick[0])
    path = ("Windows", "System32", "drivers", "Vendor", "bad-1.sys")
    machine.files.write(path, b"MZ", modified=machine.files.stat(path).modified)
    assert not machine.is_broken(machine)


def test_a_good_boot_brings_what_the_fixture_says(playbook: Path) -> None:
    """Changes after a boot reach services and updates."""
    case = faults.load_cases(playbook).sick[0]
    machine = _machine(case)
    faults.apply(machine, case.fixture.after_boot)
    assert machine.state["services"] == {"Vendor": "stopped"}
    assert machine.state["updates"] == set()


def test_healthy_machine_is_not_broken(playbook: Path) -> None:
    """A case that says nothing of crashes never does."""
    machine = _machine(faults.load_cases(playbook).healthy[0])
    assert not machine.is_broken(machine)


def test_current_control_set_is_the_first(playbook: Path) -> None:
    """A value written to ControlSet001 counts for CurrentControlSet."""
    machine = _machine(faults.load_cases(playbook).sick[0])
    path = r"HKLM\SYSTEM\ControlSet001\Services\vendor\Start"
    machine.state["registry"] = {path: 1}
    assert machine.is_broken(machine)
    machine.state["registry"] = {path: 4}
    assert not machine.is_broken(machine)


def test_host_crashes_unless_something_holds(playbook: Path) -> None:
    """A host that crashes unless an update is absent crashes while it is installed."""
    sick = playbook.parent / "fixtures" / "bad-file" / "sick.yml"
    text = "updates: [KB5000001]\ncrashes_unless: [update_absent: KB5000001]\n"
    sick.write_text("title: a sick host\nexpect: {verdict: landed}\n" + text)
    machine = _machine(faults.load_cases(playbook).sick[0])
    assert machine.is_broken(machine)
    machine.state["updates"].remove("KB5000001")
    assert not machine.is_broken(machine)


def test_playbook_without_fixtures_is_refused(playbook: Path) -> None:
    """What nobody has described can't be rehearsed; the error says what to write."""
    for path in (playbook.parent / "fixtures" / "bad-file").iterdir():
        path.unlink()
    with pytest.raises(InputError) as caught:
        faults.load_cases(playbook)
    assert [problem.hint for problem in caught.value.problems] == [
        "write fixtures/bad-file/sick.yml",
        "write fixtures/bad-file/healthy.yml",
    ]


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yml")), ids=lambda path: path.stem)
def test_shipped_playbooks_can_be_rehearsed(path: Path) -> None:
    """Every shipped playbook's sick host crashes if it says when it would, and its healthy one does not."""
    cases = faults.load_cases(path)
    for case in (*cases.sick, *cases.healthy):
        spec = generate(1, 1, systems=(cases.system,))[0]
        machine = Machine(spec, faults.new_tree(cases.system), case.is_broken, random.Random(1))  # noqa: S311
        faults.put_on(machine, case)
        assert machine.is_broken(machine) is (case in cases.sick and bool(case.crashes_while or case.crashes_unless))


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        (r"C:\Windows\x.sys", ("Windows", "x.sys")),
        ("C:\\", ()),
        ("/etc/x", ("etc", "x")),
        ("/", ()),
        ("/srv/a:b", ("srv", "a:b")),
    ],
)
def test_paths_become_components(path: str, parts: tuple[str, ...]) -> None:
    """Drive letters are left out, and a colon in a Linux name stays."""
    assert faults.tree_path(path) == parts
