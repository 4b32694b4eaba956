"""Plugins are found by entry point and loaded when used; installed means available."""

from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from unloop.errors import InputError, Problem


@cache
def names(group: str) -> tuple[str, ...]:
    """The sorted names of what is installed in a group, for example ``unloop.channels``."""
    return tuple(sorted(point.name for point in entry_points(group=group)))


@cache
def load(group: str, name: str) -> Callable[..., Any]:
    """Load one plugin; raises InputError when no plugin of that name is installed."""
    for point in entry_points(group=group, name=name):
        plugin: Callable[..., Any] = point.load()
        return plugin
    known = ", ".join(names(group))
    raise InputError(Problem(f"no {group.removeprefix('unloop.')} plugin is called {name!r}", hint=f"known: {known}"))
