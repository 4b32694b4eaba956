"""Fill the tables of docs/benchmarks.md from bench/results: ``python docs/figures.py``; ``--check`` only compares.

What a benchmark found stands between ``<!-- NAME -->`` and ``<!-- / -->``, and all goals at the name ``goals``.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
RESULTS = ROOT / "bench" / "results"
PLACE = re.compile(r"(?<=<!-- )([\w ]+)( -->\n).*?(?=<!-- / -->)", re.DOTALL)
NOT_YET = "*Not measured yet.*"
Figures = Mapping[str, Any]
Row = Mapping[str, Any]


def filled(text: str, results: Path) -> str:
    """The page with every table as the results say; raises KeyError for one that nobody makes."""

    measured = {bench: _read(results / f"{bench}.json") for bench in BENCHES}

    def fill(found: re.Match[str]) -> str:
        bench = found[1].replace(" ", "_")
        if bench == "goals":
            return f"{found[1]}{found[2]}\n{_goals(measured)}\n\n"
        make, figures = BENCHES[bench], measured[bench]
        made = NOT_YET if figures is None else "\n\n".join(make(figures))
        return f"{found[1]}{found[2]}\n{made}\n\n"

    return PLACE.sub(fill, text)


def _read(path: Path) -> Figures | None:
    """What a benchmark found; None for a quick run, whose figures say nothing."""
    if not path.is_file():
        return None
    figures: Figures = json.loads(path.read_text(encoding="utf-8"))
    return None if figures.get("quick") else figures


def _fleet(figures: Figures) -> Iterable[str]:
    yield _machine(figures)
    names = ("hosts", "window s", "first window hit", "windows per host", "lag p50 ms", "lag p99 ms", "strike p50 ms")
    more = ("strike p99 ms", "CPU ms per attempt", "CPU per attempt beside the smallest", "MB", "seconds")
    yield _table(figures["fleets"], (*names, *more))


def _storm(figures: Figures) -> Iterable[str]:
    yield _machine(figures)
    yield _table(figures["storms"])
    yield "How many times as many windows as the best other client hit: " + _words(
        f"**{row['hits of ours to its']}** of {row['windows']} ({row['peer']})" for row in figures["ratios"]
    )
    yield "Ours, until an open port was seen, until its turn came, and how long the strike took then:"
    yield _table(figures["ours"])
    yield "Who was served when:"
    yield _table(figures["order"])


def _smallest(figures: Figures) -> Iterable[str]:
    yield _machine(figures)
    names = ("channel", "tool", "way", "smallest window ms", "median ms", "p90 ms", "worst ms", "first ms", "trials")
    yield _table(figures["rows"], names)
    yield "Median of ours, with default settings, as a part of the quickest other tool's: " + _words(
        f"{row['channel']} **{row['ratio']}** ({row['peer']})" for row in figures["ratios"]
    )
    if figures["missing"]:
        yield f"Not there on that machine: {_words(figures['missing'])}"


def _round_trips(figures: Figures) -> Iterable[str]:
    yield _machine(figures)
    yield f"The link itself: `connect()` alone counts as {figures['connect() alone']} round trips."
    shown = ("server", "task", "client", "way", "round trips", "goal", "goal met", "of best peer's", "ms at 5")
    yield _table(figures["rows"], shown)
    for server, reason in figures["missing"].items():
        yield f"Not measured: {server}: {reason}"


def _power(figures: Figures) -> Iterable[str]:
    yield _machine(figures)
    shown = ("what", "client", "BMCs", "loss", "right", "seconds", "client CPU ms/host", "went down twice")
    rows = [{"loss": None, **row} for row in (*figures["status"], *figures["resets"])]
    yield _table([{**row, "right": f"{row['right']} of {row['hosts']}"} for row in rows], shown)
    yield "Time of unloop over that of ipmipower:"
    yield _table([{"work": name, "ratio": ratio} for name, ratio in figures["ratios"].items()])


def _inventory(figures: Figures) -> Iterable[str]:
    yield _machine(figures)
    yield _table(figures["rows"])


def _prober(figures: Figures) -> Iterable[str]:
    yield _machine(figures)
    yield _table(figures["rows"])
    yield "CPU of a probe of ours over that of asyncio: " + _words(
        f"**{row['ratio']}** at {row['hosts']} hosts" for row in figures["ratios"]
    )


BENCHES: Mapping[str, Callable[[Figures], Iterable[str]]] = {
    "fleet": _fleet,
    "storm": _storm,
    "smallest_window": _smallest,
    "round_trips": _round_trips,
    "power": _power,
    "prober": _prober,
    "inventory": _inventory,
}


def _goals(measured: Mapping[str, Figures | None]) -> str:
    """Every goal, what was measured, and whether that is enough."""
    judges = {
        "fleet": _of_fleet,
        "smallest_window": _of_windows,
        "round_trips": _of_round_trips,
        "power": _of_power,
        "prober": _of_prober,
    }
    rows: list[Row] = []
    for bench, judge in judges.items():
        figures = measured[bench]
        if figures is None:
            rows.append({"benchmark": bench, "goal": NOT_YET})
        else:
            rows += [{"benchmark": bench, **row} for row in judge(figures)]
    return _table(rows, ("benchmark", "goal", "measured", "met"))


def _goal(goal: str, figure: float, *, most: float) -> Row:
    return {"goal": goal, "measured": figure, "met": "yes" if figure <= most else "**no**"}


def _of_fleet(figures: Figures) -> Iterator[Row]:
    wanted = figures["goal"]
    for row in figures["fleets"]:
        if row["hosts"] == 5000 and row["window s"] == 5:
            least, hit = wanted["hit in the first window of 5 s"], row["first window hit"]
            yield {
                "goal": f"5,000 hosts, windows of 5 s: at least {least:.0%} hit in the first window",
                "measured": f"{hit:.2%}",
                "met": "yes" if hit >= least else "**no**",
            }
            cpu, size = wanted["CPU ms per host attempt"], wanted["MB"]
            yield _goal(f"the same: at most {cpu:g} ms CPU per attempt at a host", row["CPU ms per attempt"], most=cpu)
            yield _goal(f"the same: at most {size} MB", row["MB"], most=size)


def _of_windows(figures: Figures) -> Iterator[Row]:
    for row in figures["rows"]:
        if row["tool"] == "unloop" and row["way"] == "default settings":
            for name, most in figures["goal"].items():
                yield _goal(f"{row['channel']}: from up to fixed, {name} at most {most}", row[name], most=most)


def _of_round_trips(figures: Figures) -> Iterator[Row]:
    for row in figures["rows"]:
        if row["goal"] is not None:
            yield {
                "goal": f"{row['server']}, {row['task']}, {row['way']}: at most {row['goal']} round trips",
                "measured": row["round trips"],
                "met": "yes" if row["goal met"] == "yes" else "**no**",
            }


def _of_power(figures: Figures) -> Iterator[Row]:
    for name, ratio in figures["ratios"].items():
        if name.startswith("status"):
            yield _goal(f"{name}: at most 3 times the time of ipmipower", ratio, most=3)
    for row in figures["status"]:
        if row["client"] == "unloop":
            cpu = row["client CPU ms/host"]
            yield _goal(f"status, {row['BMCs']}, suite {row['suite']}: at most 1 ms CPU per BMC", cpu, most=1)


def _of_prober(figures: Figures) -> Iterator[Row]:
    most = figures["goal"]["µs CPU per probe"]
    for row in figures["rows"]:
        if row["client"] == "unloop":
            goal = f"{row['hosts']} hosts: at most {most:g} µs of a core per probe, as the race's budget reckons"
            yield _goal(goal, row["µs CPU per probe"], most=most)


def _machine(figures: Figures) -> str:
    """Where and when."""
    machine = figures["machine"]
    parts = (
        f"{machine['at'][:10]}, {machine['at'][11:16]} UTC",
        f"commit `{machine['commit']}`" if "commit" in machine else "",
        f"{machine['processor']}, {machine['cores']} cores",
        f"Linux {machine['kernel']}",
        f"Python {machine['python']}",
        f"load {machine['load']} at the end",
    )
    return f"*{', '.join(part for part in parts if part)}*"


def _table(rows: Sequence[Row], names: Sequence[str] = ()) -> str:
    names = names or tuple(rows[0])
    lines = [names, ["---"] * len(names), *([_cell(row.get(name)) for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _words(parts: Iterable[str]) -> str:
    return ", ".join(parts) + "."


def main(arguments: Sequence[str]) -> int:
    """Fill the page, or with ``--check`` only compare; returns the exit code."""
    if unknown := [word for word in arguments if word != "--check"]:
        print(f"usage: figures.py [--check], not {' '.join(unknown)}", file=sys.stderr)
        return 2
    text = PAGE.read_text(encoding="utf-8")
    made = filled(text, RESULTS)
    if made == text:
        return 0
    if "--check" in arguments:
        print("docs/benchmarks.md is out of date; run: make docs", file=sys.stderr)
        return 1
    PAGE.write_text(made, encoding="utf-8")
    print("wrote docs/benchmarks.md")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
