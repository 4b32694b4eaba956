"""Load fixtures from YAML, with every problem at once; they lie in ``fixtures/<playbook>/`` beside their playbook."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import Any, TypeVar

from unloop.errors import InputError, Problem, did_you_mean
from unloop.model.host import Host, Role, System
from unloop.model.report import Verdict
from unloop.playbook.document import Place
from unloop.playbook.fixture import Changes, Expectation, Fixture, FixtureFile, RegistryValue, ScriptEffect
from unloop.playbook.load import steps_of
from unloop.playbook.tree import Node, Table, parse, places_of, read_text, value_of

ENOUGH = 64 << 20
"""Bytes of one fixture's file; a rehearsal holds them in memory for every host."""
WINDOWS_PATH = re.compile(r"[Cc]:(\\[^\\/:*?\"<>|\x00-\x1f]+)+")
LINUX_PATH = re.compile(r"(/[^/\x00-\x1f]+)+")
LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
HOST_KEYS = ("name", "address", "system", "site", "rack", "power_domain", "tier", "role", "bitlocker", "uuid", "labels")
FILE_KEYS = ("path", "modified", "size", "text", "hex", "base64")
CHANGE_KEYS = tuple(item.name for item in fields(Changes))
KEYS = (
    "title",
    "host",
    "set",
    "files",
    "registry",
    "services",
    "updates",
    "scripts",
    "after_boot",
    "crashes_while",
    "crashes_unless",
    "expect",
)
EXPECT_KEYS = tuple(item.name for item in fields(Expectation))
ValueT = TypeVar("ValueT")


def fixture_paths(playbook: FilePath | str) -> tuple[FilePath, ...]:
    """The fixtures of a playbook's file, in order of name."""
    path = FilePath(playbook)
    return tuple(sorted((path.parent / "fixtures" / path.stem).glob("*.yml")))


def load_fixture(path: FilePath | str, *, system: System = System.WINDOWS) -> Fixture:
    """Load one fixture; ``system`` is the playbook's. Raises InputError with every problem."""
    root = parse(read_text(FilePath(path)), str(path))
    reader = _Reader(str(path), root)
    fixture = reader.fixture(system)
    if reader.problems:
        raise InputError(*sorted(reader.problems, key=lambda problem: (problem.line or 0, problem.column or 0)))
    return fixture


