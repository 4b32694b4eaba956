"""How long a campaign may still take, from what its attempts took and how many windows they hit: pure."""

from unloop.store.queries import Pace


def seconds_left(pace: Pace, *, racing: int, proving: int, at_once: int) -> float | None:
    """Seconds until the hosts that are left have ended, None while nothing is known.

    ``racing`` hosts need on average so many attempts as a window is rarely hit, ``at_once`` of them side by side; whoever
    has landed needs a proof. Hosts that never open a port take longer than that, so it is an estimate from below.
    """
    proof = pace.proof or 0.0
    if not racing:
        return proof if proving and pace.proof is not None else (0.0 if not proving else None)
    if pace.attempt is None or not pace.windows:
        return None
    chance = (pace.caught + 1) / (pace.windows + 2)
    rounds = racing / chance / max(1, min(at_once, racing))
    return rounds * pace.attempt + proof
