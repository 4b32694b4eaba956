"""The options of simulated programs: what is not understood is refused, never passed over."""

from collections.abc import Sequence


class Misused(Exception):
    """A program is asked for what it can't do here."""


def options(
    arguments: Sequence[str], flags: str, *, takes: str = "", long: tuple[str, ...] = ()
) -> tuple[dict[str, str], list[str]]:
    """The options and the rest; ``takes`` are the letters that have a value. Raises Misused."""
    found: dict[str, str] = {}
    rest = list(arguments)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        if word.startswith("--"):
            if word[2:] not in long:
                raise Misused(f"{word} is not understood by this simulated host")
            found[word[2:]] = ""
            continue
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in takes:
                found[letter] = letters or (rest.pop(0) if rest else "")
                letters = ""
            elif letter in flags:
                found[letter] = ""
            else:
                raise Misused(f"-{letter} is not understood by this simulated host")
    return found, rest
