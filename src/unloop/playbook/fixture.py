"""A fixture: one host as it is before a playbook, and what the playbook must make of it. Pure loading, no doing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path as FilePath

from unloop.model.host import Host
from unloop.model.report import Verdict
from unloop.playbook.document import Path, Place, Step

RegistryValue = int | str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FixtureFile:
    """One file, under its full path on the host."""

    path: str
    modified: datetime
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs after something happened. ``updates`` tells of each update whether it is installed then."""

    files: tuple[FixtureFile, ...] = ()
    absent: tuple[str, ...] = ()
    registry: Mapping[str, RegistryValue] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    updates: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScriptEffect:
    """What a script would do on this host; scripts are never run. ``sha256`` is that of the rendered script."""

    sha256: str
    exit_code: int = 0
    stdout: str = ""
    changes: Changes = field(default_factory=Changes)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must come of the host. ``changed`` and ``kept`` are full paths of files; the rest is how things stand then."""

    verdict: Verdict
    changed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    registry: Mapping[str, RegistryValue] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    updates: Mapping[str, bool] = field(default_factory=dict)
    verified: bool = True
    """Whether verification holds afterwards, where the verdict says that the remedy landed or wasn't needed."""


@dataclass(frozen=True, slots=True)
class Fixture:
    """One host and what must come of it.

    ``variables`` are set as ``--set`` would. ``after_boot`` is what the next boot brings of itself, before verification.
    Checks of the language, rendered like the playbook's, tell when the host crashes: while all of ``crashes_while`` hold,
    and not all of ``crashes_unless``.
    """

    title: str
    path: str
    host: Host
    expect: Expectation
    variables: Mapping[str, str] = field(default_factory=dict)
    files: tuple[FixtureFile, ...] = ()
    registry: Mapping[str, RegistryValue] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    updates: tuple[str, ...] = ()
    scripts: tuple[ScriptEffect, ...] = ()
    after_boot: Changes = field(default_factory=Changes)
    crashes_while: tuple[Step, ...] = ()
    crashes_unless: tuple[Step, ...] = ()
    places: Mapping[Path, Place] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The case: its file's name without the suffix."""
        return FilePath(self.path).stem

    @property
    def is_sick(self) -> bool:
        """Whether the host is one that the playbook is for (a case named ``sick...``)."""
        return self.name.startswith("sick")

    def script(self, sha256: str) -> ScriptEffect | None:
        """What a script would do here, or None when the fixture doesn't say."""
        return next((effect for effect in self.scripts if effect.sha256 == sha256), None)

    def at(self, *path: str | int) -> Place:
        """The place of a key, or of the nearest thing around it."""
        while path:
            if path in self.places:
                return self.places[path]
            path = path[:-1]
        return Place(self.path, 1)
