"""A rehearsal keeps the user's limits and counts, has times of its own, and says which is which."""

from pathlib import Path

from unloop.cli.bounds import bounds_of, in_words, with_bounds
from unloop.rehearsal.inventory_file import PACE
from unloop.settings.load import load

USER = """\
[limits]
per_rack = 1
in_flight = 50
bmc_spacing = "9s"
[race]
resets = 7
ping = false
spacing = "99s"
"""


def test_every_limit_and_count_of_the_user_replaces_the_rehearsals(tmp_path: Path) -> None:
    """All that is no time is the user's, also where the user left a default; all that is one stays as it was."""
    (tmp_path / "user.toml").write_text(USER)
    (tmp_path / "pace.toml").write_text(PACE)
    user, pace = load(tmp_path / "user.toml"), load(tmp_path / "pace.toml")
    (tmp_path / "both.toml").write_text(with_bounds(PACE, bounds_of(user)))
    both = load(tmp_path / "both.toml")
    assert bounds_of(both) == bounds_of(user)
    assert (both.limits.per_rack, both.race.resets, both.race.ping, both.race.silent_boots) == (1, 7, False, 3)
    assert (both.race.spacing, both.limits.bmc_spacing) == (pace.race.spacing, pace.limits.bmc_spacing)
    assert both.verify == pace.verify


def test_a_table_that_is_not_there_is_added(tmp_path: Path) -> None:
    """Bounds hold whether or not the file had others in their place."""
    (tmp_path / "both.toml").write_text(with_bounds("", {"limits": {"per_site": 3}}))
    assert load(tmp_path / "both.toml").limits.per_site == 3


def test_what_was_set_is_told_apart_from_what_is_the_default(tmp_path: Path) -> None:
    """The names of what the user set come first, with the file that says so."""
    (tmp_path / "user.toml").write_text(USER)
    first, last = in_words(load(tmp_path / "user.toml")).splitlines()
    own, _, default = first.partition(". Defaults: ")
    told = "race.resets 7, race.ping false, limits.in_flight 50, limits.per_rack 1"
    assert own == f"In force from {tmp_path / 'user.toml'}: {told}"
    assert "limits.per_site 100" in default
    assert "Every time is the rehearsal's own" in last
