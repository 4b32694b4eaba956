"""The page with the figures of the benchmarks says what their files say."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"
MACHINE = {
    "processor": "abacus",
    "cores": 2,
    "kernel": "6.1",
    "python": "3.11.7",
    "load": 0.1,
    "commit": "abc1234",
    "at": "2026-01-02T03:04:05Z",
}
EMPTY = "before\n<!-- inventory -->\n\nold\n\n<!-- / -->\nafter\n"


@pytest.fixture(scope="module")
def figures() -> ModuleType:
    """docs/figures.py as a module."""
    spec = importlib.util.spec_from_file_location("docs_figures", DOCS / "figures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(directory: Path, name: str, **found: object) -> None:
    """What a benchmark leaves behind."""
    (directory / f"{name}.json").write_text(json.dumps({"machine": MACHINE, **found}))


def test_the_page_is_current(figures: ModuleType) -> None:
    """What stands in docs/benchmarks.md is what bench/results says now; else: make docs."""
    assert figures.main(["--check"]) == 0


def test_every_benchmark_has_its_place(figures: ModuleType) -> None:
    """Nothing that is measured is left out of the page."""
    text = figures.PAGE.read_text(encoding="utf-8")
    places = {found[1].replace(" ", "_") for found in figures.PLACE.finditer(text)}
    assert places == {"goals", *figures.BENCHES}


def test_a_table_is_filled_with_rows_and_machine(figures: ModuleType, tmp_path: Path) -> None:
    """The figures replace what stood there, and what is around them stays."""
    write(tmp_path, "inventory", quick=False, rows=[{"hosts": 7, "ratio": 1.5}])

    machine = (
        "*2026-01-02, 03:04 UTC, commit `abc1234`, abacus, 2 cores, Linux 6.1, Python 3.11.7, load 0.1 at the end*"
    )
    table = "| hosts | ratio |\n| --- | --- |\n| 7 | 1.5 |"
    expected = f"before\n<!-- inventory -->\n\n{machine}\n\n{table}\n\n<!-- / -->\nafter\n"
    assert figures.filled(EMPTY, tmp_path) == expected
    assert figures.filled(expected, tmp_path) == expected


def test_a_quick_run_is_no_measurement(figures: ModuleType, tmp_path: Path) -> None:
    """Figures of a run that only shows that a benchmark works are not shown."""
    write(tmp_path, "inventory", quick=True, rows=[{"hosts": 7}])

    assert "*Not measured yet.*" in figures.filled(EMPTY, tmp_path)


def test_a_goal_that_was_missed_is_said_to_be(figures: ModuleType, tmp_path: Path) -> None:
    """A goal stands beside what was measured, and a benchmark that was not run is not passed over."""
    rows = [{"hosts": 5000, "window s": 5.0, "first window hit": 0.98, "CPU ms per attempt": 2.5, "MB": 240}]
    goal = {"hit in the first window of 5 s": 0.99, "CPU ms per host attempt": 3.0, "MB": 200}
    write(tmp_path, "fleet", goal=goal, fleets=rows)

    text = figures.filled("<!-- goals -->\n<!-- / -->", tmp_path)
    assert "at least 99% hit in the first window | 98.00% | **no** |" in text
    assert "at most 3 ms CPU per attempt at a host | 2.5 | yes |" in text
    assert "at most 200 MB | 240 | **no** |" in text
    assert "| power | *Not measured yet.* |" in text


def test_a_place_that_nobody_fills_is_an_error(figures: ModuleType, tmp_path: Path) -> None:
    """A name with a typing error in it does not stay empty unseen."""
    with pytest.raises(KeyError, match="inventroy"):
        figures.filled(EMPTY.replace("inventory", "inventroy"), tmp_path)
