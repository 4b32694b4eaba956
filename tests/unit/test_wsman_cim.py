"""What our WinRM client asks WMI of files, and what it makes of the answers: queries, times, instances, return values."""

from datetime import UTC, datetime, timedelta, timezone
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unloop.channels.dialogue import LOCAL
from unloop.channels.strike.wsman import cim, wql
from unloop.channels.strike.wsman.moments import moment_of
from unloop.channels.strike.wsman.soap import is_speakable
from unloop.errors import AccessDenied, InUse, NotFound, ProtocolError, Unsupported
from unloop.model.patterns import flattened, join, matches, split
from unloop.rehearsal.winrm.cim import datetime_text
from unloop.rehearsal.winrm.query import Both, Comparison
from unloop.rehearsal.winrm.wql import parse

WHEN = datetime(2024, 7, 19, 4, 9, 33, tzinfo=UTC)
NAME = st.text("aZ09 .-_%[]^'é💾$&()", min_size=1, max_size=12)
PATTERN = st.text("aZ09 .-_%[]^'é💾*?", min_size=1, max_size=12)
HOSTILE = [
    "a' OR Name LIKE '%",
    'b" OR 1=1 --',
    "c\\\\d",
    "\\' OR '1'='1",
    "%",
    "_[a-z]",
    "' ; SELECT * FROM x",
    "ü\u0130ß",
]


def conditions(query: str) -> list[tuple[str, str, object]]:
    """What a foreign reader of WQL makes of a query."""
    found = parse(query).condition
    parts = found.parts if isinstance(found, Both) else (found,)
    return [(part.name, part.operator, part.value) for part in parts if isinstance(part, Comparison)]


def instance(**properties: str) -> ET.Element:
    """An instance as a query's answer holds it."""
    element = ET.Element("{urn:w}XmlFragment")
    for name, text in properties.items():
        ET.SubElement(element, name).text = text
    return element


@pytest.mark.parametrize("text", HOSTILE)
def test_a_playbook_s_text_never_becomes_a_part_of_a_query(text: str) -> None:
    """Whatever quotes and backslashes a path holds, the query keeps its shape and the literal is the path."""
    directory = join("C:\\Windows", text)
    query = wql.files_in(directory, f"{text}*.sys")
    assert [(name, order) for name, order, _ in conditions(query)][:2] == [("drive", "="), ("path", "=")]
    assert len(conditions(query)) == 4
    assert conditions(query)[:2] == [("drive", "=", "C:"), ("path", "=", directory[2:] + "\\")]
    assert conditions(wql.file_named(directory)) == [("name", "=", directory)]


@given(st.text(max_size=40).filter(is_speakable))
def test_any_text_is_one_literal(text: str) -> None:
    """The reader of WQL gets back what was quoted, whatever it is."""
    assert conditions(wql.file_named(text)) == [("name", "=", text)]


@given(PATTERN, NAME)
def test_a_query_means_all_that_the_pattern_means(pattern: str, name: str) -> None:
    """What WMI is asked for is never narrower than the pattern: no file that is meant is missing from the answer."""
    stem, _, extension = name.rpartition(".")
    found = {
        "name": f"c:\\w\\{name}".lower(),
        "drive": "c:",
        "path": "\\w\\",
        "filename": (stem if "." in name else name).lower(),
        "extension": (extension if "." in name else "").lower(),
    }
    is_listed = parse(wql.files_in("C:\\W", pattern)).wants(found)
    assert is_listed or not matches(pattern, name, case_sensitive=False)


def test_the_query_for_a_glob_is_short() -> None:
    """An ordinary glob is asked for by directory, extension and stem: the answer holds little else."""
    assert conditions(wql.files_in("C:\\W", "C-00000291*.sys")) == [
        ("drive", "=", "C:"),
        ("path", "=", "\\W\\"),
        ("extension", "=", "sys"),
        ("filename", "LIKE", "c-00000291%"),
    ]
    assert len(conditions(wql.files_in("C:\\", "*"))) == 2


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-07-19T04:09:33Z", WHEN),
        ("2024-07-19T04:09:33.5Z", WHEN + timedelta(milliseconds=500)),
        ("2024-07-19T04:09:33.1234567Z", WHEN + timedelta(microseconds=123456)),
        ("2024-07-19T06:09:33+02:00", WHEN),
        ("2024-07-18T20:39:33.000001-07:30", WHEN + timedelta(microseconds=1)),
        ("20240719040933.000000+000", WHEN),
        ("20240719060933.000000+120", WHEN),
        ("20240718203933.500000-450", WHEN + timedelta(milliseconds=500)),
        (" 2024-07-19T04:09:33Z\n", WHEN),
    ],
)
def test_times_are_read_exactly(text: str, moment: datetime) -> None:
    """Both forms, with every offset, to the microsecond."""
    assert moment_of(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024-07-19T04:09:33",
        "2024-02-30T04:09:33Z",
        "2024-07-19T24:09:60Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2024-07-19T04:09:33+25:00",
        "20240719040933.000000+***",
        "2024071904****.******+000",
        "20240719040933.000000+999",
        "٢٠٢٤-07-19T04:09:33Z",
        "00000005000000.000000:000",
    ],
)
def test_a_time_that_there_is_not_is_an_error(text: str) -> None:
    """Without an offset, beyond the calendar, an interval: nothing is guessed."""
    with pytest.raises(ProtocolError):
        moment_of(text)


