"""Names against patterns as NTFS matches them ([MS-FSA] 2.1.4.4), in time that no pattern can blow up."""

ANY, ONE, DOS_STAR, DOS_MARK, DOS_DOT = "*", "?", "<", ">", '"'


def fits(name: str, pattern: str) -> bool:
    """Whether a name fits a pattern, without regard to case."""
    name, pattern = name.upper(), pattern.upper()
    last_dot = name.rfind(".")
    places = _skipped(pattern, {0}, ahead=name[:1])
    for index, character in enumerate(name):
        following = {_step(pattern, place, character, is_last_dot=index == last_dot) for place in places}
        places = _skipped(pattern, following - {-1}, ahead=name[index + 1 : index + 2])
        if not places:
            return False
    return len(pattern) in places


def _step(pattern: str, place: int, character: str, *, is_last_dot: bool) -> int:
    """Where matching goes on after one character of the name; -1 for nowhere."""
    wanted = pattern[place : place + 1]
    if wanted == ANY:
        return place
    if wanted == DOS_STAR:
        return place + 1 if is_last_dot else place
    if wanted == DOS_MARK:
        return place + 1 if character != "." else -1
    if wanted == DOS_DOT:
        return place + 1 if character == "." else -1
    return place + 1 if wanted in {ONE, character} else -1


def _skipped(pattern: str, places: set[int], *, ahead: str) -> set[int]:
    """The places with those reached without a character of the name; ``ahead`` is its next one, '' at the end."""
    found, rest = set(places), list(places)
    while rest:
        place = rest.pop()
        wanted = pattern[place : place + 1]
        can_skip = wanted in {ANY, DOS_STAR}
        can_skip |= (wanted == DOS_MARK and ahead in {"", "."}) or (wanted == DOS_DOT and not ahead)
        if can_skip and place + 1 not in found:
            found.add(place + 1)
            rest.append(place + 1)
    return found
