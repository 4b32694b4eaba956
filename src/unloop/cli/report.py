"""``unloop report``: a campaign's report as HTML, CSV or JSON."""

import time
from pathlib import Path

import click

from unloop.cli.options import config_option
from unloop.cli.output import emit
from unloop.dispatch.context import make_context
from unloop.errors import InputError, Problem
from unloop.model.outcome import ExitCode
from unloop.report.html import as_html
from unloop.report.ledger import Ledger, read_ledger
from unloop.report.table import as_csv, as_json
from unloop.settings.load import load as load_settings
from unloop.store import campaigns

FORMATS = {"html": as_html, "csv": as_csv, "json": as_json}


@click.command("report")
@click.argument("campaign", default="latest")
@click.option("--format", "form", type=click.Choice(sorted(FORMATS)), default="html", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File; default: <campaign>.html, or stdout.")
@config_option
def command(campaign: str, form: str, output: Path | None, config: str | None) -> int:
    """Write the report of CAMPAIGN (default: the latest). CSV and JSON go to stdout, or to a file whose path is told."""
    database = make_context(load_settings(config)).database
    found = campaigns.load(database, campaign)
    ledger = read_ledger(database, found.id, now=time.time())
    text = FORMATS[form](ledger)
    if output is None and form != "html":
        emit(text.rstrip("\n"))
        return ExitCode.GOOD
    path = write_report(ledger, output or Path(f"{found.id}.html"), text)
    emit(str(path))
    return ExitCode.GOOD


def write_report(ledger: Ledger, path: Path, text: str | None = None) -> Path:
    """Write a report beside its final place and move it there, so that no half page is ever seen.

    Raises InputError where it can't be written; a directory that is not there is more likely mistyped than wanted.
    """
    if not path.parent.is_dir():
        hint = "make it, or correct -o"
        raise InputError(Problem(f"can't write the report: {path.parent} is no directory", str(path), hint=hint))
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(as_html(ledger) if text is None else text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise InputError(Problem(f"can't write the report: {error.strerror}", str(path))) from error
    return path.resolve()
