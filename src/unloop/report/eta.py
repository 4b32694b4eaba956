"""How long a campaign may still take, from what its attempts took and how many windows they hit: pure."""

from unloop.store.queries import Pace


def seconds_left(pace: Pace, *, racing: int, proving: int, at_once: int) -> float | None:
    """Seconds until the hosts that are left have ended, None while nothing is known.

    ``racing`` hosts need on average so many attempts as a window is rarely hit, ``at_once`` of them side by side; whoever
    has landed needs a proof, and how long that takes shows with the first one. Hosts that never open a port take longer
    than that, so it is an estimate from below.
    """
    if not racing:
        return pace.proof if proving else 0.0
    if pace.attempt is None or not pace.windows or pace.proof is None:
        return None
    chance = (pace.caught + 1) / (pace.windows + 2)
    rounds = racing / chance / max(1, min(at_once, racing))
    return rounds * pace.attempt + pace.proof
