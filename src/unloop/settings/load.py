"""Read unloop.toml: find it, check every key, and report all problems with their lines."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from unloop.errors import InputError, Problem, did_you_mean
from unloop.settings.convert import Unfit, convert
from unloop.settings.lines import line_of
from unloop.settings.schema import CredentialSettings, Settings

FILE_NAME = "unloop.toml"
VARIABLE = "UNLOOP_CONFIG"

_PLACE = re.compile(r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", re.DOTALL)


def load(path: str | Path | None = None, *, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a file: the one named, else $UNLOOP_CONFIG, else ./unloop.toml, else the defaults alone."""
    found = _find(path, environment)
    if found is None:
        settings = Settings()
    else:
        text = _text(found)
        reader = _Reader(found, text)
        settings = reader.read(_parse(found, text))
        if reader.problems:
            raise InputError(*reader.problems)
    if not settings.store.url:
        settings = replace(settings, store=replace(settings.store, url=_default_store(environment)))
    return settings


def state_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Where unloop keeps what must last: $XDG_STATE_HOME/unloop; it may not exist yet."""
    base = environment.get("XDG_STATE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path("~/.local/state").expanduser()) / "unloop"


def _default_store(environment: Mapping[str, str]) -> str:
    return f"sqlite:///{state_directory(environment) / 'unloop.db'}"


def _find(path: str | Path | None, environment: Mapping[str, str]) -> Path | None:
    named = path or environment.get(VARIABLE)
    if named:
        return Path(named)
    return Path(FILE_NAME) if Path(FILE_NAME).is_file() else None


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        hint = (
            "is the path right? 'unloop init' makes an unloop.toml here" if isinstance(error, FileNotFoundError) else ""
        )
        raise InputError(Problem(f"can't read the settings: {error.strerror}", str(path), hint=hint)) from error
    except UnicodeDecodeError as error:
        raise InputError(Problem("the settings are not UTF-8", str(path))) from error


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.match(str(error))
        what, line, column = place.groups() if place else (str(error), None, None)
        numbers = (int(line), int(column)) if line and column else (len(text.splitlines()), None)
        raise InputError(Problem(f"not TOML: {what}", str(path), *numbers)) from error


class _Reader:
    """Fills the settings from one file and collects what is wrong with it."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text = path, text
        self.directory = path.absolute().parent
        self.problems: list[Problem] = []

    def read(self, document: Mapping[str, Any]) -> Settings:
        hints = get_type_hints(Settings)
        values: dict[str, Any] = {"sources": (self.path,)}
        known = {name: hint for name, hint in hints.items() if name != "sources"}
        for key, value in document.items():
            if key not in known:
                self._complain((key,), f"no setting is called {key!r}", did_you_mean(key, known))
            elif not isinstance(value, dict):
                self._complain((key,), f"{key} is a table", f"write [{key}]")
            elif key == "credentials":
                values[key] = self._credentials(value)
            else:
                values[key] = self._table(known[key], (key,), value)
        settings = Settings(**values)
        self._check_credential_names(settings)
        return settings

    def _credentials(self, tables: Mapping[str, Any]) -> dict[str, CredentialSettings]:
        found: dict[str, CredentialSettings] = {}
        for name, value in tables.items():
            place = ("credentials", name)
            if not isinstance(value, dict):
                self._complain(place, f"credential {name!r} is a table", f"write [credentials.{name}]")
                continue
            before = len(self.problems)
            found[name] = self._table(CredentialSettings, place, value)
            if len(self.problems) == before and not (found[name].password or found[name].key):
                self._complain(place, f"credential {name!r} has neither password nor key", "give one as a reference")
        return found

    def _table(self, table: Any, place: tuple[str, ...], values: Mapping[str, Any]) -> Any:
        known = {field.name: field for field in fields(table)}
        hints = get_type_hints(table)
        given: dict[str, Any] = {}
        for key, value in values.items():
            where = (*place, key)
            if key not in known:
                self._complain(where, f"{'.'.join(place)} has no setting {key!r}", did_you_mean(key, known))
                continue
            try:
                given[key] = convert(known[key], hints[key], value, self.directory)
            except Unfit as unfit:
                at = (*where, unfit.key) if unfit.key else where
                self._complain(at, f"{'.'.join(where)} {unfit.what}", unfit.hint)
        return table(**given)

    def _check_credential_names(self, settings: Settings) -> None:
        for channel, names in settings.defaults.credentials.items():
            for name in names:
                if name not in settings.credentials:
                    hint = did_you_mean(name, settings.credentials) or f"add [credentials.{name}]"
                    place = ("defaults", "credentials", channel)
                    self._complain(place, f"{'.'.join(place)} names {name!r}, which is no credential", hint)

    def _complain(self, place: tuple[str, ...], what: str, hint: str = "") -> None:
        self.problems.append(Problem(what, str(self.path), line_of(self.text, place), hint=hint))
