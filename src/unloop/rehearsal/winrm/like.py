"""WQL's LIKE, in time that no pattern can blow up ([MS-WMI] 2.2.1)."""

from dataclasses import dataclass

ANY = "%"


@dataclass(frozen=True, slots=True)
class _One:
    """One character: any, or one of a set, or none of it."""

    characters: frozenset[str] | None = None
    is_negated: bool = False

    def takes(self, character: str) -> bool:
        return self.characters is None or (character in self.characters) is not self.is_negated


def like(text: str, pattern: str) -> bool:
    """Whether a text is like a pattern, without regard to case."""
    steps = _steps(pattern.lower())
    places = _skipped(steps, {0})
    for character in text.lower():
        following = set()
        for place in places:
            if place < len(steps):
                step = steps[place]
                if isinstance(step, str):
                    following.add(place)
                elif step.takes(character):
                    following.add(place + 1)
        places = _skipped(steps, following)
        if not places:
            return False
    return len(steps) in places


def _skipped(steps: list[str | _One], places: set[int]) -> set[int]:
    """The places with those behind any number of characters."""
    found = set(places)
    for place in places:
        while place < len(steps) and isinstance(steps[place], str):
            place += 1
            found.add(place)
    return found


def _steps(pattern: str) -> list[str | _One]:
    found: list[str | _One] = []
    place = 0
    while place < len(pattern):
        character = pattern[place]
        end = pattern.find("]", place + 2) if character == "[" else -1
        if end > 0:
            found.append(_set(pattern[place + 1 : end]))
            place = end
        elif character == ANY:
            if not found or not isinstance(found[-1], str):
                found.append(ANY)
        else:
            found.append(_One() if character == "_" else _One(frozenset(character)))
        place += 1
    return found


def _set(inner: str) -> _One:
    """[abc], [a-c], [^abc]."""
    is_negated, inner = inner.startswith("^"), inner.removeprefix("^")
    characters: set[str] = set()
    place = 0
    while place < len(inner):
        if inner[place + 1 : place + 2] == "-" and place + 2 < len(inner):
            first, last = ord(inner[place]), ord(inner[place + 2])
            characters |= {chr(code) for code in range(first, min(last, first + 255) + 1)}
            place += 3
        else:
            characters.add(inner[place])
            place += 1
    return _One(frozenset(characters), is_negated)