@given(st.datetimes(datetime(1601, 1, 1), datetime(9998, 1, 1)), st.integers(-840, 840))  # noqa: DTZ001
def test_times_come_back_as_they_were(naive: datetime, minutes: int) -> None:
    """What the simulated host writes, and what Python writes with an offset, is the time that it was."""
    moment = naive.replace(tzinfo=UTC)
    assert moment_of(datetime_text(moment)) == moment
    elsewhere = moment.astimezone(timezone(timedelta(minutes=minutes)))
    assert moment_of(elsewhere.isoformat()) == moment


def test_files_are_read_from_instances() -> None:
    """The directory is written as we wrote it, the name as WMI does; what the pattern does not mean is left out."""
    instances = [
        instance(Name="c:\\w\\a1.sys", FileSize="3", LastModified="2024-07-19T04:09:33Z"),
        instance(Name="c:\\w\\b.sys"),
    ]
    (found,) = cim.entries(instances, "C:\\W", "A*.sys")
    assert (found.path, found.name, found.size, found.modified) == ("C:\\W\\a1.sys", "a1.sys", 3, WHEN)
    at_root = instance(Name="c:\\a1.sys", FileSize="0", LastModified="2024-07-19T04:09:33Z")
    assert [one.path for one in cim.entries([at_root], "C:\\", "*")] == ["C:\\a1.sys"]


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"Name": "c:\\other\\a.sys", "FileSize": "1", "LastModified": "2024-07-19T04:09:33Z"},
        {"Name": "c:\\w\\sub\\a.sys", "FileSize": "1", "LastModified": "2024-07-19T04:09:33Z"},
        {"Name": "c:\\w\\a.sys", "LastModified": "2024-07-19T04:09:33Z"},
        {"Name": "c:\\w\\a.sys", "FileSize": "-1", "LastModified": "2024-07-19T04:09:33Z"},
        {"Name": "c:\\w\\a.sys", "FileSize": "1"},
        {"Name": "c:\\w\\a.sys", "FileSize": "1", "LastModified": "yesterday"},
    ],
)
def test_an_instance_that_can_not_be_judged_is_an_error(properties: dict[str, str]) -> None:
    """A file of another directory, or without size or time, is never judged by a guess."""
    with pytest.raises(ProtocolError):
        list(cim.entries([instance(**properties)], "C:\\W", "*"))


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("2", AccessDenied),
        ("8", Unsupported),
        ("9", NotFound),
        ("10", AccessDenied),
        ("13", Unsupported),
        ("15", InUse),
        ("17", AccessDenied),
        ("21", Unsupported),
        ("4294967295", Unsupported),
    ],
)
def test_return_values_are_answers_about_the_file(code: str, error: type[Exception]) -> None:
    """Every value but 0 says that this file was not moved; the number is told."""
    failure = cim.failure_of(instance(ReturnValue=code))
    assert type(failure) is error
    assert isinstance(failure, LOCAL)
    assert code in str(failure)


def test_without_a_return_value_nobody_knows() -> None:
    """0 is done; an answer without a number is an error of the exchange."""
    assert cim.failure_of(instance(ReturnValue="0")) is None
    for garbled in (instance(), instance(ReturnValue="yes"), instance(ReturnValue="")):
        with pytest.raises(ProtocolError):
            cim.failure_of(garbled)


def test_quarantine_is_flat_where_no_directory_can_be_made() -> None:
    """The place at the root keeps campaign and hash, and no glob of a directory below means it."""
    place = "C:\\unloop-quarantine\\c.1\\" + "0" * 64 + ".q"
    assert flattened(place) == "C:\\unloop-quarantine-c.1-" + "0" * 64 + ".q"
    assert split(flattened(place))[0] == "C:\\"
    assert flattened(flattened(place)) == flattened(place)
    assert flattened("") == ""
