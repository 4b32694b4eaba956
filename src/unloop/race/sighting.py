"""What a watch has seen of a host so far, and what that says of it."""

from dataclasses import dataclass, field

from unloop.race.prober import Heard, Sign

GONE_AFTER = 3
"""So many probes in a row without any answer mean that the host is down."""

PATIENCE = 1.5
"""Over so many usual intervals they must reach at least, however close one came after the other."""


@dataclass(slots=True)
class Signs:
    """How often one door was refused and how often it kept silent.

    ``in_a_row``: silences since the last sign of the host, over ``lasted`` seconds.
    """

    refused: int = 0
    silent: int = 0
    in_a_row: int = 0
    lasted: float = 0.0
    _since: float = 0.0

    def count(self, heard: Heard) -> None:
        """One more probe was answered so."""
        if heard.sign is not Sign.SILENT:
            self.refused += heard.sign is Sign.REFUSED
            self.in_a_row = 0
            return
        self.silent += 1
        self.in_a_row += 1
        self._since = heard.sent if self.in_a_row == 1 else self._since
        self.lasted = heard.sent - self._since


@dataclass(slots=True)
class Sighting:
    """What a watch has seen so far. Times are seconds on the event loop's clock.

    ``lag`` bounds, for each channel, how long its port can have been open before it was seen to be: the time since the
    probe before. ``signs`` counts the answers of each door; a probe that could not be sent has none.
    """

    started: float
    first_open: dict[str, float] = field(default_factory=dict)
    pinged: float | None = None
    """When the host first answered a ping."""
    lag: dict[str, float] = field(default_factory=dict)
    signs: dict[str, Signs] = field(default_factory=dict)
    patience: float = 0.0
    """Seconds over which the silences of a host that is down must reach."""

    @property
    def is_closed(self) -> bool:
        """Whether a door answered every probe, and no port was open: the host is up, whatever a firewall drops."""
        return not self.first_open and any(signs.refused and not signs.silent for signs in self.signs.values())

    @property
    def is_down(self) -> bool:
        """Whether the host shows itself to be down: each door has kept silent for some probes since the last sign of it."""
        return bool(self.signs) and all(
            signs.in_a_row >= GONE_AFTER and signs.lasted >= self.patience for signs in self.signs.values()
        )

    @property
    def opened(self) -> float | None:
        """When the first port opened."""
        return min(self.first_open.values(), default=None)
