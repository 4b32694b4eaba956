"""Ansible inventories in YAML, read as plain text values so that ``no`` and MAC addresses stay what was written."""

from collections.abc import Iterator
from typing import Any

import yaml

from unloop.errors import InputError, Problem
from unloop.inventory.groups import Groups
from unloop.inventory.ranges import BadRange, expand

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_NULLS = {"", "~", "null", "Null", "NULL"}
_KEYS = ("hosts", "vars", "children")


def parse_yaml(text: str, source: str) -> Groups:
    """The hosts and groups of a YAML inventory; problems are kept for Groups.build."""
    root = compose(text, source)
    groups = Groups(source)
    for name, node in _items(groups, root, "the inventory"):
        _group(groups, name.value, node)
    return groups


def compose(text: str, source: str) -> yaml.Node | None:
    """The document as nodes, which know their lines; raises InputError."""
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        raise InputError(Problem(f"not YAML: {error.problem}", source, line, column)) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(Problem("not YAML", source)) from error
    return node


def plain(node: yaml.Node) -> Any:
    """A node as dict, list or text; an empty scalar is None."""
    if isinstance(node, yaml.MappingNode):
        return {str(plain(key)): plain(value) for key, value in merged(node)}
    if isinstance(node, yaml.SequenceNode):
        return [plain(item) for item in node.value]
    is_null = isinstance(node, yaml.ScalarNode) and not node.style and node.value in _NULLS
    return None if is_null else node.value


def merged(node: yaml.MappingNode) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """The pairs of a mapping, those that ``<<`` takes over first, so that its own win."""
    for key, value in node.value:
        if key.value == "<<":
            sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for source in reversed(sources):
                if isinstance(source, yaml.MappingNode):
                    yield from merged(source)
    yield from ((key, value) for key, value in node.value if key.value != "<<")


def _group(groups: Groups, name: str, node: yaml.Node) -> None:
    groups.add_group(name)
    for key, value in _items(groups, node, f"group {name!r}"):
        if key.value == "hosts":
            for host, variables in _items(groups, value, f"hosts of group {name!r}"):
                _host(groups, name, host, variables)
        elif key.value == "vars":
            groups.set_group_variables(name, {k.value: plain(v) for k, v in _items(groups, value, f"vars of {name!r}")})
        elif key.value == "children":
            for child, content in _items(groups, value, f"children of group {name!r}"):
                groups.add_child(name, child.value)
                _group(groups, child.value, content)
        else:
            what = f"group {name!r} has no key {key.value!r}"
            groups.complain(what, line=key.start_mark.line + 1, hint=f"known: {', '.join(_KEYS)}")


def _host(groups: Groups, group: str, host: yaml.Node, variables: yaml.Node) -> None:
    line = host.start_mark.line + 1
    try:
        names = expand(host.value)
    except BadRange as error:
        groups.complain(str(error), line=line)
        return
    values = {key.value: plain(value) for key, value in _items(groups, variables, f"variables of {host.value!r}")}
    for name in names:
        groups.add_host(name, group, line=line)
        groups.set_host_variables(name, values)


def _items(groups: Groups, node: yaml.Node | None, what: str) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    """The pairs of a mapping; nothing at all is an empty one, anything else a problem."""
    if node is None or (isinstance(node, yaml.ScalarNode) and plain(node) is None):
        return
    if not isinstance(node, yaml.MappingNode):
        groups.complain(f"{what} must be a mapping", line=node.start_mark.line + 1, hint="write 'name:' without a dash")
        return
    seen: set[str] = set()
    for key, value in merged(node):
        if not isinstance(key, yaml.ScalarNode):
            groups.complain(f"a key of {what} is no text", line=key.start_mark.line + 1)
            continue
        if key.value in seen and "<<" not in (pair[0].value for pair in node.value):
            groups.complain(f"{key.value!r} is there twice in {what}", line=key.start_mark.line + 1)
        seen.add(key.value)
        yield key, value
