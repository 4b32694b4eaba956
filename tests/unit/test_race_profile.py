"""What measured windows say of the next boot."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unloop.model.attempt import Window
from unloop.race.profile import KEPT, BootProfile, Profiles, SeenBoot

NOW = datetime(2024, 7, 19, tzinfo=UTC)


def window(
    opened: float = 20.0, length: float | None = 3.0, landed: float | None = None, channel: str = "smb", **ports: float
) -> Window:
    """A window as it was measured."""
    return Window(
        opened_at=NOW,
        opened_after=opened,
        closed_after=None if length is None else opened + length,
        struck_after=None if landed is None else opened + landed,
        channel=channel,
        first_ports=ports or {"smb": opened},
    )


def profile(*windows: Window) -> BootProfile:
    """The profile of these windows."""
    return BootProfile(tuple(map(SeenBoot.of, windows)))


def test_the_first_port_is_due_when_it_was_before_give_or_take() -> None:
    """One boot leaves a margin of a tenth; several widen it to what was seen."""
    assert profile(window(20.0)).due() == (18.0, 22.0)
    assert profile(window(20.0), window(30.0)).due() == (17.5, 32.5)
    assert profile(window(0.5)).due() == (0.0, 1.5)


def test_channels_are_expected_in_the_order_in_which_they_opened() -> None:
    """A port that was never open comes last."""
    seen = profile(window(20, smb=20.4, winrm=20.0), window(21, smb=21.3, winrm=21.0))

    assert seen.order(["ssh", "smb", "winrm"]) == ("winrm", "smb", "ssh")


def test_the_chance_is_that_of_the_windows_seen() -> None:
    """Two of three windows were long enough; nothing is ever certain."""
    seen = profile(window(length=1.0), window(length=2.0), window(length=3.0), window(length=None))

    assert seen.chance(1.5) == pytest.approx(3 / 5)
    assert seen.expected_attempts(1.5) == pytest.approx(5 / 3)
    assert seen.shortest() == 1.0


@pytest.mark.parametrize(
    ("windows", "needed", "hopeless"), [(5, 2.0, True), (4, 2.0, False), (5, 0.5, False), (5, None, False)]
)
def test_a_host_is_hopeless_only_after_enough_windows_that_were_all_too_short(
    windows: int, needed: float | None, hopeless: bool
) -> None:
    """Without a landing anywhere nobody knows what is too short."""
    assert profile(*(window(length=1.0) for _ in range(windows))).is_too_short(needed) is hopeless


def test_a_host_without_boots_of_its_own_is_expected_to_do_as_its_model() -> None:
    """Its own boots count alone as soon as there is one."""
    profiles = Profiles()
    profiles.learn("a", "R650", [window(20.0)])
    before = profiles.of("b", "R650")
    profiles.learn("b", "R650", [window(40.0)])
    after = profiles.of("b", "R650")

    assert (before and before.due(), after and after.due()) == ((18.0, 22.0), (36.0, 44.0))
    assert (profiles.of("c", ""), profiles.own("c")) == (None, None)


def test_the_fastest_landing_is_remembered_per_channel() -> None:
    """What one host took in is what another's window must at least last."""
    profiles = Profiles()
    profiles.learn("a", "", [window(landed=0.9), window(landed=0.4), window(landed=0.1, channel="winrm")])

    assert profiles.fastest_landing(["smb"]) == pytest.approx(0.4)
    assert profiles.fastest_landing(["smb", "winrm"]) == pytest.approx(0.1)
    assert profiles.fastest_landing(["ssh"]) is None


@given(st.lists(st.floats(0.1, 900), min_size=1, max_size=60))
def test_what_is_due_holds_every_boot_that_is_remembered(opened: list[float]) -> None:
    """No boot that was seen lies outside, and no more than the last are kept."""
    profiles = Profiles()
    profiles.learn("a", "", [window(at) for at in opened])
    found = profiles.of("a", "")
    assert found is not None
    earliest, latest = found.due() or (0.0, 0.0)

    assert len(found.boots) == min(KEPT, len(opened))
    assert all(earliest <= at <= latest for at in opened[-KEPT:])


def test_a_boot_that_nobody_caused_tells_of_its_window_only() -> None:
    """A host that crashes by itself started at a time that nobody knows."""
    profiles = Profiles()
    profiles.learn("a", "", [window(3.0, length=2.0)], is_caused=False)
    found = profiles.of("a", "")

    assert found is not None
    assert (found.due(), found.shortest()) == (None, 2.0)
