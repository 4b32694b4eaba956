"""Ansible inventories in INI: hosts with ranges, groups, children and variables."""

import re
import shlex

from unloop.inventory.groups import Groups
from unloop.inventory.ranges import BadRange, expand

_SECTION = re.compile(r"\[([^\[\]:]+)(?::(\w+))?\]\s*(?:[#;].*)?")
_WITH_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]*(?:\[[^\[\]]*\][^:\[\]]*)*):(\d+)")
_KINDS = (None, "children", "vars")


def parse_ini(text: str, source: str) -> Groups:
    """The hosts and groups of an INI inventory; problems are kept for Groups.build."""
    groups = Groups(source)
    section: tuple[str, str | None] | None = ("ungrouped", None)
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if match := _SECTION.fullmatch(line):
            section = _section(groups, match[1].strip(), match[2], number)
        elif section is not None:
            _entry(groups, section, line, number)
    return groups


def _section(groups: Groups, name: str, kind: str | None, number: int) -> tuple[str, str | None] | None:
    if kind not in _KINDS:
        groups.complain(f"no section is called [{name}:{kind}]", line=number, hint="write :children or :vars")
        return None
    groups.add_group(name)
    return name, kind


def _entry(groups: Groups, section: tuple[str, str | None], line: str, number: int) -> None:
    name, kind = section
    if kind == "vars":
        key, separator, value = line.partition("=")
        if separator and key.strip():
            groups.set_group_variables(name, {key.strip(): _unquoted(value.strip())})
        else:
            groups.complain(f"{line!r} is no variable", line=number, hint="write key=value")
    elif kind == "children":
        groups.add_child(name, line.split("#", maxsplit=1)[0].strip())
    else:
        _host(groups, name, line, number)


def _host(groups: Groups, group: str, line: str, number: int) -> None:
    try:
        pattern, *pairs = shlex.split(line, comments=True)
        variables = _variables(pairs)
        if match := _WITH_PORT.fullmatch(pattern):
            pattern = match[1].strip("[]") if match[1].startswith("[") else match[1]
            variables.setdefault("ansible_port", match[2])
        names = (pattern,) if ":" in pattern and "[" not in pattern else expand(pattern)
    except BadRange as error:
        groups.complain(str(error), line=number)
        return
    except ValueError as error:
        groups.complain(f"the line can't be read: {error}", line=number)
        return
    for name in names:
        groups.add_host(name, group, line=number)
        groups.set_host_variables(name, variables)


def _variables(pairs: list[str]) -> dict[str, object]:
    variables: dict[str, object] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not (separator and key):
            # The text may be part of a password with a blank in it, so it isn't repeated.
            raise ValueError("a variable without '=' (quote values that hold blanks)")
        variables[key] = value
    return variables


def _unquoted(value: str) -> str:
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if is_quoted else value
