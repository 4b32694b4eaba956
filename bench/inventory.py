"""How long 20,000 lines of CSV take to become hosts, beside csv.DictReader on the same file in the same run."""

import csv
import json
import sys
import tempfile
import time
from pathlib import Path

from unloop.inventory.read import read
from unloop.settings.schema import Settings

HOSTS = 20_000
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


def main() -> None:
    """Print one JSON document."""
    hosts = int(sys.argv[1]) if len(sys.argv) > 1 else HOSTS
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "hosts.csv"
        write(path, hosts)
        start = time.perf_counter()
        with path.open(encoding="utf-8", newline="") as file:
            rows = sum(1 for _ in csv.DictReader(file))
        plain = time.perf_counter() - start
        start = time.perf_counter()
        found = len(read(str(path), Settings()).hosts)
        ours = time.perf_counter() - start
    assert rows == found == hosts
    print(json.dumps({"hosts": hosts, "csv_dictreader_seconds": round(plain, 3), "unloop_seconds": round(ours, 3)}))


if __name__ == "__main__":
    main()
