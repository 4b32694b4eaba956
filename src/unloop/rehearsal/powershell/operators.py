"""The operators of the language (specification, chapter 7), on values that are already known."""

import operator as operators
from collections.abc import Callable, Mapping
from decimal import Decimal

from unloop.rehearsal.powershell import regular, wildcards
from unloop.rehearsal.powershell.comparison import compare_order, equal
from unloop.rehearsal.powershell.convert import is_null, items_of, number_of, scaled, text, to_int, truth
from unloop.rehearsal.powershell.errors import Category, Failure, NetError, NotUnderstood, no_such_conversion
from unloop.rehearsal.powershell.literals import INT_MAX, LONG_MAX
from unloop.rehearsal.powershell.moments import DateTime, TimeSpan
from unloop.rehearsal.powershell.state import LONGEST, MOST_ITEMS, Budget, limit
from unloop.rehearsal.powershell.values import Array, Char, Hashtable, Long, Value, size_of, type_of

_ORDERS: Mapping[str, Callable[[int, int], bool]] = {
    "lt": operators.lt,
    "le": operators.le,
    "gt": operators.gt,
    "ge": operators.ge,
}
_ARITHMETIC: Mapping[str, Callable[[Value, Value], Value]] = {
    "+": operators.add,
    "-": operators.sub,
    "*": operators.mul,
}


def binary(sign: str, left: Value, right: Value, budget: Budget) -> Value:
    """The value of two operands; raises Failure and NotUnderstood."""
    budget.spend(size_of(left) + size_of(right))
    if sign in {"+", "-", "*", "/", "%"}:
        return _calculated(sign, left, right)
    if sign == "..":
        return _range(to_int(left), to_int(right))
    name = sign.removeprefix("-").lower()
    minds_case = name[:1] == "c" and name != "contains"
    plain = name[1:] if minds_case or (name[:1] == "i" and name not in {"is", "isnot", "in"}) else name
    if plain in _BITS:
        return _BITS[plain](to_int(left), to_int(right))
    comparer = _comparer(plain, budget, minds_case=minds_case)
    if comparer is not None:
        return _each(comparer, left, right)
    if plain in {"contains", "notcontains", "in", "notin"}:
        whole, item = (left, right) if plain.endswith("contains") else (right, left)
        found = any(equal(member, item, minds_case=minds_case) for member in items_of(whole))
        return found is not plain.startswith("not")
    if plain == "join":
        return joined(left, text(right))
    if plain == "replace" and not minds_case:
        return _replaced(left, items_of(right))
    if plain == "split" and not minds_case:
        return _split(left, items_of(right))
    raise NotUnderstood(f"the operator {sign}")


_LARGEST_DECIMAL = 1 << 96
_BITS: Mapping[str, Callable[[int, int], int]] = {"band": operators.and_, "bor": operators.or_, "bxor": operators.xor}


def _comparer(plain: str, budget: Budget, *, minds_case: bool) -> Callable[[Value, Value], bool] | None:
    if plain in {"eq", "ne"}:
        return lambda left, right: equal(left, right, minds_case=minds_case) is (plain == "eq")
    if plain in _ORDERS:
        return lambda left, right: _ORDERS[plain](compare_order(left, right), 0)
    if plain in {"like", "notlike"}:
        return lambda left, right: (
            wildcards.matches(text(left), text(right), budget, minds_case=minds_case) is (plain == "like")
        )
    if plain in {"match", "notmatch"}:
        return lambda left, right: _found(text(right), text(left), minds_case=minds_case) is (plain == "match")
    return None


def _found(pattern: str, whole: str, *, minds_case: bool) -> bool:
    return regular.compiled(pattern, whole, minds_case=minds_case).search(whole) is not None


def _each(comparer: Callable[[Value, Value], bool], left: Value, right: Value) -> Value:
    """Of an array on the left, the items that compare; of anything else, whether it does."""
    if isinstance(left, list | bytearray):
        return [item for item in items_of(left) if comparer(item, right)]
    return comparer(left, right)


def _calculated(sign: str, left: Value, right: Value) -> Value:
    if isinstance(left, DateTime | TimeSpan):
        return _moved(sign, left, right)
    if sign == "+" and isinstance(left, str):
        return _text_sum(left, right)
    if sign == "+" and isinstance(left, list | bytearray):
        return _bounded([*items_of(left), *items_of(right)])
    if sign == "+" and isinstance(left, Hashtable):
        return _merged(left, right)
    if sign == "+" and is_null(left):
        return right
    if sign == "*" and isinstance(left, str | list):
        return _repeated(left, to_int(right))
    if isinstance(left, str | bool | list | Hashtable) and sign != "+":
        left = _plain_number(sign, left)
    return _number(sign, number_of(left), _plain_number(sign, right))


def _plain_number(sign: str, value: Value) -> Value:
    if isinstance(value, list | Hashtable | bytearray | Char):
        raise NotUnderstood(f"{type_of(value)} as an operand of {sign}")
    return number_of(value)


