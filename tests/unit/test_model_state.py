"""The state machine, outcomes and exit codes."""

import pytest

from unloop.model.outcome import GOOD, ExitCode, Outcome, exit_code
from unloop.model.state import TABLE, Event, State, after, diagram


def test_every_state_can_be_reached_and_left() -> None:
    """No state is a trap, and none is beyond reach."""
    reached = {State.QUEUED, *TABLE.values()}
    left = {source for source, _ in TABLE}

    assert (reached, left) == (set(State), set(State))


def test_a_move_that_is_not_in_the_table_is_refused() -> None:
    """An ended host run is never claimed."""
    assert after(State.QUEUED, Event.CLAIM) is State.WORKING
    with pytest.raises(ValueError, match="a host run that is ended can't claim"):
        after(State.ENDED, Event.CLAIM)


def test_the_diagram_shows_every_move() -> None:
    """The docs' picture is drawn from the table itself."""
    assert diagram().count("-->") == len(TABLE) + 2


@pytest.mark.parametrize(
    ("counts", "stopped", "expected"),
    [
        ({Outcome.FIXED: 2, Outcome.SELF_HEALED: 1}, False, ExitCode.GOOD),
        ({Outcome.FIXED: 2, Outcome.NEEDS_HANDS: 1}, False, ExitCode.NOT_ALL_GOOD),
        ({Outcome.UNVERIFIED: 1}, False, ExitCode.NOT_ALL_GOOD),
        ({Outcome.NO_MATCH: 3}, False, ExitCode.NOTHING_MATCHED),
        ({}, False, ExitCode.NOTHING_MATCHED),
        ({Outcome.FIXED: 1}, True, ExitCode.STOPPED),
    ],
)
def test_the_exit_code_never_lies(counts: dict[Outcome, int], stopped: bool, expected: ExitCode) -> None:
    """Only a campaign whose every host is good ends with 0; nothing matched is an error."""
    assert exit_code(counts, stopped=stopped) is expected


def test_good_is_a_closed_list() -> None:
    """What counts as good is said once."""
    expected = {Outcome.FIXED, Outcome.SELF_HEALED, Outcome.ALREADY_GOOD, Outcome.NOT_APPLICABLE}

    assert expected == GOOD
