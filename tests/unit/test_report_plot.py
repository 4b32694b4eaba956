"""The report's plots: what a bar chart says of its values."""

import re

import pytest

from unloop.report.plot import Bar, bars, histogram, round_up


def told(svg: str, kind: str) -> list[str]:
    """The texts of one class, from left to right."""
    return re.findall(rf'<text class="{kind}"[^>]*>([^<]*)</text>', svg)


@pytest.mark.parametrize(
    ("width", "expected"), [(0.0, 1.0), (0.06, 0.1), (0.1, 0.1), (1.01, 2.0), (3.0, 5.0), (70.0, 100.0)]
)
def test_ranges_have_round_widths(width: float, expected: float) -> None:
    """1, 2 or 5 times a power of ten."""
    assert round_up(width) == expected


def test_every_value_is_in_one_range() -> None:
    """The counts add up, and ranges of nothing carry no number."""
    values = [0.0, 0.4, 3.9, 4.0, 7.7]
    svg = histogram(values, x_label="s", y_label="windows", bins=4)
    assert told(svg, "tick") == ["0", "1", "2", "3", "4…"]
    assert told(svg, "value") == ["2", "1", "2"]


def test_one_straggler_does_not_squeeze_the_rest() -> None:
    """The longest hundredth is counted in the last range, which says so."""
    svg = histogram([0.01] * 199 + [700.0], x_label="s", y_label="strikes", bins=4)
    assert told(svg, "tick")[-1].endswith("…")
    assert sum(int(value) for value in told(svg, "value")) == 200


def test_one_bar_is_no_wall() -> None:
    """A single bar is as wide as one of five, not as the page."""
    width = re.search(r'<rect [^>]*width="([\d.]+)"', bars([Bar("1", 5)], x_label="x"))
    assert width is not None
    assert float(width[1]) < 100


def test_nothing_is_said_to_be_nothing() -> None:
    """No values, no axes."""
    assert "Nothing was seen" in histogram([], x_label="x", y_label="y")
