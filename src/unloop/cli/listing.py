"""Lists that people read in a terminal of any width: names and ids stay whole, what matters least makes room first."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

GAP = 2
LEAST = 30
"""Columns that the last one needs before others are left out for it; it wraps."""


def show_listing(
    records: Sequence[Mapping[str, Any]], console: Console, *, columns: Sequence[str], spare: Sequence[str]
) -> tuple[str, ...]:
    """Print records as a table; gives the columns that had no room. Those in ``spare`` go first, in that order.

    Only the last column wraps; a column that is empty in every record is not shown, and was not left out.
    """
    rows = [{column: str(record[column]) for column in columns} for record in records]
    filled = [column for column in columns if any(row[column] for row in rows)] or list(columns[:1])
    widths = {column: max(cell_len(text) for text in (column, *(row[column] for row in rows))) for column in filled}
    shown = _fitting(widths, console.width, spare, last=columns[-1])
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    for column in shown:
        wraps = column == columns[-1]
        table.add_column(column, no_wrap=not wraps, overflow="fold", min_width=None if wraps else widths[column])
    for row in rows:
        table.add_row(*(Text(row[column]) for column in shown))
    console.print(table)
    return tuple(column for column in filled if column not in shown)


def _fitting(widths: Mapping[str, int], room: int, spare: Sequence[str], *, last: str) -> list[str]:
    """The columns that fit beside each other, the last one at least LEAST wide."""
    shown = list(widths)
    for column in spare:
        needed = sum((min(LEAST, widths[name]) if name == last else widths[name]) + GAP for name in shown) - GAP
        if needed <= room:
            break
        if column in shown:
            shown.remove(column)
    return shown
