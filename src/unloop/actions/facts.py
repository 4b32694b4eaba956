"""A host as a set of facts: its files in a directory, its registry, services and updates as names. Nothing is run.

Fixtures are proven on it. Each action is judged by what it would do to a mounted disk (``Action.offline``), so the proof and
the offline repair share one description; what a script would do is told by the fixture.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from unloop.actions.base import Action, BootEdit, HiveEdit, OfflineChange, PackageRemoval
from unloop.actions.reboot import Reboot
from unloop.actions.run_script import RunScript
from unloop.channels.disk import DiskFiles
from unloop.channels.perform import check_files, perform
from unloop.model.files import FileOrder
from unloop.model.host import System
from unloop.model.order import Check, CheckKind, Order
from unloop.model.report import ActionReport, ActionStatus, CheckReport
from unloop.playbook.fixture import Changes, Fixture, FixtureFile, RegistryValue

CONTROL_SETS = "hklm\\system\\controlset"
CURRENT = "hklm\\system\\currentcontrolset\\"


@dataclass
class HostFacts:
    """One host. Registry paths are kept in lowercase; CurrentControlSet is ControlSet001."""

    root: Path
    system: System
    fixture: Fixture
    registry: dict[str, str] = field(default_factory=dict)
    services: dict[str, str] = field(default_factory=dict)
    updates: set[str] = field(default_factory=set)
    boot: dict[str, str] = field(default_factory=dict)

    @classmethod
    def build(cls, root: Path, system: System, fixture: Fixture) -> "HostFacts":
        """The host of a fixture, its files in an empty directory."""
        facts = cls(root, system, fixture)
        facts.updates = set(fixture.updates)
        facts.change(Changes(files=fixture.files, registry=fixture.registry, services=fixture.services))
        return facts

    @property
    def files(self) -> DiskFiles:
        """The files, as any channel reaches them."""
        return DiskFiles(self.root, self.system)

    def change(self, changes: Changes) -> None:
        """Let something happen."""
        for path in changes.absent:
            self.place(path).unlink(missing_ok=True)
        for file in changes.files:
            self._write(file)
        self.registry |= {registry_key(path): text_of(value) for path, value in changes.registry.items()}
        self.services |= {name.lower(): state for name, state in changes.services.items()}
        self.updates |= {name for name, is_installed in changes.updates.items() if is_installed}
        self.updates -= {name for name, is_installed in changes.updates.items() if not is_installed}

    def place(self, path: str) -> Path:
        """Where a file of the host lies here, in whatever case it was made."""
        parts = path[len("C:\\") :].split("\\") if self.system is System.WINDOWS else path.lstrip("/").split("/")
        found = self.root
        for part in parts:
            found = self._child(found, part)
        return found

    def _child(self, directory: Path, name: str) -> Path:
        if self.system is System.WINDOWS and directory.is_dir():
            same = (child for child in directory.iterdir() if child.name.lower() == name.lower())
            return next(same, directory / name)
        return directory / name

    def _write(self, file: FixtureFile) -> None:
        place = self.place(file.path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.content)
        os.utime(place, (file.modified.timestamp(), file.modified.timestamp()))

    def snapshot(self) -> dict[str, str]:
        """Every file by its path here, with its hash."""
        return {
            str(path.relative_to(self.root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }


def registry_key(path: str) -> str:
    """A registry path in the form in which facts keep it."""
    text = path.lower().replace("hkey_local_machine\\", "hklm\\")
    return f"{CONTROL_SETS}001\\{text[len(CURRENT) :]}" if text.startswith(CURRENT) else text


def text_of(value: RegistryValue) -> str:
    """A registry value as text, as checks compare it."""
    return "\n".join(value) if isinstance(value, tuple) else str(value)


def answer(check: Check, facts: HostFacts) -> CheckReport:
    """Answer a check; ``holds`` is None for what only a running host can tell."""
    if check.needs_files_only:
        return check_files((check,), facts.files)[0]
    holds: bool | None = None
    if check.kind is CheckKind.REGISTRY_VALUE:
        holds = facts.registry.get(registry_key(check.name)) == check.expected
    elif check.kind is CheckKind.SERVICE_RUNNING:
        holds = facts.services.get(check.name.lower()) == "running"
    elif check.kind is CheckKind.UPDATE_ABSENT:
        holds = check.name.upper() not in facts.updates
    return CheckReport(str(check), holds)


def crashes(facts: HostFacts, *, hold: tuple[Check, ...], unless: tuple[Check, ...]) -> bool:
    """Whether the host would crash: all of ``hold`` hold, and not all of ``unless``."""
    if not hold and not unless:
        return False
    averted = bool(unless) and all(answer(check, facts).holds for check in unless)
    return not averted and all(answer(check, facts).holds for check in hold)


def apply(action: Action, facts: HostFacts, done: tuple[ActionReport, ...]) -> ActionReport:
    """Let one action happen to the facts; ``done`` are the reports of those before it."""
    if isinstance(action, RunScript):
        return _script(action, facts)
    if isinstance(action, Reboot):
        changed = any(report.status in {ActionStatus.CHANGED, ActionStatus.SENT} for report in done)
        status = ActionStatus.SENT if changed or not done else ActionStatus.ALREADY
        return ActionReport(action.verb, status)
    changes = action.offline()
    if changes is None:
        return ActionReport(action.verb, ActionStatus.UNSUPPORTED, "a fixture can't show what this does")
    reports = tuple(_change(action.verb, change, facts) for change in changes)
    return next((report for report in reports if report.status is not ActionStatus.ALREADY), None) or (
        reports[0] if reports else ActionReport(action.verb, ActionStatus.ALREADY)
    )


def _script(action: RunScript, facts: HostFacts) -> ActionReport:
    digest = hashlib.sha256(action.options.script.encode()).hexdigest()
    effect = facts.fixture.script(digest)
    if effect is None:
        what = f"the fixture doesn't say what the script does: add scripts: [{{sha256: {digest}, ...}}]"
        return ActionReport(action.verb, ActionStatus.UNSUPPORTED, what)
    facts.change(effect.changes)
    if effect.exit_code:
        return ActionReport(action.verb, ActionStatus.FAILED, f"exit code {effect.exit_code}")
    said = {line.strip() for line in effect.stdout.splitlines()}
    if "unloop-changed" in said:
        return ActionReport(action.verb, ActionStatus.CHANGED)
    return ActionReport(action.verb, ActionStatus.ALREADY if "unloop-already" in said else ActionStatus.SENT)


def _change(verb: str, change: OfflineChange, facts: HostFacts) -> ActionReport:
    if isinstance(change, FileOrder):
        return perform(Order(digest="", files=(change,)), facts.files).actions[0]
    if isinstance(change, HiveEdit):
        return ActionReport(verb, _edit_hive(change, facts))
    if isinstance(change, PackageRemoval):
        if change.kb.upper() not in facts.updates:
            return ActionReport(verb, ActionStatus.ALREADY)
        facts.updates.discard(change.kb.upper())
        return ActionReport(verb, ActionStatus.CHANGED)
    return ActionReport(verb, _edit_boot(change, facts.boot))


def _edit_boot(change: BootEdit, boot: dict[str, str]) -> ActionStatus:
    if boot.get(change.element, "") == change.value:
        return ActionStatus.ALREADY
    boot[change.element] = change.value
    return ActionStatus.CHANGED


def _edit_hive(change: HiveEdit, facts: HostFacts) -> ActionStatus:
    keys = _keys(change, facts.registry)
    if not keys:
        return ActionStatus.NO_MATCH
    wanted = text_of(change.value)
    names = [f"{key}\\{change.name.lower()}" for key in keys]
    if all(facts.registry.get(name) == wanted for name in names):
        return ActionStatus.ALREADY
    facts.registry |= dict.fromkeys(names, wanted)
    return ActionStatus.CHANGED


def _keys(change: HiveEdit, registry: Mapping[str, str]) -> tuple[str, ...]:
    """The keys that an edit means; one for all control sets means those that the host has."""
    key = registry_key(f"HKLM\\{change.hive}\\{change.key}")
    found: tuple[str, ...] = (key,)
    if key.startswith(f"{CONTROL_SETS}*"):
        sets = {path.split("\\")[2] for path in registry if path.startswith(CONTROL_SETS)}
        found = tuple(key.replace("controlset*", name, 1) for name in sorted(sets))
    if change.only_if_key:
        found = tuple(key for key in found if any(path.startswith(f"{key}\\") for path in registry))
    return found
