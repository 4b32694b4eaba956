"""Select hosts of an inventory: ``site=LHR and tier<=1 and not label.hold``, ``web[01-40] - web[10-12] + db1``.

::

    either := both ("or" both)*
    both   := single ("and" single)*
    single := "not" single | set
    set    := atom (("+" | "," | "&" | "-") atom)*          from left to right: or, or, and, and not
    atom   := "(" either ")" | "all" | FIELD SIGN VALUE | FIELD ["not"] "in" VALUES | FIELD | HOSTS
    VALUES := "(" VALUE ("," VALUE)* ")" | VALUE ("," VALUE)*
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from unloop.errors import EmptySelection, did_you_mean
from unloop.inventory import conditions
from unloop.inventory.conditions import OPERATORS, Test
from unloop.inventory.ranges import expand
from unloop.inventory.tokens import Kind, Token, fault, tokens
from unloop.inventory.values import Unfit
from unloop.model.host import Host

_GLOB = frozenset("*?")


@dataclass(frozen=True, slots=True)
class Condition:
    """A part of a selection that all hosts must meet, with its text; ``field`` and ``values`` when it is an equality."""

    text: str
    test: Test
    field: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """A selection that was understood. ``names`` are the hosts that it calls by their full name."""

    text: str
    test: Test
    conditions: tuple[Condition, ...]
    names: tuple[str, ...]

    def unknown_names(self, hosts: Iterable[Host]) -> tuple[str, ...]:
        """The names called that no host has: likely a slip, and never guessed at."""
        known = {host.name.casefold() for host in hosts}
        return tuple(name for name in self.names if name.casefold() not in known)


def parse(text: str) -> Selection:
    """Understand a selection; raises InputError with the column. A blank one selects every host."""
    if not text.strip():
        return Selection(text, lambda _: True, (), ())
    return _Parser(text).parse()


def select(hosts: Sequence[Host], selection: Selection | str) -> tuple[Host, ...]:
    """The selected hosts in the inventory's order; raises EmptySelection, which tells what each condition matches."""
    understood = parse(selection) if isinstance(selection, str) else selection
    found = tuple(filter(understood.test, hosts))
    if not found:
        raise EmptySelection(explain_empty(hosts, understood))
    return found


def explain_empty(hosts: Sequence[Host], selection: Selection) -> str:
    """Why nothing is selected: how many hosts meet each condition, and what they have instead."""
    if not selection.conditions:
        return f"the selection {selection.text!r} matches none of {len(hosts):,} hosts"
    counts = [(part, sum(map(part.test, hosts))) for part in selection.conditions]
    told = ", ".join(f"{part.text}: {count:,}" for part, count in counts)
    hints = [hint for part, count in counts if count == 0 and (hint := _instead(part, hosts))]
    return "; ".join([f"the selection {selection.text!r} matches none of {len(hosts):,} hosts ({told})", *hints])


def _instead(part: Condition, hosts: Sequence[Host]) -> str:
    """The commonest values of the field, or the name nearest to the one wanted."""
    if not part.field:
        return ""
    counts = Counter(value for host in hosts for value in conditions.field_values(part.field, host) if value)
    if not counts:
        return f"no host has a {part.field}"
    if part.field == "name":
        return did_you_mean(part.values[0], counts) if len(part.values) == 1 and len(counts) <= 20_000 else ""
    return f"{part.field} is " + ", ".join(f"{value} ({count:,})" for value, count in counts.most_common(5))


def _all(parts: Sequence[Condition]) -> Test:
    if len(parts) == 1:
        return parts[0].test
    tests = [part.test for part in parts]
    return lambda host: all(test(host) for test in tests)


def _combined(sign: str, left: Test, right: Test) -> Test:
    if sign == "&":
        return lambda host: left(host) and right(host)
    if sign == "-":
        return lambda host: left(host) and not right(host)
    return lambda host: left(host) or right(host)


