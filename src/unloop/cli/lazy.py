"""A group of commands that are imported when they are called, so that help costs nothing."""

import importlib
from collections.abc import Mapping

import click


class LazyGroup(click.Group):
    """``places`` maps each command to where it is (``module:attribute``) and to its line in the group's help."""

    def __init__(self, *args: object, places: Mapping[str, tuple[str, str]] | None = None, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.places = places or {}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002, RUF100
        """Every command, in order of name."""
        return sorted(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002, RUF100
        """Import one command."""
        if cmd_name not in self.places:
            return None
        module, attribute = self.places[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002, RUF100
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in sorted(self.places.items())])
