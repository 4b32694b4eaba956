"""``unloop init``: a settings file and an inventory to fill in."""

from pathlib import Path

import click

from unloop.cli.hints import command as suggested
from unloop.cli.output import say
from unloop.cli.templates import HOSTS, SETTINGS
from unloop.errors import InputError, Problem

FILES = {"unloop.toml": SETTINGS, "hosts.csv": HOSTS}


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=Path())
def command(directory: Path) -> None:
    """Write unloop.toml and hosts.csv into DIRECTORY (default: here); never overwrites a file."""
    there = [directory / name for name in FILES if (directory / name).exists()]
    if there:
        hint = "move it away, or give another directory"
        raise InputError(*(Problem("is there already; nothing was written", str(path), hint=hint) for path in there))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in FILES.items():
            with (directory / name).open("x", encoding="utf-8") as file:
                file.write(text)
            say(f"wrote {directory / name}")
    except OSError as error:
        raise InputError(Problem(f"can't be written: {error.strerror}", str(error.filename or directory))) from error
    config = None if directory == Path() else directory / "unloop.toml"
    words = str(directory / "hosts.csv")
    say(f"next: fill in both, then run: {suggested('inventory check', words, config=config)}")
