"""Host ranges: to names and back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unloop.inventory.ranges import BadRange, expand, fold

NAMES = st.from_regex(r"[a-c]{0,2}[0-9]{0,4}(-[0-9]{1,3})?[a-b]{0,1}", fullmatch=True).filter(bool)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("db1", ("db1",)),
        ("web[01-03]", ("web01", "web02", "web03")),
        ("web[8-11]", ("web8", "web9", "web10", "web11")),
        ("web[01:03].eu", ("web01.eu", "web02.eu", "web03.eu")),
        ("web[1-9/4]", ("web1", "web5", "web9")),
        ("web[1:5:2]", ("web1", "web3", "web5")),
        ("web[1-2,7]", ("web1", "web2", "web7")),
        ("r[1-2]n[1-2]", ("r1n1", "r1n2", "r2n1", "r2n2")),
        ("db-[a-c]", ("db-a", "db-b", "db-c")),
    ],
)
def test_expand(pattern: str, expected: tuple[str, ...]) -> None:
    """Padding, steps, lists, letters and several brackets expand in order."""
    assert expand(pattern) == expected


@pytest.mark.parametrize(
    "pattern", ["web[3-1]", "web[1-2", "web]", "web[]", "web[x]", "web[1-9/0]", "web[1-999999999]", "a[1-999]b[1-999]"]
)
def test_bad_ranges(pattern: str) -> None:
    """A range that is malformed, backwards or far too large is refused, not expanded."""
    with pytest.raises(BadRange):
        expand(pattern)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["web01", "web02", "web03", "db1"], "db1,web[01-03]"),
        (["web9", "web10", "web11"], "web[9-11]"),
        (["web09", "web10", "web1"], "web[1,09-10]"),
        (["web", "web1", "web3"], "web,web[1,3]"),
        (["r1n1", "r1n2", "r2n1"], "r1n[1-2],r2n1"),
        ([], ""),
    ],
)
def test_fold(names: list[str], expected: str) -> None:
    """Names fold to the text that a person would write."""
    assert fold(names) == expected


@settings(deadline=None)
@given(st.sets(NAMES, max_size=40))
def test_fold_and_expand_are_inverse(names: set[str]) -> None:
    """What folding makes of any names expands to just those names, each once."""
    folded = fold(names)
    parts = split(folded)
    found = [name for part in parts for name in expand(part)]
    assert sorted(found) == sorted(names)


def split(folded: str) -> list[str]:
    """The patterns of a folded text: split at commas outside brackets."""
    parts, depth, word = [], 0, ""
    for sign in folded:
        depth += {"[": 1, "]": -1}.get(sign, 0)
        if sign == "," and not depth:
            parts.append(word)
            word = ""
        else:
            word += sign
    return [*parts, word] if word else parts
