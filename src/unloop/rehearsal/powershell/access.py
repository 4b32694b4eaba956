"""Members and items of values: reading, setting and calling them (specification 7.1)."""

from collections.abc import Callable

from unloop.rehearsal.powershell.convert import is_null, text, to_int
from unloop.rehearsal.powershell.errors import Category, Failure, NetError, NotUnderstood, not_on_null
from unloop.rehearsal.powershell.host_types import CimInstance, Described
from unloop.rehearsal.powershell.members import Method, invoke, unknown_member
from unloop.rehearsal.powershell.state import Session
from unloop.rehearsal.powershell.types import members_of
from unloop.rehearsal.powershell.values import (
    NOTHING,
    Byte,
    Char,
    Hashtable,
    Record,
    TypeValue,
    Value,
    fold,
    type_of,
)

_COUNTS = frozenset({"count", "length"})
_AUTOMATION = "System.Management.Automation"


def get_member(value: Value, name: str) -> Value:
    """A property; of ``$null`` nothing, of an array that of its items. Raises Failure and NotUnderstood."""
    if isinstance(value, Record):
        key = value.find(name)
        return value.fields[key] if key is not None else None
    folded = fold(name)
    if is_null(value):
        return 0 if folded in _COUNTS else None
    if isinstance(value, Hashtable) and value.has(name):
        return value.get(name)
    if isinstance(value, CimInstance | Described):
        return _field(value, name)
    found = members_of(value).properties.get(folded)
    if found is not None:
        return _read(found, value, name)
    if isinstance(value, list):
        return _of_items(value, name)
    if isinstance(value, Hashtable):
        if folded in _TABLE_ONLY:
            raise unknown_member(type_of(value), name)
        return None
    return _fallback(value, folded, name)


_TABLE_ONLY = frozenset({"isreadonly", "isfixedsize", "issynchronized", "syncroot", "comparer"})


def _fallback(value: Value, folded: str, name: str) -> Value:
    """A single object has a Count and a Length of 1 (about_Properties); in 5.1 a PSCustomObject has not."""
    if folded in _COUNTS:
        return 1
    raise unknown_member(type_of(value), name)


def _read(getter: Callable[[Value], Value], value: Value, name: str) -> Value:
    try:
        return getter(value)
    except NetError as error:
        what = f'Exception getting "{name}": "{error.message}"'
        kind = f"{_AUTOMATION}.GetValueInvocationException"
        raise Failure(what, "ExceptionWhenGetting", type_name=kind, inner=error) from error


def _field(value: CimInstance | Described, name: str) -> Value:
    found = next((field for field in value.fields if fold(field) == fold(name)), None)
    if found is None:
        raise unknown_member(value.text(), name)
    return value.fields[found]


def _of_items(items: list[Value], name: str) -> Value:
    """The property of every item that has it: none, one, or an array."""
    found: list[Value] = []
    for item in items:
        if is_null(item) or (isinstance(item, Record) and item.find(name) is None):
            continue
        value = get_member(item, name)
        found += value if isinstance(value, list) else [value]
    if not found:
        return None
    return found[0] if len(found) == 1 else found


def set_member(value: Value, name: str, new: Value) -> None:
    """Set a property of a record or a key of a dictionary; raises Failure and NotUnderstood."""
    if isinstance(value, Hashtable):
        value.put(name, new)
        return
    key = value.find(name) if isinstance(value, Record) else None
    if key is not None:
        value.fields[key] = new
        return
    if is_null(value) or isinstance(value, Record):
        what = f"The property '{name}' cannot be found on this object. Verify that the property exists and can be set."
        raise Failure(what, "PropertyNotFound", Category.INVALID_OPERATION)
    raise NotUnderstood(f"setting the property {name} of {type_of(value)}")


def call_method(session: Session, value: Value, name: str, arguments: list[Value]) -> Value:
    """Call a method of an object; raises Failure and NotUnderstood."""
    if is_null(value):
        raise not_on_null()
    folded = fold(name)
    if folded == "gettype" and not arguments:
        return TypeValue(type_of(value))
    method = members_of(value).methods.get(folded)
    if method is None and folded == "tostring" and not arguments:
        method = Method("ToString", lambda _, target: text(target), (0,))
    if method is None:
        raise NotUnderstood(f"the method {name} of {type_of(value)}")
    return invoke(session, method, value, arguments)


def get_item(value: Value, index: Value) -> Value:
    """``value[index]``; what lies beyond the end is nothing. Raises Failure and NotUnderstood."""
    if is_null(value):
        raise Failure("Cannot index into a null array.", "NullArray", Category.INVALID_OPERATION)
    if isinstance(value, Hashtable):
        if isinstance(index, list) or (value.is_ordered and isinstance(index, int)):
            raise NotUnderstood("more than one key, or a number, as the index of a dictionary")
        return value.get(index)
    if isinstance(index, list):
        found = (get_item(value, each) for each in index)
        return [item for item in found if item is not NOTHING and item is not None]
    place = to_int(index)
    if isinstance(value, str) and not isinstance(value, Char):
        return Char(value[place]) if -len(value) <= place < len(value) else None
    if isinstance(value, list | bytearray):
        if not -len(value) <= place < len(value):
            return None
        return Byte(value[place]) if isinstance(value, bytearray) else value[place]
    what = f"Unable to index into an object of type {type_of(value)}."
    raise Failure(what, "CannotIndex", Category.INVALID_OPERATION)


def set_item(value: Value, index: Value, new: Value) -> None:
    """``value[index] = new``; raises Failure and NotUnderstood."""
    if isinstance(value, Hashtable):
        value.put(index, new)
        return
    if is_null(value):
        raise Failure("Cannot index into a null array.", "NullArray", Category.INVALID_OPERATION)
    if type(value) is not list:
        raise NotUnderstood(f"setting an item of {type_of(value)}")
    place = to_int(index)
    if not -len(value) <= place < len(value):
        what = "Index was outside the bounds of the array."
        raise Failure(what, "OperationStopped", Category.OPERATION_STOPPED, type_name="System.IndexOutOfRangeException")
    value[place] = new