class _Parser:
    """Recursive descent, one method for each rule of the grammar above."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(tokens(text))
        self._at = 0
        self._names: list[str] = []

    def parse(self) -> Selection:
        whole = self._either()
        if self._next.kind is not Kind.END:
            known = ("and", "or", "not", "in")
            hint = did_you_mean(self._next.text, known) if self._next.kind is Kind.WORD else ""
            raise self._fault(f"expected 'and', 'or' or the end, found {self._next.shown}", hint)
        return Selection(self._text, _all(whole), whole, tuple(dict.fromkeys(self._names)))

    def _either(self) -> tuple[Condition, ...]:
        choices = [(start := self._next, self._both())]
        while self._next.is_word("or"):
            self._take()
            choices.append((self._next, self._both()))
        if len(choices) == 1:
            return choices[0][1]
        tests = [_all(parts) for _, parts in choices]
        return (Condition(self._since(start), lambda host: any(test(host) for test in tests)),)

    def _both(self) -> tuple[Condition, ...]:
        parts = [*self._single()]
        while self._next.is_word("and"):
            self._take()
            parts += self._single()
        return tuple(parts)

    def _single(self) -> tuple[Condition, ...]:
        if not self._next.is_word("not"):
            return self._set()
        start = self._take()
        test = _all(self._single())
        return (Condition(self._since(start), lambda host: not test(host)),)

    def _set(self) -> tuple[Condition, ...]:
        start = self._next
        parts = self._atom()
        while self._next.is_sign("+", ",", "&", "-"):
            sign = self._take().text
            parts = (Condition("", _combined(sign, _all(parts), _all(self._atom()))),)
        return parts if parts[0].text else (Condition(self._since(start), parts[0].test),)

    def _atom(self) -> tuple[Condition, ...]:
        token = self._take()
        if token.is_sign("("):
            parts = self._either()
            self._expect(")")
            return parts
        if token.kind is Kind.QUOTED:
            return (self._hosts(token),)
        if token.kind is not Kind.WORD or token.is_word("and", "or", "in"):
            raise self._fault(f"expected a condition or host names, found {token.shown}", at=token)
        if token.is_word("all"):
            return (Condition("all", lambda _: True),)
        if self._next.is_sign(*OPERATORS):
            return (self._comparison(token),)
        if self._next.is_word("in", "not"):
            return (self._membership(token),)
        if conditions.is_field(token.text):
            return (self._bare(token),)
        return (self._hosts(token),)

    def _comparison(self, token: Token) -> Condition:
        field = self._field(token)
        sign = self._take().text
        if self._next.is_sign("="):
            raise self._fault(f"'{sign}=' is no operator", f"write {sign}" if sign == "=" else "")
        value = self._value()
        test = self._sensible(lambda: conditions.compare(field, sign, value.text), value)
        self._note_names(field, value.text if sign == "=" else "")
        return Condition(self._since(token), test, *((field, (value.text,)) if sign == "=" else ()))

    def _membership(self, token: Token) -> Condition:
        field = self._field(token)
        is_negated = self._next.is_word("not")
        if is_negated:
            self._take()
            if not self._next.is_word("in"):
                raise self._fault(f"expected 'in' after 'not', found {self._next.shown}")
        self._take()
        wanted = self._values()
        test = self._sensible(lambda: conditions.one_of(field, [value.text for value in wanted]), wanted[0])
        if is_negated:
            return Condition(self._since(token), lambda host: not test(host))
        for value in wanted:
            self._note_names(field, value.text)
        return Condition(self._since(token), test, field, tuple(value.text for value in wanted))

    def _bare(self, token: Token) -> Condition:
        if not conditions.may_stand_alone(token.text):
            hint = f"write {token.text}=VALUE, or name={token.text} for a host of that name"
            raise self._fault(f"{token.text} needs an operator and a value", hint, at=token)
        return Condition(token.text, conditions.present(token.text))

    def _hosts(self, token: Token) -> Condition:
        if _GLOB & set(token.text):
            return Condition(token.text, self._sensible(lambda: conditions.like("name", token.text), token))
        test = self._sensible(lambda: conditions.one_of("name", [token.text]), token)
        self._note_names("name", token.text)
        return Condition(token.text, test, "name", (token.text,))

    def _values(self) -> list[Token]:
        has_parentheses = self._next.is_sign("(")
        if has_parentheses:
            self._take()
        wanted = [self._value()]
        while self._next.is_sign(","):
            self._take()
            wanted.append(self._value())
        if has_parentheses:
            self._expect(")")
        return wanted

    def _value(self) -> Token:
        token = self._take()
        if token.kind not in (Kind.WORD, Kind.QUOTED):
            raise self._fault(f"expected a value, found {token.shown}", "quote values that hold signs", at=token)
        return token

    def _field(self, token: Token) -> str:
        if not conditions.is_field(token.text):
            hint = conditions.unknown_field_hint(token.text)
            raise self._fault(f"no field is called {token.text!r}", hint, at=token)
        return token.text

    def _note_names(self, field: str, text: str) -> None:
        if field == "name" and text:
            self._names += expand(text)

    def _sensible(self, make: Callable[[], Test], token: Token) -> Test:
        try:
            return make()
        except Unfit as unfit:
            raise self._fault(unfit.what, unfit.hint, at=token) from unfit

    def _expect(self, sign: str) -> None:
        if not self._next.is_sign(sign):
            raise self._fault(f"expected {sign!r}, found {self._next.shown}")
        self._take()

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _since(self, start: Token) -> str:
        """The text from a token to the last one taken."""
        return self._text[start.column - 1 : self._next.column - 1].strip()

    def _fault(self, what: str, hint: str = "", *, at: Token | None = None) -> Exception:
        return fault(self._text, (at or self._next).column, what, hint)
