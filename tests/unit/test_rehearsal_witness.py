"""What the witness concludes from what happened."""

import json
from pathlib import Path

from unloop.rehearsal.events import Happening, MachineEvent
from unloop.rehearsal.witness import Witness, read, witnessed


def _lines(*events: tuple[float, str, dict[str, object]]) -> list[str]:
    return [json.dumps({"host": "a", "at": at, "what": what, **detail}) for at, what, detail in events]


def test_resets_windows_and_repair_are_told() -> None:
    """Resets are power-offs; a window runs from the first open port to the crash; staying up ends none."""
    heard = witnessed(
        _lines(
            (0.0, "boot", {}),
            (2.0, "open", {"channel": "smb"}),
            (2.5, "open", {"channel": "winrm"}),
            (5.0, "crash", {}),
            (5.0, "boot", {}),
            (6.0, "power_off", {"command": "off"}),
            (7.0, "power_on", {}),
            (7.1, "boot", {}),
            (9.0, "open", {"channel": "smb"}),
            (11.0, "repaired", {}),
            (11.0, "stayed_up", {}),
        )
    )["a"]
    assert heard.resets == [6.0]
    assert heard.windows == [(2.0, 5.0)]
    assert (heard.boots, heard.crashes, heard.repaired_at) == (3, 1, 11.0)
    assert heard.is_up
    assert not heard.is_left_off


def test_double_resets_are_counted_by_their_spacing() -> None:
    """Two resets closer than the spacing are a double."""
    heard = witnessed(_lines(*((at, "power_off", {"command": "cycle"}) for at in (0.0, 1.0, 4.0, 9.0))))["a"]
    assert [heard.double_resets(spacing) for spacing in (0.5, 2.0, 4.0, 6.0)] == [0, 1, 2, 3]


def test_a_host_left_off_is_seen() -> None:
    """Off and never on again is left off; a cycle is not."""
    assert witnessed(_lines((1.0, "power_off", {"command": "off"})))["a"].is_left_off
    assert not witnessed(_lines((1.0, "power_off", {"command": "cycle"})))["a"].is_left_off


def test_written_events_are_read_back_even_when_the_last_line_is_cut(tmp_path: Path) -> None:
    """A witness file survives whoever wrote it."""
    path = tmp_path / "witness.jsonl"
    with Witness(path) as witness:
        witness(MachineEvent("a", Happening.POWER_OFF, 3.0, {"command": "off"}))
        witness(MachineEvent("b", Happening.PARKED, 4.0))
    with path.open("a") as file:
        file.write('{"host": "a", "wh')
    heard = read(path)
    assert heard["a"].resets == [3.0]
    assert heard["b"].is_parked


def test_refused_log_ons_are_counted_by_account() -> None:
    """Whatever service refused it, and however its name was written, an account has one count."""
    heard = witnessed(
        _lines(
            (1.0, "logon_refused", {"account": "Admin", "channel": "winrm"}),
            (2.0, "logon_refused", {"account": "admin", "channel": "smb"}),
            (3.0, "logon_refused", {"account": "other", "channel": "ssh"}),
        )
    )["a"]
    assert heard.refused_logons == {"admin": 2, "other": 1}


def test_safe_mode_is_told_until_it_is_left() -> None:
    """A flag that is set counts before the host goes there, and a safe boot until the next usual one."""
    events = (
        (1.0, "safe_boot", {"mode": "network"}),
        (2.0, "boot", {"safe_mode": "network"}),
        (3.0, "safe_boot", {"mode": ""}),
        (4.0, "boot", {"safe_mode": ""}),
    )
    heard = [witnessed(_lines(*events[: count + 1]))["a"] for count in range(len(events))]
    assert [host.is_left_in_safe_mode for host in heard] == [True, True, True, False]
    assert heard[-1].safe_boots == 1
