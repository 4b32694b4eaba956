"""The terminals that people look at: stdout for what they asked for, stderr for progress, questions and hints."""

import os
import sys

from rich.console import Console

ENDLESS = 100_000
"""Columns of a file or a pipe: whatever reads it gets one line for each row."""


def stderr() -> Console:
    """A console on stderr; plain lines when stderr is no terminal."""
    return Console(stderr=True, highlight=False, soft_wrap=False)


def stdout() -> Console:
    """A console on stdout, as wide as its terminal or $COLUMNS; where there is neither, no line is ever broken."""
    is_bounded = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Console(highlight=False, soft_wrap=False, width=None if is_bounded else ENDLESS)
