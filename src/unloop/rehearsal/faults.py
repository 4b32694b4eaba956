"""What is wrong with simulated hosts: a playbook's own fixtures, put onto machines and judged there."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unloop.actions.checks import make_check
from unloop.errors import InputError, Problem
from unloop.model.files import FileEntry, FileGuard, Judgement, judge_content, judge_listing
from unloop.model.host import System
from unloop.model.order import Check, CheckKind
from unloop.model.patterns import join, matches, split
from unloop.playbook.document import Playbook
from unloop.playbook.fixture import Changes, Fixture
from unloop.playbook.fixture_load import fixture_paths, load_fixture
from unloop.playbook.load import load
from unloop.playbook.render import render
from unloop.rehearsal.filetree import EPOCH, FileTree
from unloop.rehearsal.machine import Machine

DIRECTORIES = (("Windows", "System32", "drivers"), ("Windows", "Temp"))


@dataclass(frozen=True, slots=True)
class Case:
    """One fixture, ready to be put onto machines.

    A machine crashes while all of ``crashes_while`` hold, and not all of ``crashes_unless``; with neither it never does.
    """

    fixture: Fixture
    system: System
    crashes_while: tuple[Check, ...] = ()
    crashes_unless: tuple[Check, ...] = ()

    def files_at_fault(self, machine: Machine) -> tuple[tuple[str, ...], ...]:
        """Where on a machine the files are whose presence makes it crash."""
        present = (check for check in self.crashes_while if check.kind is CheckKind.FILE_PRESENT)
        found = (entry for check in present for entry in files_that_match(machine, check.pattern, check.guard))
        return tuple(tree_path(entry.path) for entry in found)

    def is_broken(self, machine: Machine) -> bool:
        """Whether the boot would crash, with the machine as it is."""
        if not self.crashes_while and not self.crashes_unless:
            return False
        if self.crashes_unless and all(holds(machine, check) for check in self.crashes_unless):
            return False
        return all(holds(machine, check) for check in self.crashes_while)


@dataclass(frozen=True, slots=True)
class Cases:
    """The cases of one playbook: what its broken hosts and its good ones look like."""

    system: System
    sick: tuple[Case, ...]
    healthy: tuple[Case, ...]


def load_cases(playbook_path: Path) -> Cases:
    """The cases of a playbook; raises InputError when none is of a broken host, or none of a good one."""
    playbook = load(playbook_path)
    cases = [_case(playbook, path) for path in fixture_paths(playbook_path)]
    sick = tuple(case for case in cases if case.fixture.is_sick)
    healthy = tuple(case for case in cases if case.fixture.name.startswith("healthy"))
    wanted = f"fixtures/{playbook_path.stem}/"
    problems: list[Problem] = []
    if not sick:
        hint = f"write {wanted}sick.yml"
        problems.append(Problem("a rehearsal needs a fixture of a broken host", str(playbook_path), hint=hint))
    if not healthy:
        hint = f"write {wanted}healthy.yml"
        problems.append(Problem("a rehearsal needs a fixture of a good host", str(playbook_path), hint=hint))
    if problems:
        raise InputError(*problems)
    return Cases(playbook.system, sick, healthy)


def _case(playbook: Playbook, path: Path) -> Case:
    """The crash conditions are rendered as the playbook's own checks would be."""
    fixture = load_fixture(path, system=playbook.system)
    faulty = replace(playbook, not_applicable_if=fixture.crashes_while, already_good_if=fixture.crashes_unless)
    rendered = render(faulty, host=fixture.host, variables=fixture.variables, campaign="rehearsal")
    return Case(
        fixture,
        playbook.system,
        tuple(make_check(step, playbook.system, assessing=True) for step in rendered.not_applicable_if),
        tuple(make_check(step, playbook.system, assessing=True) for step in rendered.already_good_if),
    )


def tree_path(path: str) -> tuple[str, ...]:
    """A full path on the host as components below the root of its volume; a drive letter is left out."""
    plain = path if path.startswith("/") else path.replace("\\", "/").partition(":")[2] or path.replace("\\", "/")
    return tuple(part for part in plain.split("/") if part)


def new_tree(system: System) -> FileTree:
    """The files of a host with nothing on it but its directories."""
    files = FileTree(case_sensitive=system is System.LINUX)
    if system is System.WINDOWS:
        for path in DIRECTORIES:
            files.make_directory(path, modified=EPOCH)
    else:
        for name in ("boot", "etc", "proc", "root", "tmp", "var"):
            files.make_directory((name,), modified=EPOCH)
    return files


