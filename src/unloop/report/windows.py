"""What the windows of a campaign tell together: how long they were, how late they were seen, how many were hit. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from unloop.store.queries import WindowFact


@dataclass(frozen=True, slots=True)
class Spread:
    """Half of the values are at most ``median``, nine of ten at most ``p90``, all but one in a hundred at most ``p99``."""

    values: int
    median: float
    p90: float
    p99: float
    longest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread | None":
        """The spread of some values, None when there is none."""
        found = sorted(values)
        if not found:
            return None
        median, p90, p99 = (_quantile(found, share) for share in (50, 90, 99))
        return cls(len(found), median, p90, p99, found[-1])


@dataclass(frozen=True, slots=True)
class Hits:
    """How many windows of a group were seen and how many caught, with what is usual for them. Times in seconds."""

    name: str
    windows: int
    caught: int
    length: float | None
    """Median length of those that closed."""
    lag: float | None
    """Median of the bound on how late they were seen."""
    landed_in: float | None
    """Median time from the first open port to the landing."""

    @property
    def rate(self) -> float:
        """The share of windows that were caught."""
        return self.caught / self.windows if self.windows else 0.0


def lengths(windows: Iterable[WindowFact]) -> tuple[float, ...]:
    """Lengths of the windows that were seen to close."""
    return tuple(window.length for window in windows if window.length is not None)


def lags(windows: Iterable[WindowFact]) -> tuple[float, ...]:
    """How late windows were seen at most: the time between the probe that saw the port and the one before."""
    return tuple(window.lag for window in windows if window.lag is not None)


def landings(windows: Iterable[WindowFact]) -> tuple[float, ...]:
    """From the first open port to the landing."""
    return tuple(window.landed_in for window in windows if window.landed_in is not None)


def by_attempt(windows: Sequence[WindowFact]) -> tuple[Hits, ...]:
    """The windows of first attempts, of second ones, and so on."""
    return _grouped(windows, lambda window: f"{window.attempt:4d}")


def by_model(windows: Sequence[WindowFact]) -> tuple[Hits, ...]:
    """The windows of each hardware or image model."""
    return _grouped(windows, lambda window: window.model or "no model named")


def by_site(windows: Sequence[WindowFact]) -> tuple[Hits, ...]:
    """The windows of each site."""
    return _grouped(windows, lambda window: window.site or "no site named")


def total(windows: Sequence[WindowFact]) -> Hits:
    """All of them."""
    return _hits("all", windows)


def _grouped(windows: Sequence[WindowFact], name: Callable[[WindowFact], str]) -> tuple[Hits, ...]:
    groups: dict[str, list[WindowFact]] = {}
    for window in windows:
        groups.setdefault(name(window), []).append(window)
    ordered: Mapping[str, list[WindowFact]] = dict(sorted(groups.items()))
    return tuple(_hits(key.strip(), found) for key, found in ordered.items())


def _hits(name: str, windows: Sequence[WindowFact]) -> Hits:
    return Hits(
        name,
        len(windows),
        sum(window.caught for window in windows),
        _median(lengths(windows)),
        _median(lags(windows)),
        _median(landings(windows)),
    )


def _median(values: Iterable[float]) -> float | None:
    found = sorted(values)
    return _quantile(found, 50) if found else None


def _quantile(ordered: Sequence[float], percent: int) -> float:
    """The smallest value that so many of a hundred values do not exceed."""
    return ordered[-(-len(ordered) * percent // 100) - 1]
