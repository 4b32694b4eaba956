"""Commands that unloop suggests, as they can be pasted: quoted for a shell, and with the settings file that was given."""

import shlex
from pathlib import Path

import click

_SETTINGS = "unloop.settings"


def command(verb: str, *words: str, config: str | Path | None = None) -> str:
    """``unloop VERB WORDS``, and ``-c FILE`` where this command was given one, or works by a file of its own."""
    file = config or _file_in_force()
    return shlex.join(["unloop", *verb.split(), *words, *(["-c", str(file)] if file else [])])


def works_by(file: Path) -> None:
    """From now on this command works by another settings file than the user's, as a rehearsal does."""
    click.get_current_context().meta[_SETTINGS] = str(file)


def _file_in_force() -> str:
    context = click.get_current_context(silent=True)
    if context is None:
        return ""
    return str(context.meta.get(_SETTINGS) or context.params.get("config") or "")