class _Reader:
    """Turns a fixture's values into records; what is wrong is told at its place and left out."""

    def __init__(self, path: str, root: Node) -> None:
        self.path = path
        self.host_system = System.WINDOWS
        self.places = places_of(root)
        self.document = value_of(root)
        entries = {key.text: node for key, node in root.entries} if isinstance(root, Table) else {}
        self.crashes_while, in_while = steps_of(entries.get("crashes_while"), "crashes_while")
        self.crashes_unless, in_unless = steps_of(entries.get("crashes_unless"), "crashes_unless")
        self.problems: list[Problem] = [*in_while, *in_unless]

    def fixture(self, system: System) -> Fixture:
        """The whole document."""
        self.host_system = system
        top = self.mapping(self.document, KEYS)
        for key in ("title", "expect"):
            if key not in top:
                self.problems.append(Place(self.path, 1).problem(f"{key!r} is missing"))
        listed = self.items(top.get("files"), "files")
        scripts = self.items(top.get("scripts"), "scripts")
        return Fixture(
            title=str(top.get("title", "")),
            path=self.path,
            host=self.host(top.get("host", {}), system),
            expect=self.expectation(top.get("expect", {})),
            variables={name: _text(value) for name, value in self.open_mapping(top.get("set"), "set").items()},
            files=_present(self.file(item, "files", index) for index, item in enumerate(listed)),
            registry=self.registry(top.get("registry"), "registry"),
            services={name: str(value) for name, value in self.open_mapping(top.get("services"), "services").items()},
            updates=tuple(str(item).upper() for item in self.items(top.get("updates"), "updates")),
            scripts=tuple(self.script(item, index) for index, item in enumerate(scripts)),
            after_boot=self.changes(top.get("after_boot"), "after_boot"),
            crashes_while=self.crashes_while,
            crashes_unless=self.crashes_unless,
            places=self.places,
        )

    def host(self, value: Any, system: System) -> Host:
        """The host, with names that make up what is left out."""
        given = self.mapping(value, HOST_KEYS, "host")
        labels = {name: _text(item) for name, item in self.open_mapping(given.get("labels"), "host", "labels").items()}
        tier = given.get("tier")
        return Host(
            name=str(given.get("name", "host-1")),
            address=str(given.get("address", "192.0.2.1")),
            system=self.take(lambda: System(given.get("system", system)), system, "host", "system"),
            site=str(given.get("site", "")),
            rack=str(given.get("rack", "")),
            power_domain=str(given.get("power_domain", "")),
            tier=self.take(lambda: None if tier is None else int(tier), None, "host", "tier"),
            role=self.take(lambda: Role(given.get("role", "")), Role.PLAIN, "host", "role"),
            bitlocker=given.get("bitlocker") is True,
            uuid=str(given.get("uuid", "")),
            labels=labels,
        )

    def expectation(self, value: Any) -> Expectation:
        """What must come of the host."""
        given = self.mapping(value, EXPECT_KEYS, "expect")
        verdicts = [str(verdict) for verdict in Verdict]
        verdict = str(given.get("verdict", "nothing"))
        if verdict not in verdicts:
            self.complain(f"{verdict!r} is no verdict", did_you_mean(verdict, verdicts), "expect", "verdict")
        return Expectation(
            verdict=Verdict(verdict) if verdict in verdicts else Verdict.NO_MATCH,
            changed=self.paths(given.get("changed"), "expect", "changed"),
            kept=self.paths(given.get("kept"), "expect", "kept"),
            registry=self.registry(given.get("registry"), "expect", "registry"),
            services={
                name: str(item) for name, item in self.open_mapping(given.get("services"), "expect", "services").items()
            },
            updates=self.updates(given.get("updates"), "expect", "updates"),
            verified=given.get("verified", True) is True,
        )

    def script(self, value: Any, index: int) -> ScriptEffect:
        """What one script would do."""
        way = ("scripts", index)
        given = self.mapping(value, ("sha256", "exit_code", "stdout", *CHANGE_KEYS), *way)
        sha256 = str(given.get("sha256", ""))
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            self.complain("sha256 must be that of the rendered script, in hex", "", *way, "sha256")
        code = self.take(lambda: int(given.get("exit_code", 0)), 0, *way, "exit_code")
        changes = {key: item for key, item in given.items() if key in CHANGE_KEYS}
        return ScriptEffect(sha256, code, str(given.get("stdout", "")), self.changes(changes, *way))

    def changes(self, value: Any, *way: str | int) -> Changes:
        """What differs after something happened."""
        given = self.mapping(value if value is not None else {}, CHANGE_KEYS, *way)
        services = self.open_mapping(given.get("services"), *way, "services")
        files = self.items(given.get("files"), *way, "files")
        return Changes(
            files=_present(self.file(item, *way, "files", index) for index, item in enumerate(files)),
            absent=self.paths(given.get("absent"), *way, "absent"),
            registry=self.registry(given.get("registry"), *way, "registry"),
            services={name: str(item) for name, item in services.items()},
            updates=self.updates(given.get("updates"), *way, "updates"),
        )

    def file(self, value: Any, *way: str | int) -> FixtureFile | None:
        """One file; ``size`` pads its content with zero bytes."""
        given = self.mapping(value, FILE_KEYS, *way)
        if not self.is_path(given.get("path"), *way, "path"):
            return None
        modified = self.take(lambda: _moment(given["modified"]) if "modified" in given else LONG_AGO, LONG_AGO, *way)
        content = self.take(lambda: _content(given), b"", *way)
        return FixtureFile(given["path"], modified, content)

    def paths(self, value: Any, *way: str | int) -> tuple[str, ...]:
        """A list of full paths."""
        found = enumerate(self.items(value, *way))
        return tuple(item for index, item in found if self.is_path(item, *way, index))

    def is_path(self, value: Any, *way: str | int) -> bool:
        """Whether a value is the full path of a file on the host; what isn't is told."""
        form = WINDOWS_PATH if self.host_system is System.WINDOWS else LINUX_PATH
        if isinstance(value, str) and form.fullmatch(value) and ".." not in re.split(r"[\\/]", value):
            return True
        example = "C:\\Windows\\x.sys" if form is WINDOWS_PATH else "/etc/x"
        self.complain(f"'{value}' is no full path, such as {example}", "without wildcards, and on C: on Windows", *way)
        return False

    def registry(self, value: Any, *way: str | int) -> dict[str, RegistryValue]:
        """Registry values by their path."""
        found: dict[str, RegistryValue] = {}
        for name, item in self.open_mapping(value, *way).items():
            if isinstance(item, list):
                found[name] = tuple(_text(part) for part in item)
            elif isinstance(item, str | int) and not isinstance(item, bool):
                found[name] = item
            else:
                self.complain(f"{item!r} is no text, number or list of texts", "", *way, name)
        return found

    def updates(self, value: Any, *way: str | int) -> dict[str, bool]:
        """Of each update whether it is installed."""
        found = self.open_mapping(value, *way)
        for name, item in found.items():
            if not isinstance(item, bool):
                self.complain(f"{item!r} is neither true (installed) nor false", "", *way, name)
        return {name.upper(): item is True for name, item in found.items()}

    def mapping(self, value: Any, known: tuple[str, ...], *way: str | int) -> Mapping[str, Any]:
        """A mapping of known keys."""
        found = self.open_mapping(value, *way)
        for key in found:
            if key not in known:
                self.complain(f"a fixture has no key {key!r} here", did_you_mean(key, known), *way, key)
        return found

    def open_mapping(self, value: Any, *way: str | int) -> Mapping[str, Any]:
        """A mapping of any keys; nothing at all is an empty one."""
        if value is not None and not isinstance(value, dict):
            self.complain("a mapping stands here", "", *way)
        return value if isinstance(value, dict) else {}

    def items(self, value: Any, *way: str | int) -> list[Any]:
        """A list; nothing at all is an empty one."""
        if value is not None and not isinstance(value, list):
            self.complain("a list stands here", "each item starts with a dash", *way)
        return value if isinstance(value, list) else []

    def take(self, make: Callable[[], ValueT], default: ValueT, *way: str | int) -> ValueT:
        """What a reader makes; what it refuses is told, and the default stands for it."""
        try:
            return make()
        except ValueError as error:
            self.complain(str(error), "", *way)
            return default

    def complain(self, what: str, hint: str, *way: str | int) -> None:
        """A problem at a value, or at the nearest thing around it."""
        while way and way not in self.places:
            way = way[:-1]
        self.problems.append(self.places.get(way, Place(self.path, 1)).problem(what, hint))


def _present(found: Any) -> tuple[FixtureFile, ...]:
    return tuple(item for item in found if item is not None)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError(f"modified: {value!r} is no ISO 8601 time, such as 2024-07-19T04:09:00Z") from error
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone; end it with Z for UTC")
    return moment.astimezone(UTC)


def _content(given: Mapping[str, Any]) -> bytes:
    ways = [key for key in CONTENT if key in given]
    if len(ways) > 1:
        raise ValueError(f"the content is given twice: {' and '.join(ways)}")
    content = b""
    for way in ways:
        try:
            content = CONTENT[way](_text(given[way]))
        except ValueError as error:
            raise ValueError(f"{way}: {given[way]!r} can't be read as {way}") from error
    size = given.get("size", len(content))
    if isinstance(size, bool) or not isinstance(size, int) or not len(content) <= size <= ENOUGH:
        raise ValueError(f"size: {size!r} is no number from {len(content)} (the content) to {ENOUGH}")
    return content.ljust(size, b"\0")


CONTENT: Mapping[str, Callable[[str], bytes]] = {
    "text": str.encode,
    "hex": bytes.fromhex,
    "base64": lambda text: base64.b64decode(text, validate=True),
}
"""How the content of a file may be given."""
