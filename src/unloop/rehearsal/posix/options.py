"""The options of simulated programs: what is not understood is refused, never passed over."""

from collections.abc import Sequence

from unloop.rehearsal.posix.syntax import NotUnderstood


def options(
    arguments: Sequence[str], flags: str, *, takes: str = "", long: tuple[str, ...] = ()
) -> tuple[dict[str, str], list[str]]:
    """The options and the rest; ``takes`` are the letters that have a value. Raises NotUnderstood."""
    found: dict[str, str] = {}
    rest = list(arguments)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        if word.startswith("--"):
            if word[2:] not in long:
                raise NotUnderstood(word)
            found[word[2:]] = ""
            continue
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in takes:
                if not letters and not rest:
                    raise NotUnderstood(f"-{letter} without a value")
                found[letter] = letters or rest.pop(0)
                letters = ""
            elif letter in flags:
                found[letter] = ""
            else:
                raise NotUnderstood(f"-{letter}")
    if any(word.startswith("-") and word != "-" for word in rest):
        raise NotUnderstood("options behind operands")
    return found, rest
