"""How two values compare: the left one says as what (specification 7.8)."""

from decimal import Decimal

from unloop.rehearsal.powershell.convert import is_null, number_of, text, truth
from unloop.rehearsal.powershell.errors import Category, Failure, NotUnderstood
from unloop.rehearsal.powershell.moments import DateTime, TimeSpan
from unloop.rehearsal.powershell.values import Char, EnumValue, TypeValue, Value, fold, type_of

_NUMBER = (int, float, Decimal)


def equal(left: Value, right: Value, *, minds_case: bool = False) -> bool:
    """``left -eq right`` for a left side that is no array."""
    if is_null(left) or is_null(right):
        return is_null(left) and is_null(right)
    if isinstance(left, bool):
        return left is truth(right)
    if isinstance(left, str):
        return _same_text(left, text(right), minds_case=minds_case)
    if isinstance(left, EnumValue):
        return _same_enum(left, right)
    if isinstance(left, _NUMBER):
        return _same_number(left, right)
    if isinstance(left, DateTime | TimeSpan):
        return _same_ticks(left, right)
    if isinstance(left, TypeValue):
        return isinstance(right, TypeValue) and fold(left.name) == fold(right.name)
    if isinstance(right, str | int | float | Decimal):
        raise NotUnderstood(f"a comparison of {type_of(left)} with {type_of(right)}")
    return left is right


def _same_text(left: str, right: str, *, minds_case: bool) -> bool:
    return left == right if minds_case else left == right or fold(left) == fold(right)


def _same_enum(left: EnumValue, right: Value) -> bool:
    if isinstance(right, str):
        return fold(left.name) == fold(right.strip())
    if isinstance(right, EnumValue):
        return (left.type_name, left.number) == (right.type_name, right.number)
    return isinstance(right, int) and left.number == right


def _same_number(left: Value, right: Value) -> bool:
    try:
        return bool(number_of(left) == number_of(right))
    except Failure:
        return False


def _same_ticks(left: DateTime | TimeSpan, right: Value) -> bool:
    if type(left) is not type(right):
        raise NotUnderstood(f"a comparison of {type_of(left)} with {type_of(right)}")
    return bool(left.ticks == right.ticks)


def compare_order(left: Value, right: Value) -> int:
    """Below 0, 0 or above 0, as -lt and its kin see two values that are no arrays; raises Failure."""
    if isinstance(left, DateTime) and isinstance(right, DateTime):
        return _sign(left.ticks, right.ticks)
    if isinstance(left, TimeSpan) and isinstance(right, TimeSpan):
        return _sign(left.ticks, right.ticks)
    if isinstance(left, str) and not isinstance(left, Char):
        return _text_order(left, text(right))
    if is_null(left) or is_null(right):
        return _order_of_null(left, right)
    if not isinstance(left, (*_NUMBER, bool, Char)):
        what = f'Cannot compare "{text(left)}" because it is not IComparable.'
        raise Failure(what, "NotIcomparable", Category.INVALID_OPERATION)
    return _sign(number_of(left), number_of(right))


def _sign(left: Value, right: Value) -> int:
    return bool(left > right) - bool(left < right)


def _order_of_null(left: Value, right: Value) -> int:
    """``$null`` is less than anything but a negative number (LanguagePrimitives.CompareObjectToNull)."""
    if is_null(left) and is_null(right):
        return 0
    other, sign = (right, -1) if is_null(left) else (left, 1)
    return -sign if isinstance(other, _NUMBER) and other < 0 else sign


def _text_order(left: str, right: str) -> int:
    """Windows sorts by language; here only letters and digits of ASCII are, of which that order is known."""
    for side in (left, right):
        if not (side.isascii() and (side.isalnum() or not side)):
            raise NotUnderstood(f"the order of the text {side[:40]!r}")
    return _sign(fold(left), fold(right))
