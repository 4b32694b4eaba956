"""Read WQL: as much of it as SELECT over one class needs ([MS-WMI] 2.2.1)."""

import re
from dataclasses import dataclass

from unloop.rehearsal.winrm.query import BadQuery, Both, Comparison, Condition, Either, Not, Query, Value

LONGEST = 16_384
DEEPEST = 50
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<number>[-+]?\d+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"""
    r"""|(?P<mark><=|>=|<>|!=|[=<>(),*]))""",
    re.DOTALL,
)
_ORDERS = frozenset({"=", "<>", "!=", "<", "<=", ">", ">="})
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_LITERALS: dict[str, Value] = {"TRUE": True, "FALSE": False, "NULL": None}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str

    @property
    def word(self) -> str:
        """A keyword or a mark; text and numbers are none."""
        return self.text.upper() if self.kind in {"name", "mark"} else ""


_END = _Token("end", "")


def parse(text: str) -> Query:
    """The query; raises BadQuery."""
    if len(text) > LONGEST:
        raise BadQuery("too long")
    reader = _Reader(_tokens(text))
    reader.expect("SELECT")
    properties = reader.properties()
    reader.expect("FROM")
    class_name = reader.name()
    condition = reader.condition() if reader.accept("WHERE") else None
    if reader.ahead is not _END:
        raise BadQuery(f"unexpected {reader.ahead.text!r}")
    return Query(properties, class_name, condition)


def _tokens(text: str) -> list[_Token]:
    found, place, end = [], 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise BadQuery(f"unexpected {text[place : place + 10]!r}")
        found.append(_Token(match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found


class _Reader:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens, self._place, self._depth = tokens, 0, 0

    @property
    def ahead(self) -> _Token:
        return self._tokens[self._place] if self._place < len(self._tokens) else _END

    def take(self) -> _Token:
        token = self.ahead
        self._place += 1
        return token

    def accept(self, word: str) -> bool:
        if self.ahead.word == word:
            self._place += 1
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise BadQuery(f"{word} is missing before {self.ahead.text!r}")

    def name(self) -> str:
        token = self.take()
        if token.kind != "name":
            raise BadQuery(f"a name is missing before {token.text!r}")
        return token.text

    def properties(self) -> tuple[str, ...]:
        if self.accept("*"):
            return ()
        found = [self.name()]
        while self.accept(","):
            found.append(self.name())
        return tuple(found)

    def condition(self) -> Condition:
        self._depth += 1
        if self._depth > DEEPEST:
            raise BadQuery("nested too deeply")
        parts = [self._both()]
        while self.accept("OR"):
            parts.append(self._both())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self) -> Condition:
        parts = [self._single()]
        while self.accept("AND"):
            parts.append(self._single())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _single(self) -> Condition:
        negations = 0
        while self.accept("NOT"):
            negations += 1
        if self.accept("("):
            inner = self.condition()
            self.expect(")")
        else:
            inner = self._comparison()
        return Not(inner) if negations % 2 else inner

    def _comparison(self) -> Condition:
        if self.ahead.kind == "name" and self.ahead.word not in _LITERALS:
            return self._of_property(self.name().lower())
        value = self._value()
        order = self._order()
        return Comparison(self.name().lower(), _TURNED.get(order, order), value)

    def _of_property(self, name: str) -> Condition:
        if self.accept("LIKE"):
            return Comparison(name, "LIKE", str(self._value()))
        if self.accept("NOT"):
            self.expect("LIKE")
            return Not(Comparison(name, "LIKE", str(self._value())))
        if self.accept("IS"):
            order = "<>" if self.accept("NOT") else "="
            self.expect("NULL")
            return Comparison(name, order, None)
        return Comparison(name, self._order(), self._value())

    def _order(self) -> str:
        token = self.take()
        if token.word not in _ORDERS:
            raise BadQuery(f"a comparison is missing before {token.text!r}")
        return "<>" if token.word == "!=" else token.word

    def _value(self) -> Value:
        token = self.take()
        if token.kind == "text":
            return re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)
        if token.kind == "number":
            return int(token.text[:20])
        if token.word in _LITERALS:
            return _LITERALS[token.word]
        raise BadQuery(f"a value is missing before {token.text!r}")
