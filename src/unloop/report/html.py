"""The report as one self-contained HTML page: outcomes, windows over time, attempts, and every host with its evidence."""

from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from unloop.model.outcome import GOOD, Outcome
from unloop.report.ledger import Ledger
from unloop.report.plot import Bar, Point, bars, histogram, scatter
from unloop.report.table import proof_of, record_of

_GOOD = {str(outcome) for outcome in GOOD}
_BAD = {str(Outcome.FAILED)}


def as_html(ledger: Ledger) -> str:
    """The page as text. Everything that came from hosts or files is escaped."""
    environment = Environment(
        loader=PackageLoader("unloop.report"), autoescape=select_autoescape(default=True), undefined=StrictUndefined
    )
    environment.filters["when"] = _when
    hosts = [
        {
            **record_of(ledger, row),
            "kind": kind_of(str(row.run.outcome or "")),
            "evidence": ledger.evidence.get(row.run.host.name, ()),
            "proof": proof_of(ledger, row.run.host.name),
        }
        for row in ledger.hosts
    ]
    plots = {
        "outcomes": _outcomes(ledger),
        "windows": _windows(ledger),
        "attempts": _attempts(ledger),
        "lengths": histogram(ledger.window_lengths, x_label="window length (s)", y_label="windows"),
        "strikes": histogram(ledger.strike_times, x_label="first open port to landed (s)", y_label="strikes"),
    }
    return environment.get_template("report.html.j2").render(
        ledger=ledger,
        campaign=ledger.campaign,
        hosts=hosts,
        buckets=[(name, count, kind_of(name)) for name, count in ledger.outcomes.most_common()],
        plots={name: Markup(plot) for name, plot in plots.items()},  # noqa: S704 - our own SVG, its texts are escaped
    )


def kind_of(outcome: str) -> str:
    """The colour class of an outcome."""
    if outcome in _GOOD:
        return "good"
    if outcome in _BAD:
        return "bad"
    return "neutral" if outcome.startswith("not ended") or not outcome else "open"


def _outcomes(ledger: Ledger) -> str:
    found = [Bar(name.replace("_", " "), count, kind_of(name)) for name, count in ledger.outcomes.most_common()]
    return bars(found, x_label="outcome")


def _windows(ledger: Ledger) -> str:
    start = ledger.campaign.created_at
    points = [
        Point(
            window["opened_at"] - start,
            (window["closed_after"] or window["opened_after"]) - window["opened_after"],
            "good" if window["caught"] else "bad",
            f"{window['name']}, attempt {window['attempt']}: {'caught' if window['caught'] else 'missed'}",
        )
        for window in ledger.windows
        if window["closed_after"] is not None
    ]
    return scatter(points, x_label="seconds since the campaign began", y_label="window length (s)")


def _attempts(ledger: Ledger) -> str:
    counted = sorted(ledger.attempts_of_fixed().items())
    return bars([Bar(str(attempts), hosts, "good") for attempts, hosts in counted], x_label="attempts until fixed")


def _when(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
