"""Inventories from spreadsheets: CSV and tab-separated files as Excel and everything else write them."""

from unloop.errors import Problem, did_you_mean
from unloop.inventory.build import build
from unloop.inventory.fields import is_known, suggestions
from unloop.inventory.inventory import Inventory
from unloop.inventory.row import Row
from unloop.inventory.table import Table, parse_table, text_of
from unloop.settings.schema import Settings


def read(source: str, settings: Settings) -> Inventory:
    """The hosts of a CSV file; raises InputError with all problems."""
    return from_text(text_of(source), source, settings)


def from_text(text: str, source: str, settings: Settings) -> Inventory:
    """The hosts of a CSV text; ``source`` names it in problems."""
    table = parse_table(text, source, is_known)
    problems = [*table.problems, *_unknown_columns(table)]
    columns = [(index, name) for index, name in enumerate(table.header) if name and is_known(name)]
    rows = (
        Row({name: cells[index] for index, name in columns if cells[index]}, source, line) for line, cells in table.rows
    )
    return build(rows, settings, source=source, problems=problems)


def _unknown_columns(table: Table) -> list[Problem]:
    unknown = [name for name in table.header if name and not is_known(name)]
    known = suggestions(unknown)
    problems = [
        Problem(f"no column is called {name!r}", table.path, table.header_line, hint=did_you_mean(name, known))
        for name in unknown
    ]
    if "name" not in table.header:
        hint = f"the first line must name the columns; it reads: {', '.join(table.header)[:80]}"
        problems.append(Problem("there is no column 'name'", table.path, table.header_line, hint=hint))
    return problems
