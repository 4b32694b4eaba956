"""Find the line of a TOML file on which a key stands, for errors that tomllib can't place."""

import re
from collections.abc import Sequence

_TABLE = re.compile(r"^\s*\[\[?([^\[\]]+)\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def line_of(text: str, keys: Sequence[str]) -> int | None:
    """The first line of a key, or of the nearest thing around it (an inline table, its table), or None."""
    wanted = tuple(keys)
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _TABLE.match(line):
            table = _parts(header[1])
            path = table
        elif key := _KEY.match(line):
            path = (*table, *_parts(key[1]))
        else:
            continue
        for length in range(len(path), 0, -1):
            found.setdefault(path[:length], number)
    return next((found[wanted[:length]] for length in range(len(wanted), 0, -1) if wanted[:length] in found), None)


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))
