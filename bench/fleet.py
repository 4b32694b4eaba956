"""Racing fleets of 500, 2,000 and 5,000 crash-looping hosts from one process: hit rate, lag, CPU and memory.

``fleet.py --quick`` races 100 hosts once. The simulators run in other processes on the same cores; their CPU is reported
apart. The peer of a fleet is the smallest one: cost must grow no faster than the number of hosts.
"""

import sys
from typing import Any

from racing import Raced, Scene, race
from results import quantile, save, show

SIZES = (500, 2_000, 5_000)
WINDOWS = (5.0, 2.0)
BOOT, JITTER = 30.0, 3.0
SECONDS = 240.0
GOAL = {"hit in the first window of 5 s": 0.99, "CPU ms per host attempt": 3.0, "MB": 200}


def figures(raced: Raced) -> dict[str, Any]:
    """What counts of one race."""
    lags, struck = raced.lags, raced.struck
    return {
        "hosts": raced.scene.hosts,
        "window s": raced.scene.window,
        "landed": raced.landed,
        "first window hit": round(raced.first_hits / raced.scene.hosts, 4),
        "windows per host": round(raced.boots_needed, 3),
        "lag p50 ms": round(1e3 * quantile(lags, 50), 1),
        "lag p99 ms": round(1e3 * quantile(lags, 99), 1),
        "strike p50 ms": round(1e3 * quantile(struck, 50), 1),
        "strike p99 ms": round(1e3 * quantile(struck, 99), 1),
        "CPU ms per attempt": round(1e3 * raced.cpu / max(1, raced.attempts), 2),
        "MB": round(raced.megabytes),
        "seconds": round(raced.seconds, 1),
        "simulators' CPU s": round(raced.simulator_cpu, 1),
    }


def main() -> None:
    """Race every fleet, and compare each with the smallest."""
    is_quick = "--quick" in sys.argv
    scenes = [Scene(size, window, BOOT, JITTER) for window in WINDOWS for size in SIZES]
    if is_quick:
        scenes = [Scene(100, 2.0, 4.0, 1.0)]
    rows = []
    for scene in scenes:
        row = figures(race(scene, seconds=SECONDS))
        smallest = next((one for one in rows if one["window s"] == row["window s"]), row)
        row["CPU per attempt beside the smallest"] = round(
            row["CPU ms per attempt"] / smallest["CPU ms per attempt"], 2
        )
        rows.append(row)
        print(row, flush=True)
    show(f"Racing fleets: boots of {BOOT:g} s, give or take {JITTER:g} s", rows)
    save("fleet-quick" if is_quick else "fleet", {"goal": GOAL, "fleets": rows})


if __name__ == "__main__":
    main()
