"""Inventories in JSON: a list of hosts with our field names, or what Ansible's dynamic inventories print."""

import json
from collections.abc import Iterator

from unloop.errors import InputError, Problem
from unloop.inventory.build import build
from unloop.inventory.groups import Groups
from unloop.inventory.inventory import Inventory
from unloop.inventory.row import Row, texts
from unloop.inventory.table import text_of
from unloop.settings.schema import Settings

_SPACE = " \t\r\n"


def read(source: str, settings: Settings) -> Inventory:
    """The hosts of a JSON file; raises InputError with all problems."""
    return from_text(text_of(source), source, settings)


def from_text(text: str, source: str, settings: Settings) -> Inventory:
    """The hosts of a JSON text; ``source`` names it in problems."""
    try:
        if text.lstrip(_SPACE).startswith("["):
            items = list(_items(text))
        else:
            return _of_document(json.loads(text), source, settings)
    except json.JSONDecodeError as error:
        raise InputError(Problem(f"not JSON: {error.msg}", source, error.lineno, error.colno)) from error
    except RecursionError as error:
        raise InputError(Problem("the JSON is nested too deeply", source)) from error
    return _of_items(items, source, settings)


def _items(text: str) -> Iterator[tuple[int, object]]:
    """The items of a JSON list, each with the line on which it starts."""
    decode = json.JSONDecoder().raw_decode
    at, line, counted = _skip(text, text.index("[") + 1), 1, 0
    if text[at : at + 1] == "]":
        _end(text, at)
        return
    while True:
        line, counted = line + text.count("\n", counted, at), at
        item, at = decode(text, at)
        yield line, item
        at = _skip(text, at)
        mark = text[at : at + 1]
        if mark == "]":
            _end(text, at)
            return
        if mark != ",":
            raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
        at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in _SPACE:
        at += 1
    return at


def _end(text: str, at: int) -> None:
    if (rest := _skip(text, at + 1)) < len(text):
        raise json.JSONDecodeError("Extra data", text, rest)


def _of_items(items: list[tuple[int, object]], source: str, settings: Settings) -> Inventory:
    rows = [Row(texts(item), source, line) for line, item in items if isinstance(item, dict)]
    problems = [
        Problem("a host must be an object {…}", source, line) for line, item in items if not isinstance(item, dict)
    ]
    return build(rows, settings, source=source, problems=problems)


def _of_document(document: object, source: str, settings: Settings) -> Inventory:
    if not isinstance(document, dict):
        raise InputError(Problem("neither a list of hosts nor an Ansible inventory", source))
    groups = Groups(source)
    meta = document.get("_meta", {})
    for name, value in document.items():
        if name != "_meta":
            _add_group(groups, str(name), value)
    hosts = meta.get("hostvars", {}) if isinstance(meta, dict) else {}
    for name, variables in hosts.items() if isinstance(hosts, dict) else ():
        groups.add_host(str(name), None)
        groups.set_host_variables(str(name), variables if isinstance(variables, dict) else {})
    return groups.build(settings)


def _add_group(groups: Groups, name: str, value: object) -> None:
    """A group is an object with hosts, vars and children, or just a list of hosts."""
    content = {"hosts": value} if isinstance(value, list) else value
    if not isinstance(content, dict):
        groups.complain(f"group {name!r} must be an object or a list of hosts")
        return
    groups.add_group(name)
    for host in content.get("hosts") or ():
        groups.add_host(str(host), name)
    for child in content.get("children") or ():
        groups.add_child(name, str(child))
    groups.set_group_variables(name, content.get("vars") or {})
