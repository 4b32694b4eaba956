"""``--set NAME=VALUE``: playbook variables from the command line."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from unloop.errors import InputError, Problem

_Command = TypeVar("_Command", bound=Callable[..., object])


def set_option(command: _Command) -> _Command:
    """``--set NAME=VALUE``, repeatable; the command gets ``variables``, for parse_variables()."""
    return click.option("--set", "variables", multiple=True, metavar="NAME=VALUE", help="Set a playbook variable.")(
        command
    )


def parse_variables(words: Sequence[str]) -> dict[str, str]:
    """The variables; raises InputError for a word without ``=`` or a name given twice."""
    found: dict[str, str] = {}
    problems = []
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name:
            problems.append(Problem(f"--set takes NAME=VALUE, not {word!r}"))
        elif name in found:
            problems.append(Problem(f"--set gives {name} twice"))
        found[name] = value
    if problems:
        raise InputError(*problems)
    return found
