"""Plots for the report as SVG text, drawn here so that the page needs nothing else: bars, a scatter, a stacked line."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

WIDTH, HEIGHT = 640, 240
LEFT, BOTTOM, TOP, RIGHT = 52, 36, 12, 12
WIDEST = 110


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its label, its value, and the CSS class that colours it."""

    label: str
    value: float
    kind: str = "neutral"


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a scatter."""

    x: float
    y: float
    kind: str
    title: str


def bars(items: Sequence[Bar], *, x_label: str, y_label: str = "hosts") -> str:
    """A bar chart; every bar carries its value, but for those of nothing."""
    if not items:
        return _nothing()
    top = max(item.value for item in items) or 1
    slot = min(WIDEST, (WIDTH - LEFT - RIGHT) / len(items))
    parts = [_axes(x_label, y_label)]
    for index, item in enumerate(items):
        height = (HEIGHT - TOP - BOTTOM - 14) * item.value / top
        x, y = LEFT + slot * index + slot * 0.12, HEIGHT - BOTTOM - height
        middle = LEFT + slot * (index + 0.5)
        parts.append(
            f'<rect class="{item.kind}" x="{x:.1f}" y="{y:.1f}" width="{slot * 0.76:.1f}" height="{height:.1f}"/>'
        )
        if item.value:
            parts.append(f'<text class="value" x="{middle:.1f}" y="{y - 4:.1f}">{item.value:g}</text>')
        parts.append(f'<text class="tick" x="{middle:.1f}" y="{HEIGHT - BOTTOM + 14}">{escape(item.label)}</text>')
    return _svg(parts)


def histogram(values: Sequence[float], *, x_label: str, y_label: str, bins: int = 12) -> str:
    """How often values from 0 on fall into equal ranges of a round width; the last one holds the longest hundredth too."""
    if not values:
        return _nothing()
    ordered = sorted(values)
    width = round_up(ordered[(len(ordered) - 1) * 99 // 100] / bins)
    counted = [0] * (int(ordered[(len(ordered) - 1) * 99 // 100] / width) + 1)
    for value in values:
        counted[min(len(counted) - 1, int(value / width))] += 1
    labels = [f"{width * index:.12g}" for index in range(len(counted))]
    if ordered[-1] >= width * len(counted):
        labels[-1] += "…"
    return bars(
        [Bar(label, count) for label, count in zip(labels, counted, strict=True)], x_label=x_label, y_label=y_label
    )


def round_up(width: float) -> float:
    """The next of 1, 2 and 5 times a power of ten; 1 for nothing."""
    if width <= 0:
        return 1.0
    power = 10.0 ** floor(log10(width))
    return next(float(f"{step * power:.12g}") for step in (1, 2, 5, 10) if step * power >= width)


def scatter(points: Sequence[Point], *, x_label: str, y_label: str) -> str:
    """Points over time; hovering over one names it."""
    if not points:
        return _nothing()
    x_top = max(point.x for point in points) or 1.0
    y_top = max(point.y for point in points) or 1.0
    parts = [_axes(x_label, y_label)]
    for fraction in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = LEFT + (WIDTH - LEFT - RIGHT) * fraction
        y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * fraction
        parts.append(f'<text class="tick" x="{x:.1f}" y="{HEIGHT - BOTTOM + 14}">{x_top * fraction:.0f}</text>')
        parts.append(f'<text class="tick y" x="{LEFT - 6}" y="{y + 4:.1f}">{y_top * fraction:.1f}</text>')
    for point in points:
        x = LEFT + (WIDTH - LEFT - RIGHT) * point.x / x_top
        y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * point.y / y_top
        title = f"<title>{escape(point.title)}</title>"
        parts.append(f'<circle class="{point.kind}" cx="{x:.1f}" cy="{y:.1f}" r="3.5">{title}</circle>')
    return _svg(parts)


def _axes(x_label: str, y_label: str) -> str:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    return (
        f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>'
        f'<text class="label" x="{(LEFT + right) / 2}" y="{HEIGHT - 4}">{escape(x_label)}</text>'
        f'<text class="label" transform="translate(12 {(TOP + bottom) / 2}) rotate(-90)">{escape(y_label)}</text>'
    )


def _svg(parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(parts)}</svg>'


def _nothing() -> str:
    return '<p class="nothing">Nothing was seen.</p>'
