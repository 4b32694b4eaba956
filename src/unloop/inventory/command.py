"""Inventories from any program that prints JSON: a CMDB query, a ticket's hosts, an Ansible inventory script."""

import shlex
import subprocess

from unloop.errors import InputError, Problem
from unloop.inventory import json
from unloop.inventory.inventory import Inventory
from unloop.inventory.table import decode
from unloop.settings.schema import Settings

TIMEOUT = 120.0
_SHOWN = 2000


def read(source: str, settings: Settings) -> Inventory:
    """The hosts that a program prints: ``!program arguments`` as written, or the path of one, run with ``--list``."""
    arguments = _arguments(source)
    return json.from_text(decode(run(arguments, source), f"output of {arguments[0]}"), source, settings)


def run(arguments: list[str], source: str, *, timeout: float = TIMEOUT) -> bytes:
    """Run a program without a shell and return its output; raises InputError with what it said on failure."""
    try:
        done = subprocess.run(arguments, capture_output=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired as error:
        raise InputError(Problem(f"no answer within {timeout:g} s", source)) from error
    except OSError as error:
        hint = "a script needs a first line such as #!/bin/sh" if error.errno == 8 else ""
        raise InputError(Problem(f"can't be run: {error.strerror}", source, hint=hint)) from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()[-_SHOWN:] or "nothing on stderr"
        raise InputError(Problem(f"ended with exit code {done.returncode}; it said: {said}", source))
    return done.stdout


def _arguments(source: str) -> list[str]:
    if not source.startswith("!"):
        return [source if "/" in source else f"./{source}", "--list"]
    try:
        arguments = shlex.split(source[1:])
    except ValueError as error:
        raise InputError(Problem(f"the command can't be read: {error}", source)) from error
    if not arguments:
        raise InputError(Problem("there is no command after '!'", source))
    return arguments
