"""Option values: what is read, and what is refused with a sentence."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unloop.actions.kinds import KB, PATH, PATTERN, REGISTRY_PATH, SHA256, read_guard, write_guard
from unloop.actions.options import BadValue
from unloop.actions.set_registry import typed_value, value_step
from unloop.model.files import FileGuard

MOMENTS = st.datetimes(
    min_value=datetime(1980, 1, 1),  # noqa: DTZ001
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(microsecond=0))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("%WINDIR%\\System32\\x.sys", "environment variable"),
        ("Windows\\x.sys", "no full path"),
        ("C:\\Windows\\*\\x.sys", "wildcard in a directory"),
        ("C:/Windows/x.sys", "no full path"),
        ("C:\\Windows\\..\\x.sys", "no plain path"),
        ("C:\\Windows\\", "no plain path"),
        ("/etc/a\\b", "backslash"),
        ("/etc//x", "no plain path"),
        ("C:\\a:b", "no full path"),
        (3.5, "no text"),
    ],
)
def test_paths_that_would_match_nothing_are_refused(path: Any, reason: str) -> None:
    """A path that no host could hold is a mistake of the author, told before anything runs."""
    with pytest.raises(BadValue, match=reason):
        PATTERN.read(path)


def test_path_of_one_file_has_no_wildcard() -> None:
    """Where one file is meant, a wildcard is a mistake."""
    with pytest.raises(BadValue, match="without wildcards"):
        PATH.read("C:\\Windows\\*.sys")


@pytest.mark.parametrize(
    ("guard", "reason"),
    [
        ({"headers": "aa"}, "did you mean 'header'"),
        ({"header": "A"}, "no row of hex"),
        ({"modified": {"from": "2024-07-19T04:09:00"}}, "no time zone"),
        ({"modified": {"from": "2024-07-19T04:09:00.5Z"}}, "fraction"),
        ({"modified": {"from": "2024-07-20T00:00:00Z", "before": "2024-07-19T00:00:00Z"}}, "no file can match"),
        ({"size": {"min": 5, "max": 4}}, "no file can match"),
        ({"size": {"max": 1}, "header": "aabb"}, "no file can match"),
        ({"sha256": ["xyz"]}, "no SHA-256"),
        (
            {"modified": {"from": "2024-07-19T04:09:00Z"}, "unless_sibling_from": "2024-07-19T04:09:00Z"},
            "its own good sibling",
        ),
        ("yes", "not a mapping"),
    ],
)
def test_guards_that_can_not_hold_are_refused(guard: Any, reason: str) -> None:
    """A guard that no file passes, or that means something else than written, is refused."""
    with pytest.raises(BadValue, match=reason):
        read_guard(guard)


@given(
    header=st.binary(max_size=8).map(bytes.hex),
    start=st.none() | MOMENTS,
    size_min=st.none() | st.integers(0, 2**40),
    hashes=st.lists(st.binary(min_size=32, max_size=32).map(bytes.hex), max_size=3).map(tuple),
)
def test_guards_make_the_round_trip(
    header: str, start: datetime | None, size_min: int | None, hashes: tuple[str, ...]
) -> None:
    """A guard written as YAML reads back as the same guard."""
    guard = FileGuard(header=header, modified_from=start, size_min=size_min, sha256=hashes)
    assert guard == read_guard(write_guard(guard))


def test_header_takes_the_forms_people_write() -> None:
    """Spaces, 0x and capitals in a header mean the same bytes."""
    assert {"aa01"} == {read_guard({"header": text}).header for text in ("AA 01", "0xAA 0x01", "aa-01", "aa01")}


def test_updates_registry_paths_and_hashes_are_normalised() -> None:
    """One form inside, whatever form was written."""
    read = (KB.read(5034441), REGISTRY_PATH.read("HKEY_LOCAL_MACHINE\\SYSTEM\\a\\b"), SHA256.read("AB" * 32))
    assert read == ("KB5034441", "HKLM\\SYSTEM\\a\\b", "ab" * 32)


@pytest.mark.parametrize(
    ("registry_type", "value"), [("REG_DWORD", 1 << 32), ("REG_DWORD", "x"), ("REG_QWORD", -1), ("REG_SZ", ("a", "b"))]
)
def test_values_that_do_not_fit_their_type_are_refused(registry_type: str, value: Any) -> None:
    """A value is refused before it is cut short on the host."""
    with pytest.raises(BadValue):
        typed_value(registry_type, value)


def test_numbers_travel_signed_and_compare_unsigned() -> None:
    """.NET takes REG_DWORD as a signed number; what is compared is the number that people write."""
    step = value_step("x", "REG_DWORD", "0xFFFFFFFF")
    assert (step["value"], step["text"]) == (-1, "4294967295")
