"""``test`` and ``[`` (POSIX XCU, test)."""

import re
from collections.abc import Callable, Mapping

from unloop.rehearsal.posix.state import Shell
from unloop.rehearsal.posix.syntax import NotUnderstood

_NUMBERS: Mapping[str, Callable[[int, int], bool]] = {
    "-eq": lambda first, second: first == second,
    "-ne": lambda first, second: first != second,
    "-lt": lambda first, second: first < second,
    "-le": lambda first, second: first <= second,
    "-gt": lambda first, second: first > second,
    "-ge": lambda first, second: first >= second,
}
_TEXTS: Mapping[str, Callable[[str, str], bool]] = {
    "=": lambda first, second: first == second,
    "!=": lambda first, second: first != second,
    "<": lambda first, second: first < second,
    ">": lambda first, second: first > second,
}
_FILES = frozenset({"-e", "-f", "-d", "-s", "-r", "-w", "-x", "-L", "-h"})
_TOO_LONG = re.compile(r"[ \t\n]*[-+]?[0-9]{19,}[ \t\n]*")
_NUMBER = re.compile(r"[ \t\n]*([-+]?[0-9]{1,18})[ \t\n]*")


class Misjudged(Exception):
    """A condition with an operand that is none; the answer is neither yes nor no."""


def holds(shell: Shell, arguments: list[str]) -> bool:
    """Whether a condition holds; raises Misjudged, and NotUnderstood for one of another form."""
    if len(arguments) == 3 and (arguments[1] in _TEXTS or arguments[1] in _NUMBERS):
        return _binary(*arguments)
    if arguments[:1] == ["!"] and 1 < len(arguments) < 5:
        return not holds(shell, arguments[1:])
    if len(arguments) < 2:
        return any(arguments)
    if len(arguments) == 2:
        return _unary(shell, *arguments)
    raise NotUnderstood(f"test {' '.join(arguments)[:60]}")


def _unary(shell: Shell, operator: str, operand: str) -> bool:
    if operator in {"-n", "-z"}:
        return bool(operand) is (operator == "-n")
    if operator not in _FILES:
        raise NotUnderstood(f"test {operator}")
    try:
        node = shell.node(shell.place(operand))
    except OSError:
        return False
    if node is None or operator in {"-L", "-h"}:
        return False
    if operator in {"-f", "-d", "-x"}:
        return node.is_directory is (operator != "-f")
    return bool(node.content) or node.is_directory if operator == "-s" else True


def _binary(first: str, operator: str, second: str) -> bool:
    if operator in _TEXTS:
        return _TEXTS[operator](first, second)
    return _NUMBERS[operator](_number(first), _number(second))


def _number(text: str) -> int:
    found = _NUMBER.fullmatch(text)
    if found is None:
        if _TOO_LONG.fullmatch(text):
            raise NotUnderstood(f"the number {text[:40]}")
        raise Misjudged(f"Illegal number: {text}")
    return int(found[1])
