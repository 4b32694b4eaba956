"""The terminal that people look at: stderr, never stdout."""

from rich.console import Console


def stderr() -> Console:
    """A console on stderr; plain lines when stderr is no terminal."""
    return Console(stderr=True, highlight=False, soft_wrap=False)
