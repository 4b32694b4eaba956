"""How often the kernel repeats a SYN evenly, as its settings say."""

from pathlib import Path

import pytest

from unloop.race.repeats import MOST, even_repeats


@pytest.mark.parametrize(
    ("linear", "retries", "repeats"),
    [("4", "6", 5), ("0", "6", 1), ("4", "3", 3), ("4", "0", 1), (None, None, 1), ("a lot", "6", 1)],
)
def test_the_settings_say_how_often(tmp_path: Path, linear: str | None, retries: str | None, repeats: int) -> None:
    """Linux before 6.5 knows no linear timeouts: its first repeat comes after a second, and the next after two more."""
    for name, value in (("tcp_syn_linear_timeouts", linear), ("tcp_syn_retries", retries)):
        if value is not None:
            (tmp_path / name).write_text(f"{value}\n", encoding="ascii")

    assert even_repeats(tmp_path, is_prepared=False) == repeats


def test_a_kernel_that_can_be_told_repeats_for_a_minute(tmp_path: Path) -> None:
    """Whatever its settings say."""
    assert even_repeats(tmp_path, is_prepared=True) == MOST
