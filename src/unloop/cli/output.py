"""The only place that prints: what was asked for goes to stdout, all else that people read to stderr."""

import json
import sys
from typing import Any


def complain(text: str) -> None:
    """Tell a person what went wrong, on stderr, one line for each problem."""
    for line in text.splitlines():
        print(f"unloop: {line}", file=sys.stderr)


def say(text: str = "") -> None:
    """Tell a person something, on stderr."""
    print(text, file=sys.stderr)


def emit(text: str) -> None:
    """Give what was asked for, on stdout."""
    print(text)


def emit_json(document: Any) -> None:
    """Give one JSON document to a program, on stdout: the whole of it, or nothing."""
    print(json.dumps(document, indent=2, default=str))
