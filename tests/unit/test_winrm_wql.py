"""WQL: what is read, what it means, and what is refused."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unloop.rehearsal.winrm.like import like
from unloop.rehearsal.winrm.query import BadQuery, moment_of
from unloop.rehearsal.winrm.wql import parse

MOMENT = datetime(2024, 7, 19, 4, 30, tzinfo=UTC)
FILE = {
    "name": r"c:\windows\a.sys",
    "extension": "sys",
    "filesize": 40960,
    "hidden": False,
    "version": None,
    "lastmodified": MOMENT,
}


def wants(condition: str) -> bool:
    """Whether a query with this condition wants the file."""
    return parse(" ".join(("SELECT * FROM CIM_DataFile WHERE", condition))).wants(FILE)


def test_a_query_is_read() -> None:
    """Properties, class and condition."""
    query = parse(r"select Name , FileSize from CIM_DataFile where Path='\\windows\\' and FileSize >= 1")
    assert (query.properties, query.class_name) == (("Name", "FileSize"), "CIM_DataFile")
    assert [(part.name, part.value) for part in query.fixed()] == [("filesize", 1), ("path", "\\windows\\")]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("Extension = 'SYS'", True),
        ('Extension = "sys"', True),
        ("'sys' = Extension", True),
        ("Extension != 'sys'", False),
        ("NOT Extension = 'exe'", True),
        ("FileSize > 40959 AND FileSize < 40961", True),
        ("40960 <= FileSize", True),
        ("FileSize = '40960'", True),
        ("Extension = 'exe' OR (Hidden = FALSE AND FileSize <> 1)", True),
        ("Hidden = TRUE", False),
        ("Version IS NULL", True),
        ("Version IS NOT NULL", False),
        ("Version = '1'", False),
        (r"Name LIKE 'C:\\windows\\%.sys'", True),
        (r"Name NOT LIKE '%a.sys'", False),
        (r"Name = 'c:\\windows\\a.sys'", True),
        ("LastModified >= '20240719043000.000000+000'", True),
        ("LastModified < '20240719063000.000000+120'", False),
        ("LastModified < '20240719063000.000001+120'", True),
    ],
)
def test_what_a_condition_means(condition: str, expected: bool) -> None:
    """Text compares without case, times as times, NULL with nothing but itself; backslashes are doubled."""
    assert wants(condition) is expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECT",
        "SELECT * FROM",
        "DELETE FROM x",
        "SELECT * FROM a WHERE",
        "SELECT * FROM a WHERE b",
        "SELECT * FROM a WHERE b =",
        "SELECT * FROM a WHERE b = 'open",
        "SELECT * FROM a WHERE (b = 1",
        "SELECT * FROM a b",
        "SELECT a, FROM b",
        "SELECT * FROM a WHERE b ~ 1",
        "ASSOCIATORS OF {Win32_Service.Name='x'}",
        "SELECT * FROM a WHERE " + "(" * 200 + "b = 1" + ")" * 200,
        "SELECT * FROM a WHERE b = '" + "x" * 20_000 + "'",
    ],
)
def test_what_is_no_query(text: str) -> None:
    """Anything else is refused, also when it is deep or long beyond reason."""
    with pytest.raises(BadQuery):
        parse(text)


@pytest.mark.parametrize("condition", ["Nothing = 1", "FileSize = 'many'", "LastModified > 'yesterday'"])
def test_what_can_not_be_compared(condition: str) -> None:
    """A property that the class has not, and a value of another kind."""
    with pytest.raises(BadQuery):
        wants(condition)


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("c-00000291-1", "C-00000291%", True),
        ("abc", "a_c", True),
        ("abc", "a_", False),
        ("", "%", True),
        ("b1", "[a-c]1", True),
        ("d1", "[^a-c]1", True),
        ("b1", "[^a-c]1", False),
        ("-", "[a-]", True),
        ("a[b", "a[b", True),
        ("a" * 60 + "b", "%a" * 50 + "c", False),
    ],
)
def test_like(text: str, pattern: str, expected: bool) -> None:
    """%, _ and sets, in time that no pattern blows up."""
    assert like(text, pattern) is expected


def test_times_of_the_dmtf() -> None:
    """The offset is in minutes, east of Greenwich."""
    assert moment_of("20240719063000.500000+120") == datetime(2024, 7, 19, 4, 30, 0, 500_000, tzinfo=UTC)


@given(st.text(max_size=100) | st.text(alphabet="SELECTFROMWHERE*ab='()<> ,", max_size=60))
def test_any_text_is_a_query_or_is_refused(text: str) -> None:
    """Nothing else comes out of the parser."""
    try:
        parse(text)
    except BadQuery:
        return


@given(st.text(max_size=40), st.text(alphabet="ab%_[]^-", max_size=40))
def test_any_pattern_is_judged(text: str, pattern: str) -> None:
    """A pattern fits or does not."""
    assert like(text, pattern) in {True, False}
