"""The value of ``$((...))``: whole numbers, names of variables, the operators of C that Python shares."""

import ast
import operator
from collections.abc import Callable, Mapping

from unloop.rehearsal.posix.syntax import ShellError

_BINARY: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda first, second: int(first / second),
    ast.Mod: lambda first, second: first - second * int(first / second),
}
_COMPARED: Mapping[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_LARGEST = 1 << 63


def value_of(text: str, variable: Callable[[str], str]) -> int:
    """The value; raises ShellError for what is not understood."""
    try:
        found = _value(ast.parse(text.strip() or "0", mode="eval").body, variable)
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError) as error:
        raise ShellError(f"arithmetic expression: {text!r}") from error
    if abs(found) > _LARGEST:
        raise ShellError(f"arithmetic expression: {text!r} is too large")
    return found


def _value(node: ast.expr, variable: Callable[[str], str]) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.Name):
        return int(variable(node.id) or "0")
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, variable)
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return _BINARY[type(node.op)](_value(node.left, variable), _value(node.right, variable))
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARED:
        compared = _COMPARED[type(node.ops[0])]
        return int(compared(_value(node.left, variable), _value(node.comparators[0], variable)))
    raise ValueError("not understood")
