"""The YAML under playbooks: places, plain text, and a sentence for every mistake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unloop.errors import InputError
from unloop.playbook.document import Place
from unloop.playbook.tree import parse, places_of, read_text, value_of


def problems(text: str) -> list[str]:
    """What the parser says of a text."""
    with pytest.raises(InputError) as caught:
        parse(text, "x.yml")
    return [str(problem) for problem in caught.value.problems]


def test_scalars_stay_what_they_look_like() -> None:
    """Only true, false, null and plain whole numbers are anything but text: no word, date or odd number is converted."""
    text = "{a: on, b: no, c: 0123, d: 1e3, e: 2024-07-19, f: 12, g: true, h: ~, i: '12', j: 1_000, k: 0x10, l: 12:30}"
    expected = {"a": "on", "b": "no", "c": "0123", "d": "1e3", "e": "2024-07-19", "f": 12, "g": True, "h": None}
    assert {**expected, "i": "12", "j": "1_000", "k": "0x10", "l": "12:30"} == value_of(parse(text, "x.yml"))


def test_every_value_knows_its_place() -> None:
    """Lines and columns count from 1; a block's place is its first line of text."""
    places = places_of(parse("a: 1\nb:\n  - c: x\n    d: |\n      one\n", "x.yml"))
    assert Place("x.yml", 1, 4) == places["a",]
    assert Place("x.yml", 3, 8) == places["b", 0, "c"]
    assert Place("x.yml", 5, None) == places["b", 0, "d"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'p: "C:\\Windows"\n',
            "x.yml:1:8: is no YAML: found unknown escape character 'W'; in double quotes a backslash",
        ),
        ("a: 1\nb: 2\na: 3\n", "x.yml:3:1: 'a' stands here twice; it is on line 1 too"),
        ("a: &x 1\n", "x.yml:1:4: anchors and aliases are not part of the language"),
        ("a: !!python/name:os.system\n", "x.yml:1:4: tags are not part of the language"),
        ("a: {{ b }}\n", "x.yml:1:5: a key must be one plain word; quote a value that starts with {{"),
        ("a: {{ b }}\\c\n", "x.yml:1:5: a key must be one plain word"),
        (
            "a:\n\tb: 1\n",
            "x.yml:2:1: is no YAML: found character '\\t' that cannot start any token; indent with spaces",
        ),
        ("a: 1\n---\nb: 2\n", "x.yml:2:1: a second document starts here"),
        ("", "x.yml: is empty"),
        ("[" * 100, "x.yml:1:26: is nested more than 24 levels deep"),
        ("a: b: c\n", "x.yml:1:5: is no YAML: mapping values are not allowed here; quote a text that holds ': '"),
    ],
)
def test_mistakes_are_named_with_their_place(text: str, expected: str) -> None:
    """Each mistake that people make in YAML is one sentence with line, column and what to do."""
    assert expected == problems(text)[0][: len(expected)]


def test_all_duplicates_are_told_at_once() -> None:
    """The parser goes on after a duplicate key and finds the next one."""
    assert len(problems("a: 1\na: 2\nb: 1\nb: 2\n")) == 2


def test_a_file_that_is_no_utf8_names_the_line(tmp_path) -> None:
    """What Notepad saves as something else is told with the line."""
    path = tmp_path / "x.yml"
    path.write_bytes(b"a: 1\nb: \xe4\n")
    with pytest.raises(InputError, match=r"x\.yml:2: is not UTF-8; save it as UTF-8"):
        read_text(path)


def test_a_missing_file_is_told(tmp_path) -> None:
    """No traceback for a file that isn't there."""
    with pytest.raises(InputError, match="can't be read: No such file or directory"):
        read_text(tmp_path / "x.yml")


@given(st.text(alphabet="ab: -{}[]\n'\"|>&*!#%@`?,\t\\0~", max_size=60))
def test_no_text_makes_it_fall_over(text: str) -> None:
    """Whatever the text: a tree, or an InputError."""
    try:
        value_of(parse(text, "x.yml"))
    except InputError as error:
        assert error.problems  # noqa: PT017 - no error at all is fine too
