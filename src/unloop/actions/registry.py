"""The verbs that are installed, found by entry point."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import cast

from unloop.actions.base import Action
from unloop.plugins import load, names

GROUP = "unloop.actions"


@cache
def verbs() -> Mapping[str, type[Action]]:
    """Every installed verb by its name."""
    return MappingProxyType({name: verb(name) for name in names(GROUP)})


def verb(name: str) -> type[Action]:
    """One verb; raises InputError when it is not installed."""
    return cast("type[Action]", load(GROUP, name))
