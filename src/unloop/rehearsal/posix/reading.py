"""``read`` (POSIX XCU, read): a line of standard input, split into variables."""

import re

from unloop.rehearsal.posix.state import Shell
from unloop.rehearsal.posix.syntax import NotUnderstood, ShellError
from unloop.rehearsal.posix.words import NAME

_BLANKS = " \t\n"


def read(shell: Shell, arguments: list[str]) -> int:
    """read [-r] name..."""
    names = arguments[1:] if arguments[:1] == ["-r"] else arguments
    if not names or names[0].startswith("-"):
        raise NotUnderstood("read without names, or with options but -r")
    line, has_end = shell.input().line()
    shell.budget.spend(len(line))
    text = line.replace(b"\0", b"").decode("latin-1")
    if "\\" in text and names is arguments:
        raise NotUnderstood("read of a backslash without -r")
    for name, value in zip(names, divided(text, len(names), shell.variables.get("IFS", _BLANKS)), strict=True):
        if not NAME.fullmatch(name):
            raise ShellError(f"read: {name}: bad variable name")
        shell.variables[name] = value
    return 0 if has_end else 1


def divided(text: str, count: int, separators: str) -> list[str]:
    """A line as so many values: the last takes all that is left, without its separator if that ends it."""
    blanks = "".join(blank for blank in _BLANKS if blank in separators)
    rest = text.strip(blanks) if blanks else text
    found: list[str] = []
    while len(found) < count - 1:
        value, rest = _first(rest, separators, blanks)
        found.append(value)
    value, after = _first(rest, separators, blanks)
    return [*found, value if not after else rest]


def _first(text: str, separators: str, blanks: str) -> tuple[str, str]:
    """Up to the first separator, and what follows it with the blanks around it."""
    found = re.search(f"[{re.escape(separators)}]", text) if separators else None
    end = found.start() if found else len(text)
    rest = text[end:].lstrip(blanks) if blanks else text[end:]
    if rest and rest[0] in separators and end < len(text):
        rest = rest[1:].lstrip(blanks) if blanks else rest[1:]
    return text[:end], rest
