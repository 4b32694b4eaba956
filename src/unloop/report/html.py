"""The report as one self-contained HTML page: outcomes, windows over time, attempts, and every host with its evidence."""

from collections.abc import Sequence
from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from unloop.model.outcome import GOOD, Outcome
from unloop.report import windows
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
    environment.filters["seconds"] = _seconds
    hosts = [
        {
            **record_of(ledger, row),
            "kind": kind_of(str(row.run.outcome or "")),
            "evidence": ledger.evidence.get(row.run.host.name, ()),
            "proof": proof_of(ledger, row.run.host.name),
        }
        for row in ledger.hosts
    ]
    facts = ledger.facts
    plots = {
        "outcomes": _outcomes(ledger),
        "windows": _windows(ledger),
        "attempts": _attempts(ledger),
        "lengths": histogram(windows.lengths(facts), x_label="window length (s)", y_label="windows"),
        "strikes": _in_ms(windows.landings(facts), x_label="first open port to landed (ms)", y_label="strikes"),
        "lags": _in_ms(windows.lags(facts), x_label="seen at most so late (ms)", y_label="windows"),
        "hits": bars(
            [Bar(hits.name, round(hits.rate * 100), "good") for hits in windows.by_attempt(facts)],
            x_label="attempt",
            y_label="windows caught (%)",
        ),
    }
    groups = [
        ("model", windows.by_model(facts)),
        ("site", windows.by_site(facts)),
    ]
    return environment.get_template("report.html.j2").render(
        ledger=ledger,
        campaign=ledger.campaign,
        hosts=hosts,
        groups=groups,
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


def _in_ms(values: Sequence[float], *, x_label: str, y_label: str) -> str:
    return histogram([value * 1000 for value in values], x_label=x_label, y_label=y_label)


def _when(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _seconds(value: float | None) -> str:
    """A time for people: milliseconds below a second."""
    if value is None:
        return ""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
