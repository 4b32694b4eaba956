"""Inventories that Ansible reads, INI or YAML, with the group_vars and host_vars beside them."""

import re
from pathlib import Path

from unloop.errors import InputError, Problem
from unloop.inventory.ansible_ini import parse_ini
from unloop.inventory.ansible_yaml import parse_yaml
from unloop.inventory.group_files import add_variables_beside
from unloop.inventory.inventory import Inventory
from unloop.inventory.table import text_of
from unloop.settings.schema import Settings

YAML_SUFFIXES = (".yml", ".yaml")
_YAML_START = re.compile(r"(?:\s*#[^\n]*\n|\s*\n)*(?:---|[\w\"'-]+:\s*(?:#[^\n]*)?(?:\n|$))")


def read(source: str, settings: Settings) -> Inventory:
    """The hosts of an Ansible inventory; raises InputError with all problems."""
    return from_text(text_of(source), source, settings)


def from_text(text: str, source: str, settings: Settings) -> Inventory:
    """The hosts of an Ansible inventory's text; ``source`` names it and says where its variables stand."""
    is_yaml = Path(source).suffix.lower() in YAML_SUFFIXES or looks_like_yaml(text)
    try:
        groups = parse_yaml(text, source) if is_yaml else parse_ini(text, source)
    except RecursionError as error:
        raise InputError(Problem("the YAML is nested too deeply", source)) from error
    add_variables_beside(groups, source)
    return groups.build(settings)


def looks_like_yaml(text: str) -> bool:
    """Whether a text without a telling name begins as a YAML inventory does."""
    return _YAML_START.match(text) is not None
