"""What the measured boots of a host say of its next window, in one line for people and as data."""

from dataclasses import asdict, dataclass

from unloop.model.host_run import HostRun
from unloop.race.profile import Profiles
from unloop.store import queries
from unloop.store.database import Database


@dataclass(frozen=True, slots=True)
class Forecast:
    """Times in seconds. ``due`` is counted from power-on; None stands for what no boot has shown yet.

    ``boots`` were seen of the host, or of its model where ``is_of_model``. ``chance`` is that the next window leaves time
    for the fastest landing that was seen, ``attempts`` how many more boots that takes on average.
    """

    boots: int
    is_of_model: bool
    due: tuple[float, float] | None
    shortest: float | None
    landing: float | None
    chance: float | None
    attempts: float | None

    def to_json(self) -> dict[str, object]:
        """JSON types only."""
        return asdict(self)

    def __str__(self) -> str:
        whose = "of this model" if self.is_of_model else "of this host"
        parts = [f"{self.boots} boots seen {whose}"]
        if self.due is not None:
            parts.append(f"the next port is due {self.due[0]:.0f} to {self.due[1]:.0f} s after power-on")
        if self.shortest is not None:
            parts.append(f"nine of ten windows last {self.shortest:.2g} s")
        if self.chance is not None and self.attempts is not None:
            parts.append(f"a landing has taken {self.landing:.2g} s: {self.chance:.0%} of windows leave time for one")
            parts.append(f"about {self.attempts:.1f} more boots")
        return "; ".join(parts)


def forecast(database: Database, run: HostRun) -> Forecast | None:
    """What is expected of a host that is still to be repaired; None where nothing was seen, or nothing is left to race."""
    if run.outcome is not None or run.progress.landed_at is not None:
        return None
    profiles = Profiles()
    for boot in queries.boots_of(database, run.campaign):
        profiles.learn(boot.host, boot.model, (boot.window,), is_caused=boot.is_caused)
    profile = profiles.of(run.host.name, run.host.model)
    if profile is None:
        return None
    landing = profiles.fastest_landing(endpoint.channel for endpoint in run.host.endpoints)
    return Forecast(
        boots=len(profile.boots),
        is_of_model=profiles.own(run.host.name) is None,
        due=profile.due(),
        shortest=profile.shortest(),
        landing=landing,
        chance=None if landing is None else profile.chance(landing),
        attempts=None if landing is None else profile.expected_attempts(landing),
    )