def put_on(machine: Machine, case: Case) -> None:
    """Make a machine what the case's fixture says."""
    fixture = case.fixture
    machine.state.setdefault("registry", {}).update(fixture.registry)
    machine.state.setdefault("services", {}).update(fixture.services)
    machine.state.setdefault("updates", set()).update(fixture.updates)
    machine.state["scripts"] = {effect.sha256: effect for effect in fixture.scripts}
    apply(machine, Changes(files=fixture.files))


def apply(machine: Machine, changes: Changes) -> None:
    """Let something happen to a machine: what a script does, or what a boot brings of itself."""
    for file in changes.files:
        path = tree_path(file.path)
        machine.files.make_directory(path[:-1], modified=file.modified)
        machine.files.write(path, file.content, modified=file.modified)
    for text in changes.absent:
        if machine.files.exists(tree_path(text)):
            machine.files.remove(tree_path(text))
    machine.state.setdefault("registry", {}).update(changes.registry)
    machine.state.setdefault("services", {}).update(changes.services)
    updates = machine.state.setdefault("updates", set())
    updates |= {name for name, is_installed in changes.updates.items() if is_installed}
    updates -= {name for name, is_installed in changes.updates.items() if not is_installed}


def holds(machine: Machine, check: Check) -> bool:
    """Whether a check holds on a machine."""
    return _JUDGES[check.kind](machine, check)


def files_that_match(machine: Machine, pattern: str, guard: FileGuard) -> tuple[FileEntry, ...]:
    """The files on a machine that a pattern means and a guard accepts."""
    directory, name = split(pattern)
    place = tree_path(directory)
    if not machine.files.exists(place) or not machine.files.stat(place).is_directory:
        return ()
    minds_case = machine.files.case_sensitive
    entries = tuple(
        FileEntry(join(directory, node.name), node.name, len(node.content), node.modified)
        for node in machine.files.children(place)
        if not node.is_directory and matches(name, node.name, case_sensitive=minds_case)
    )
    return tuple(entry for entry in entries if _is_match(machine, guard, entry, entries))


def _is_match(machine: Machine, guard: FileGuard, entry: FileEntry, siblings: tuple[FileEntry, ...]) -> bool:
    if judge_listing(guard, entry, siblings) is not Judgement.MATCH:
        return False
    content = machine.files.stat(tree_path(entry.path)).content
    sha256 = hashlib.sha256(content).hexdigest() if guard.wants_hash else ""
    return judge_content(guard, head=content[: guard.header_length], sha256=sha256) is Judgement.MATCH


def _file_present(machine: Machine, check: Check) -> bool:
    return bool(files_that_match(machine, check.pattern, check.guard))


def _file_absent(machine: Machine, check: Check) -> bool:
    return not _file_present(machine, check)


def _registry_value(machine: Machine, check: Check) -> bool:
    values: Mapping[str, Any] = machine.state.get("registry", {})
    wanted = registry_key(check.name)
    value = next((value for key, value in values.items() if registry_key(key) == wanted), None)
    text = "\n".join(value) if isinstance(value, tuple) else str(value)
    return value is not None and text == check.expected


def registry_key(path: str) -> str:
    """The path of a registry value as it is compared: without case, and the current control set is the first."""
    return path.casefold().replace("\\currentcontrolset\\", "\\controlset001\\")


def _service_running(machine: Machine, check: Check) -> bool:
    services: Mapping[str, str] = machine.state.get("services", {})
    return any(name.casefold() == check.name.casefold() and state == "running" for name, state in services.items())


def _update_absent(machine: Machine, check: Check) -> bool:
    updates: set[str] = machine.state.get("updates", set())
    return check.name.upper() not in updates


_JUDGES: Mapping[CheckKind, Callable[[Machine, Check], bool]] = {
    CheckKind.FILE_PRESENT: _file_present,
    CheckKind.FILE_ABSENT: _file_absent,
    CheckKind.REGISTRY_VALUE: _registry_value,
    CheckKind.SERVICE_RUNNING: _service_running,
    CheckKind.UPDATE_ABSENT: _update_absent,
}
"""The checks of a state; make_check refuses the others for ``crashes_while``."""
