"""What was learned of a host's boots, and what it says of the next one: pure.

A profile is made of windows that were measured, the host's own or those of its model. It tells when the first port is due,
which port that will be, how long the window will be, and how likely it is to be hit.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median

from unloop.model.attempt import Window

KEPT = 20
"""Boots that a profile remembers: a host that was changed in between should not be judged by what it was."""
LENGTHS = 200
"""Windows of the whole fleet that are remembered for hosts of which nothing is known."""
GUESSED = 3.0
"""Seconds of a window, as long as none has been seen to close."""
ENOUGH = 5
"""So many windows must have been measured before a host is called hopeless."""


@dataclass(frozen=True, slots=True)
class SeenBoot:
    """One watched boot. Seconds after its start, or for ``length`` and ``landed_in`` after the first open port.

    ``opened_after`` is None where nobody knows when the boot began: the host crashed and started by itself.
    """

    opened_after: float | None
    length: float | None
    landed_in: float | None
    ports: Mapping[str, float] = field(default_factory=dict)
    """Per channel, how long after the first port its own opened."""

    @classmethod
    def of(cls, window: Window, *, is_caused: bool = True) -> "SeenBoot":
        """What a window tells; ``is_caused``: we caused the boot, so that its start is known."""
        landed_in = None if window.struck_after is None else window.struck_after - window.opened_after
        ports = {channel: at - window.opened_after for channel, at in window.first_ports.items()}
        return cls(window.opened_after if is_caused else None, window.length, landed_in, ports)


@dataclass(frozen=True, slots=True)
class BootProfile:
    """The boots of one host, or of one model, oldest first; at least one."""

    boots: tuple[SeenBoot, ...]

    def due(self) -> tuple[float, float] | None:
        """The earliest and the latest time after the start at which the first port is expected, None if nobody knows.

        The spread that was seen, and on both sides a tenth of the usual time but at least a second, since few boots were
        seen.
        """
        seen = [boot.opened_after for boot in self.boots if boot.opened_after is not None]
        if not seen:
            return None
        margin = max(1.0, 0.1 * median(seen))
        return max(0.0, min(seen) - margin), max(seen) + margin

    def order(self, channels: Sequence[str]) -> tuple[str, ...]:
        """The channels in the order in which their ports open; one that never opened comes last."""
        return tuple(sorted(channels, key=self._usual))

    def shortest(self) -> float | None:
        """A window length that nine of ten windows reach, None while none has closed."""
        lengths = self._lengths()
        return lengths[len(lengths) // 10] if lengths else None

    def chance(self, needed: float) -> float:
        """The chance that the next window is long enough, by the rule of succession: never quite 0 or 1."""
        lengths = self._lengths()
        hits = sum(length >= needed for length in lengths)
        return (hits + 1) / (len(lengths) + 2)

    def expected_attempts(self, needed: float) -> float:
        """How many more boots it takes on average."""
        return 1 / self.chance(needed)

    def is_too_short(self, needed: float | None) -> bool:
        """Whether no window was ever long enough for what the fastest landing takes."""
        lengths = self._lengths()
        return needed is not None and len(lengths) >= ENOUGH and lengths[-1] < needed

    def _lengths(self) -> list[float]:
        return sorted(boot.length for boot in self.boots if boot.length is not None)

    def _usual(self, channel: str) -> float:
        seen = [boot.ports[channel] for boot in self.boots if channel in boot.ports]
        return fmean(seen) if seen else float("inf")


class Profiles:
    """The profiles of a fleet, by host and by model, as windows come in."""

    def __init__(self) -> None:
        self._boots: dict[tuple[str, str], tuple[SeenBoot, ...]] = {}
        self._landed: dict[str, float] = {}
        self._lengths: deque[float] = deque(maxlen=LENGTHS)

    def learn(self, host: str, model: str, windows: Iterable[Window], *, is_caused: bool = True) -> None:
        """Remember what was measured of a host; ``is_caused``: in boots that we caused."""
        for window in windows:
            boot = SeenBoot.of(window, is_caused=is_caused)
            if boot.length is not None:
                self._lengths.append(boot.length)
            self._add(("host", host), boot)
            if model:
                self._add(("model", model), boot)
            if boot.landed_in is not None and window.channel:
                known = self._landed.get(window.channel, boot.landed_in)
                self._landed[window.channel] = min(known, boot.landed_in)

    def of(self, host: str, model: str) -> BootProfile | None:
        """The host's own profile, else that of its model, else None."""
        own = self._boots.get(("host", host)) or self._boots.get(("model", model))
        return BootProfile(own) if own else None

    def own(self, host: str) -> BootProfile | None:
        """The host's own profile: nothing final is decided by what others of its model do."""
        boots = self._boots.get(("host", host))
        return BootProfile(boots) if boots else None

    def shortest(self, host: str, model: str) -> float:
        """A window length that nine of ten windows of this host or model reach, else of any host, else a guess."""
        profile = self.of(host, model)
        own = profile.shortest() if profile else None
        if own is not None:
            return own
        lengths = sorted(self._lengths)
        return lengths[len(lengths) // 10] if lengths else GUESSED

    def fastest_landing(self, channels: Iterable[str]) -> float | None:
        """The least time that a landing over one of these channels has taken anywhere, None when there was none."""
        known = [self._landed[channel] for channel in channels if channel in self._landed]
        return min(known, default=None)

    def _add(self, key: tuple[str, str], boot: SeenBoot) -> None:
        self._boots[key] = (*self._boots.get(key, ()), boot)[-KEPT:]