def _number(sign: str, left: Value, right: Value) -> Value:
    """Int32, Int64, Decimal and Double; what doesn't fit becomes a Double."""
    if isinstance(left, float) or isinstance(right, float):
        return _double(sign, float(left), float(right))
    if sign in {"/", "%"} and not right:
        what = "Attempted to divide by zero."
        raise Failure(what, "RuntimeException", Category.NOT_SPECIFIED)
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        return _decimal(sign, Decimal(left), Decimal(right))
    highest = LONG_MAX if isinstance(left, Long) or isinstance(right, Long) else INT_MAX
    left, right = int(left), int(right)
    if sign == "/":
        if left % right:
            return left / right
        made = left // right
    elif sign == "%":
        made = abs(left) % abs(right) * (-1 if left < 0 else 1)
    else:
        made = _ARITHMETIC[sign](left, right)
    if not -highest - 1 <= made <= highest:
        return float(made)
    return Long(made) if highest == LONG_MAX else made


def _double(sign: str, left: float, right: float) -> float:
    if sign in _ARITHMETIC:
        return float(_ARITHMETIC[sign](left, right))
    if not right or sign == "%":
        raise NotUnderstood(f"{sign} of these two numbers")
    return left / right


def _decimal(sign: str, left: Decimal, right: Decimal) -> Decimal:
    if sign in _ARITHMETIC:
        found = Decimal(_ARITHMETIC[sign](left, right))
        if abs(found) < _LARGEST_DECIMAL:
            return scaled(found)
    elif sign == "/" and (left / right) * right == left:
        return scaled(left / right)
    raise NotUnderstood(f"{sign} of these two numbers")


def _moved(sign: str, left: DateTime | TimeSpan, right: Value) -> Value:
    by = {"+": 1, "-": -1}.get(sign, 0)
    if by and isinstance(right, TimeSpan):
        ticks = left.ticks + by * right.ticks
        try:
            return DateTime(ticks, left.kind) if isinstance(left, DateTime) else TimeSpan(ticks)
        except NetError as error:
            raise NotUnderstood("a time that is out of range") from error
    if by < 0 and isinstance(left, DateTime) and isinstance(right, DateTime):
        return TimeSpan(left.ticks - right.ticks)
    raise NotUnderstood(f"{sign} of {type_of(left)} and {type_of(right)}")


def _text_sum(left: str, right: Value) -> str:
    if isinstance(left, Char):
        raise NotUnderstood("a Char as an operand of +")
    more = text(right)
    if len(left) + len(more) > LONGEST:
        raise limit("a text that is too long for a simulated host")
    return left + more


def _bounded(items: list[Value]) -> list[Value]:
    if len(items) > MOST_ITEMS:
        raise limit("an array that is too long for a simulated host")
    return items


def _merged(left: Hashtable, right: Value) -> Hashtable:
    if not isinstance(right, Hashtable):
        raise no_such_conversion(text(right), type_of(right), "System.Collections.Hashtable")
    made = Hashtable(is_ordered=left.is_ordered)
    for key, value in [*left.items(), *right.items()]:
        if made.has(key):
            what = f"Item has already been added. Key in dictionary: '{text(key)}'  Key being added: '{text(key)}'"
            raise Failure(what, "OperationStopped", Category.OPERATION_STOPPED, type_name="System.ArgumentException")
        made.put(key, value)
    return made


def _repeated(value: str | list[Value], count: int) -> Value:
    if count < 0:
        raise NotUnderstood("a negative number of repetitions")
    if len(value) * count > (LONGEST if isinstance(value, str) else MOST_ITEMS):
        raise limit("a value that is too long for a simulated host")
    return str(value) * count if isinstance(value, str) else list(value) * count


def _range(first: int, last: int) -> list[Value]:
    if abs(last - first) >= MOST_ITEMS:
        raise limit("a range that is too long for a simulated host")
    return list(range(first, last + 1) if first <= last else range(first, last - 1, -1))


def joined(value: Value, between: str) -> str:
    """``-join``."""
    parts = [text(item) for item in items_of(value)]
    if sum(map(len, parts)) + len(between) * len(parts) > LONGEST:
        raise limit("a text that is too long for a simulated host")
    return between.join(parts)


def _replaced(left: Value, wanted: list[Value]) -> Value:
    if isinstance(left, list):
        return [_replaced(item, wanted) for item in left]
    if not 1 <= len(wanted) <= 2:
        raise NotUnderstood("the operator -replace with more than two operands")
    by = text(wanted[1]) if len(wanted) > 1 else ""
    if "$" in by:
        raise NotUnderstood("the operator -replace with a reference to what it found")
    whole = text(left)
    pattern = regular.compiled(text(wanted[0]), whole)
    if len(pattern.findall(whole)) * len(by) + len(whole) > LONGEST:
        raise limit("a text that is too long for a simulated host")
    return pattern.sub(lambda _: by, whole)


def _split(left: Value, wanted: list[Value]) -> Value:
    if isinstance(left, list) or len(wanted) != 1:
        raise NotUnderstood("the operator -split of an array, or with a number of parts")
    whole = text(left)
    pattern = regular.compiled(text(wanted[0]), whole)
    if pattern.groups or pattern.match(""):
        raise NotUnderstood(f"the operator -split by {text(wanted[0])[:40]!r}")
    return Array("System.String", pattern.split(whole))


def negated(value: Value) -> Value:
    """``-value``."""
    return _number("-", 0, _plain_number("-", value))


def inverted(value: Value) -> bool:
    """``-not value``."""
    return not truth(value)
