"""The windows of a campaign as a person at a terminal reads them: small histograms and rates, in a few lines."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from unloop.report import windows
from unloop.report.windows import Hits, Spread
from unloop.store.queries import WindowFact

_BLOCKS = " ▁▂▃▄▅▆▇█"
BINS = 24
SHOWN = 5
"""Groups of one kind that are listed; the others are summed up."""


def windows_panel(facts: Sequence[WindowFact]) -> Table:
    """Lengths, lags and landings, then the hit rate by attempt, model and site."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    rows = (
        ("windows last", windows.lengths(facts)),
        ("seen late by at most", windows.lags(facts)),
        ("landed after", windows.landings(facts)),
    )
    for title, values in rows:
        spread = Spread.of(values)
        if spread is not None:
            table.add_row(Text(title, style="dim"), sparkline(values), Text(_told(spread)))
    for title, groups in (("attempt", windows.by_attempt(facts)), *_named(facts)):
        table.add_row(Text(f"caught by {title}", style="dim"), "", Text(_rates(groups)))
    return table


def sparkline(values: Sequence[float], *, bins: int = BINS) -> Text:
    """How often values fall into equal ranges from 0 to the largest, as one line of blocks."""
    top = max(values) or 1.0
    counted = [0] * bins
    for value in values:
        counted[min(bins - 1, int(value / top * bins))] += 1
    most = max(counted)
    return Text("".join(_BLOCKS[-(-count * (len(_BLOCKS) - 1) // most)] for count in counted), style="cyan")


def in_short(seconds: float) -> str:
    """A time: milliseconds below a second."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _named(facts: Sequence[WindowFact]) -> list[tuple[str, tuple[Hits, ...]]]:
    """The groups that the inventory names; one that holds everything says nothing."""
    found = (("model", windows.by_model(facts)), ("site", windows.by_site(facts)))
    return [(title, groups) for title, groups in found if len(groups) > 1]


def _told(spread: Spread) -> str:
    return f"0 to {in_short(spread.longest)}; half {in_short(spread.median)}, 99 % {in_short(spread.p99)}"


def _rates(groups: Sequence[Hits]) -> str:
    shown = sorted(groups, key=lambda hits: -hits.windows)[:SHOWN]
    told = [f"{hits.name}: {hits.rate:.0%} of {hits.windows}" for hits in groups if hits in shown]
    more = len(groups) - len(shown)
    return " · ".join([*told, *([f"{more} more"] if more else [])])
