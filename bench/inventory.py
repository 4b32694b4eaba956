"""How long 20,000 lines of CSV take to become hosts, beside csv.DictReader on the same file in the same run.

``inventory.py --quick`` reads a hundredth of them.
"""

import csv
import sys
import tempfile
import time
from pathlib import Path

from results import save, show

from unloop.inventory.read import read
from unloop.settings.schema import Settings

HOSTS = 20_000
RUNS = 3
COLUMNS = "name,address,system,bmc,mac,uuid,site,rack,power_domain,tier,credential,label.owner"


def write(path: Path, hosts: int) -> None:
    """An inventory as a large company would have it."""
    with path.open("w", encoding="utf-8") as file:
        file.write(COLUMNS + "\n")
        for n in range(hosts):
            high, low = divmod(n, 250)
            file.write(
                f"ws-{n:05d},10.{high}.0.{low + 1},windows,10.{high}.1.{low + 1},02:00:00:00:{n >> 8:02x}:{n & 255:02x},"
                f"{n + 1:08x}-0000-4000-8000-000000000000,LHR,R{n // 40:04d},"
                f"PDU{n // 80:03d},{n % 4},local-admin,team {n % 7}\n"
            )


def timed(path: Path, hosts: int) -> tuple[float, float]:
    """Seconds for csv.DictReader, and for ours."""
    start = time.perf_counter()
    with path.open(encoding="utf-8", newline="") as file:
        rows = sum(1 for _ in csv.DictReader(file))
    between = time.perf_counter()
    found = len(read(str(path), Settings()).hosts)
    end = time.perf_counter()
    assert rows == found == hosts
    return between - start, end - between


def main() -> None:
    """Print a table for people, and write results/inventory.json."""
    is_quick = "--quick" in sys.argv[1:]
    hosts = HOSTS // 100 if is_quick else HOSTS
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "hosts.csv"
        write(path, hosts)
        runs = [timed(path, hosts) for _ in range(RUNS)]
    plain, ours = (min(times) for times in zip(*runs, strict=True))
    row = {
        "hosts": hosts,
        "csv.DictReader ms": round(1000 * plain, 1),
        "unloop ms": round(1000 * ours, 1),
        "µs per host": round(1e6 * ours / hosts, 1),
        "ratio": round(ours / plain, 1),
    }
    show(f"From CSV to hosts, the best of {RUNS}", [row])
    save("inventory", {"quick": is_quick, "rows": [row]})


if __name__ == "__main__":
    main()
