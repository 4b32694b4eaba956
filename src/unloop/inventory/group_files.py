"""The variables that stand beside an Ansible inventory, in ``group_vars`` and ``host_vars``."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from unloop.errors import InputError, Problem
from unloop.inventory.ansible_yaml import compose, plain
from unloop.inventory.groups import Groups
from unloop.inventory.table import text_of

_SUFFIXES = ("", ".yml", ".yaml", ".json")
_VAULT = "$ANSIBLE_VAULT;"


def add_variables_beside(groups: Groups, source: str) -> None:
    """Give groups and hosts the variables of the files beside the inventory, but for those that Ansible Vault encrypted."""
    directory = Path(source).absolute().parent
    for folder, names in (("group_vars", groups.group_names), ("host_vars", groups.host_names)):
        if not (directory / folder).is_dir():
            continue
        for name in names:
            for path in _files(directory / folder, name):
                variables = _variables(path)
                if folder == "group_vars":
                    groups.set_group_variables(name, variables)
                else:
                    groups.set_host_variables(name, variables)


def _files(folder: Path, name: str) -> Iterator[Path]:
    """``web``, ``web.yml``, ``web.yaml``, ``web.json``, and every such file of a directory ``web``."""
    if "/" in name or name in (".", ".."):
        return
    for suffix in _SUFFIXES:
        path = folder / f"{name}{suffix}"
        if path.is_file():
            yield path
        elif path.is_dir() and not suffix:
            yield from (file for file in sorted(path.rglob("*")) if file.is_file() and file.suffix in _SUFFIXES)


def _variables(path: Path) -> Mapping[str, Any]:
    text = text_of(str(path))
    if text.startswith(_VAULT):
        return {}
    node = compose(text, str(path))
    try:
        content = plain(node) if node is not None else None
    except RecursionError:
        content = "nested too deeply"
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InputError(Problem("variables must be a mapping", str(path)))
    return content
