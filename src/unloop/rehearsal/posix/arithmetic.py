"""The value of ``$((...))`` (POSIX XCU 2.6.4): the operators of C on whole numbers of 64 bits."""

import operator
import re
from collections.abc import Callable, Mapping

from unloop.rehearsal.posix.syntax import NotUnderstood, ShellError

_TOKEN = re.compile(
    r"[ \t\n]*(0[xX][0-9a-fA-F]+|[0-9]+|[A-Za-z_][A-Za-z0-9_]*"
    r"|<<=|>>=|&&|\|\||[-+*/%&^|]=|<<|>>|[<>=!]=|[-+*/%&^|<>=!~?:()])"
)
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",),
    ("&&",),
    ("|",),
    ("^",),
    ("&",),
    ("==", "!="),
    ("<", "<=", ">", ">="),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "%"),
)
"""What binds least comes first."""
_ASSIGNMENTS = frozenset({"=", "+=", "-=", "*=", "/=", "%=", "&=", "^=", "|=", "<<=", ">>="})
_SMALLEST, _LARGEST = -(1 << 63), (1 << 63) - 1
_DEEPEST = 20
_NUMBER = re.compile(r"[ \t\n]*([-+]?)(0[xX][0-9a-fA-F]+|[0-9]+)[ \t\n]*")
_PLAIN: Mapping[str, Callable[[int, int], int]] = {
    "|": operator.or_,
    "^": operator.xor,
    "&": operator.and_,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

Read = Callable[[str], str | None]
Write = Callable[[str, str], None]


def value_of(text: str, read: Read, write: Write) -> int:
    """The value; ``read`` and ``write`` are for variables. Raises ShellError."""
    return Expression(text, read, write).whole()


def number(text: str) -> int:
    """A number as C writes it; raises ShellError."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ShellError(f"Illegal number: {text}")
    sign, digits = found.groups()
    value = int(digits, 16) if digits[:2] in {"0x", "0X"} else _decimal_or_octal(digits)
    return max(_SMALLEST, min(_LARGEST, -value if sign == "-" else value))


def _decimal_or_octal(digits: str) -> int:
    if len(digits) > 1 and digits.startswith("0"):
        if not set(digits) <= set("01234567"):
            raise ShellError(f"Illegal number: {digits}")
        return int(digits, 8)
    return int(digits[:32])


class Expression:
    """One expression, read and valued at once; what is not to be valued is read only."""

    def __init__(self, text: str, read: Read, write: Write) -> None:
        self._text, self._read, self._write = text, read, write
        self._tokens = self._split(text.rstrip(" \t\n"))
        self._place, self._depth = 0, 0

    def whole(self) -> int:
        """The value of all of it."""
        value = self._assignment(counts=True)
        if self._place < len(self._tokens):
            raise self._wrong("expecting EOF")
        return value

    def _split(self, text: str) -> list[str]:
        tokens: list[str] = []
        place = 0
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None:
                raise self._wrong("expecting primary")
            tokens.append(found[1])
            place = found.end()
        return tokens

    def _wrong(self, what: str) -> ShellError:
        return ShellError(f"arithmetic expression: {what}: {self._text[:60]!r}")

    def _next(self, ahead: int = 0) -> str:
        place = self._place + ahead
        return self._tokens[place] if place < len(self._tokens) else ""

    def _take(self) -> str:
        self._place += 1
        return self._tokens[self._place - 1] if self._place <= len(self._tokens) else ""

    def _assignment(self, *, counts: bool) -> int:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotUnderstood("an arithmetic expression that is nested too deeply")
        if _is_name(self._next()) and self._next(1) in _ASSIGNMENTS:
            name, sign = self._take(), self._take()
            value = self._assignment(counts=counts)
            if counts:
                value = value if sign == "=" else self._operate(sign[:-1], self._variable(name), value)
                self._write(name, str(value))
        else:
            value = self._conditional(counts=counts)
        self._depth -= 1
        return value

    def _conditional(self, *, counts: bool) -> int:
        condition = self._binary(0, counts=counts)
        if self._next() != "?":
            return condition
        self._take()
        first = self._assignment(counts=counts and condition != 0)
        if self._take() != ":":
            raise self._wrong("expecting ':'")
        second = self._assignment(counts=counts and condition == 0)
        return first if condition else second

    def _binary(self, level: int, *, counts: bool) -> int:
        if level == len(_LEVELS):
            return self._unary(counts=counts)
        first = self._binary(level + 1, counts=counts)
        while self._next() in _LEVELS[level]:
            sign = self._take()
            if sign in {"&&", "||"}:
                decides = bool(first) is (sign == "||")
                second = self._binary(level + 1, counts=counts and not decides)
                first = int(sign == "||") if decides else int(second != 0)
            else:
                second = self._binary(level + 1, counts=counts)
                first = self._operate(sign, first, second) if counts else 0
        return first

    def _unary(self, *, counts: bool) -> int:
        sign = self._next()
        if sign in {"-", "+", "!", "~"}:
            self._take()
            self._depth += 1
            if self._depth > _DEEPEST:
                raise NotUnderstood("an arithmetic expression that is nested too deeply")
            value = self._unary(counts=counts)
            self._depth -= 1
            return _wrapped({"-": -value, "+": value, "!": int(not value), "~": ~value}[sign])
        if sign == "(":
            self._take()
            value = self._assignment(counts=counts)
            if self._take() != ")":
                raise self._wrong("expecting ')'")
            return value
        if _is_name(sign):
            name = self._take()
            return self._variable(name) if counts else 0
        if not sign[:1].isdigit():
            raise self._wrong("expecting primary")
        return number(self._take())

    def _variable(self, name: str) -> int:
        text = self._read(name)
        return number(text) if text and text.strip(" \t\n") else 0

    def _operate(self, sign: str, first: int, second: int) -> int:
        if sign in {"/", "%"}:
            if second == 0:
                raise self._wrong("division by zero")
            quotient = abs(first) // abs(second) * (1 if (first < 0) is (second < 0) else -1)
            if quotient > _LARGEST:
                raise NotUnderstood("a quotient that no real host can hold")
            return quotient if sign == "/" else first - quotient * second
        if sign in {"<<", ">>"}:
            if not 0 <= second < 64:
                raise NotUnderstood("a shift by more than a number has bits")
            return _wrapped(first << second if sign == "<<" else first >> second)
        return _wrapped(int(_PLAIN[sign](first, second)))


def _is_name(token: str) -> bool:
    return bool(token) and (token[0].isalpha() or token[0] == "_")


def _wrapped(value: int) -> int:
    """What 64 bits keep of a number."""
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)
