"""Shell patterns: what they mean, judged by a matcher that takes its time, and that none takes long."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unloop.rehearsal.posix.patterns import Segments, matches, pattern_of, trimmed
from unloop.rehearsal.posix.syntax import NotUnderstood

PIECES = st.sampled_from(
    [("a", False), ("b", False), ("ab", False), ("*", False), ("?", False), ("*", True), ("[ab]", False)]
)
PATTERNS = st.lists(PIECES, max_size=6).map(tuple)
TEXTS = st.text("ab*", max_size=7)


def fits(text: str, pattern: Segments) -> bool:
    """Whether a text fits, by trying everything."""
    if not pattern:
        return not text
    (piece, is_quoted), rest = pattern[0], pattern[1:]
    if piece == "*" and not is_quoted:
        return any(fits(text[place:], rest) for place in range(len(text) + 1))
    if piece in {"?", "[ab]"} and not is_quoted:
        return text[:1] in ({"a", "b"} if piece == "[ab]" else {"a", "b", "*"}) and fits(text[1:], rest)
    return text.startswith(piece) and fits(text[len(piece) :], rest)


@given(text=TEXTS, pattern=PATTERNS)
def test_a_text_fits_when_any_way_of_matching_does(text: str, pattern: Segments) -> None:
    """Stars may stand for anything; what is quoted stands for itself."""
    assert matches(text, pattern) is fits(text, pattern)


@settings(max_examples=200)
@given(text=TEXTS, pattern=PATTERNS)
def test_the_shortest_or_longest_part_that_fits_is_taken_away(text: str, pattern: Segments) -> None:
    """One sign takes the shortest part, two the longest; # from the start, % from the end."""
    starts = [place for place in range(len(text) + 1) if fits(text[:place], pattern)]
    ends = [place for place in range(len(text) + 1) if fits(text[place:], pattern)]
    expected = {
        "#": text[min(starts) :] if starts else text,
        "##": text[max(starts) :] if starts else text,
        "%": text[: max(ends)] if ends else text,
        "%%": text[: min(ends)] if ends else text,
    }
    assert {sign: trimmed(text, pattern, sign) for sign in expected} == expected


@pytest.mark.parametrize(
    ("pattern", "accepted", "refused"),
    [
        ("[[:digit:]x]", "5x", "y:"),
        ("[!a-c]", "dz-", "abc"),
        ("[]-]", "]-", "a"),
        ("[a-]", "a-", "b"),
        ("[z-a]", "", "az-"),
        ("[a", "", "a"),
        ("[.]", ".", "x"),
        ("[*?]", "*?", "a"),
    ],
)
def test_brackets_mean_one_of_their_members(pattern: str, accepted: str, refused: str) -> None:
    """Ranges, classes, inverses, and a bracket that is never closed."""
    segments = ((pattern, False),)
    assert [character for character in accepted + refused if matches(character, segments)] == list(accepted)


@pytest.mark.parametrize("pattern", ["[^a]", "[[=a=]]", "[[.a.]]", "[[:nothing:]]", "a\\"])
def test_what_shells_disagree_about_is_refused(pattern: str) -> None:
    """A pattern that is not the same everywhere is no pattern here."""
    with pytest.raises(NotUnderstood):
        pattern_of(((pattern, False),))


def test_many_stars_take_no_longer_than_length_times_length() -> None:
    """The pattern that makes matchers hang is answered."""
    text, pattern = "a" * 20_000, (("*a" * 50 + "b", False),)
    assert not matches(text, pattern)
    assert trimmed(text, pattern, "%%") == text
