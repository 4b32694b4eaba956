"""Read an inventory, whatever it is: the reader is chosen by name, by file type, or by looking inside."""

import contextlib
import gc
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from unloop import plugins
from unloop.errors import InputError, Problem
from unloop.inventory.ansible import looks_like_yaml
from unloop.inventory.fields import FIELDS
from unloop.inventory.inventory import Inventory
from unloop.inventory.table import text_of
from unloop.settings.schema import Settings

GROUP = "unloop.inventories"
_BY_SUFFIX = {
    ".csv": "csv",
    ".tsv": "csv",
    ".yml": "ansible",
    ".yaml": "ansible",
    ".ini": "ansible",
    ".json": "json",
}
_JSON_START = re.compile(r"\s*(?:\{|\[\s*(?:[\]{\"]|$))")
_CSV_START = re.compile(r"(?:sep=.\n|#[^\n]*\n|\s*\n)*([^\n]*)")


def read(source: str, settings: Settings) -> Inventory:
    """The hosts of a source: a file, an executable, ``!command arguments`` or ``READER:…`` of a plugin."""
    reader = plugins.load(GROUP, choose(source))
    name, separator, rest = source.partition(":")
    named = separator and name in plugins.names(GROUP) and not Path(source).exists()
    with _collection_paused():
        return cast("Inventory", reader(rest if named else source, settings))


@contextlib.contextmanager
def _collection_paused() -> Iterator[None]:
    """No search for garbage while only lasting objects are made: that is a quarter of the time for 20,000 hosts."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def choose(source: str) -> str:
    """The name of the reader for a source."""
    if source.startswith("!"):
        return "command"
    path = Path(source)
    name = source.partition(":")[0]
    if not path.exists() and name != source and name in plugins.names(GROUP):
        return name
    if not path.exists():
        raise InputError(Problem("there is no such inventory", source, hint="run 'unloop init' to make one to fill in"))
    if path.is_dir():
        raise InputError(Problem("an inventory is a file or a program, not a directory", source))
    if known := _BY_SUFFIX.get(path.suffix.lower()):
        return known
    return "command" if os.access(path, os.X_OK) else _look_inside(source)


def _look_inside(source: str) -> str:
    text = text_of(source)
    if _JSON_START.match(text):
        return "json"
    match = _CSV_START.match(text)
    header = match[1].lower() if match else ""
    names = {cell.strip().strip('"') for cell in re.split(r"[,;\t|]", header)}
    if "name" in names and names & FIELDS.keys() - {"name"}:
        return "csv"
    if not looks_like_yaml(text) and header.strip() == "name":
        return "csv"
    return "ansible"
