"""``test`` and ``[`` (POSIX XCU, test)."""

from collections.abc import Callable, Mapping

from unloop.rehearsal.posix.state import Shell
from unloop.rehearsal.posix.syntax import ShellError

_NUMBERS: Mapping[str, Callable[[int, int], bool]] = {
    "-eq": lambda first, second: first == second,
    "-ne": lambda first, second: first != second,
    "-lt": lambda first, second: first < second,
    "-le": lambda first, second: first <= second,
    "-gt": lambda first, second: first > second,
    "-ge": lambda first, second: first >= second,
}
_FILES = frozenset({"-e", "-f", "-d", "-s", "-r", "-w", "-x", "-L", "-h"})


def holds(shell: Shell, arguments: list[str]) -> bool:
    """Whether a condition holds; raises ShellError for one that is not understood."""
    if arguments[:1] == ["!"] and len(arguments) > 1:
        return not holds(shell, arguments[1:])
    if not arguments:
        return False
    if len(arguments) == 1:
        return bool(arguments[0])
    if len(arguments) == 2:
        return _unary(shell, *arguments)
    if len(arguments) == 3:
        return _binary(*arguments)
    raise ShellError(f"test: {' '.join(arguments)[:60]}: not understood")


def _unary(shell: Shell, operator: str, operand: str) -> bool:
    if operator in {"-n", "-z"}:
        return bool(operand) is (operator == "-n")
    if operator not in _FILES:
        raise ShellError(f"test: {operator}: not understood")
    files, place = shell.machine.files, shell.place(operand)
    if not operand or not files.exists(place) or operator in {"-L", "-h"}:
        return False
    node = files.stat(place)
    if operand.endswith("/") and not node.is_directory:
        return False
    if operator in {"-f", "-d", "-x"}:
        return node.is_directory is (operator != "-f")
    return bool(node.content) if operator == "-s" else True


def _binary(first: str, operator: str, second: str) -> bool:
    if operator in {"=", "!="}:
        return (first == second) is (operator == "=")
    if operator not in _NUMBERS:
        raise ShellError(f"test: {operator}: not understood")
    try:
        return _NUMBERS[operator](int(first), int(second))
    except ValueError as error:
        raise ShellError(f"test: {first} {operator} {second}: not numbers") from error
