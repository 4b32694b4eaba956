"""The simulated sh against the real one: the same programs, the same files, the same answers and files afterwards."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from programs import program
from twins import real, simulated

DATA = Path(__file__).parents[1] / "data"


def programs_of(name: str) -> list[Any]:
    """The programs of a file, which a line of two percent signs parts, named by the line on which each begins."""
    line, found = 1, []
    for text in (DATA / name).read_text(encoding="utf-8").split("%%\n"):
        found.append(pytest.param(text, id=f"line {line}"))
        line += text.count("\n") + 1
    return found


@pytest.mark.parametrize("text", programs_of("sh-understood.txt"))
def test_a_program_comes_to_the_same(text: str, tmp_path: Path) -> None:
    """What the simulated sh understands, it does as the real one: exit code, output and files."""
    place = tmp_path / "place"
    expected = real(text, place)
    answer, outcome = simulated(text, place)
    assert (outcome.refused, answer) == ("", expected)


@pytest.mark.parametrize("text", programs_of("sh-refused.txt"))
def test_a_program_that_is_not_understood_is_an_error(text: str, tmp_path: Path) -> None:
    """What real shells do and this one does not is refused with exit code 2, and said; also what would never end."""
    _, outcome = simulated(text, tmp_path)
    assert (outcome.refused != "", outcome.code) == (True, 2)
    assert outcome.stderr.endswith(f"does not understand: {outcome.refused}\n".encode())


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=400)
@given(text=program(3))
def test_programs_by_chance_come_to_the_same_or_are_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    """No program, however odd, is done otherwise than by the real sh; at worst it is refused."""
    place = tmp_path_factory.mktemp("twin") / "place"
    whole = f"f() {{ echo F $#; }}\n{text}\n"
    expected = real(whole, place)
    answer, outcome = simulated(whole, place)
    assert outcome.refused or answer == expected
