"""The types that a program may name, and the members of every value."""

from collections.abc import Callable, Mapping
from functools import lru_cache

from unloop.rehearsal.powershell import file_types, registry_types, stream_types, text_types
from unloop.rehearsal.powershell.convert import ALIASES, CASTS, full_name, text, to_array, to_double, to_long
from unloop.rehearsal.powershell.error_types import ERROR, EXCEPTION, ErrorObject, ExceptionObject
from unloop.rehearsal.powershell.errors import Category, Failure, NetError, NotUnderstood, known_exceptions
from unloop.rehearsal.powershell.formats import formatted
from unloop.rehearsal.powershell.host_types import VERSION, Version
from unloop.rehearsal.powershell.literals import INT_MAX, LONG_MAX
from unloop.rehearsal.powershell.members import Members, Method, methods
from unloop.rehearsal.powershell.moments import PER_SECOND, DateTime, TimeSpan, kind_value
from unloop.rehearsal.powershell.state import Session
from unloop.rehearsal.powershell.values import (
    Array,
    EnumValue,
    Hashtable,
    Long,
    TypeValue,
    Value,
    fold,
    inward,
    type_of,
)

_TO_TEXT = Method("ToString", lambda _, value: text(value), (0,))


def _number_text(_: Session, value: Value, form: Value = "") -> str:
    return formatted(value, text(form))


def _later(unit: float) -> Callable[..., Value]:
    return lambda _, value, count: value.plus(to_double(count) * unit)


def _part(kind: str) -> Callable[[Value], Value]:
    return lambda value: getattr(value.moment, kind)


_NUMBER = Members(methods=methods(Method("ToString", _number_text, (0, 1))))
_MOMENT = Members(
    {
        "ticks": lambda value: Long(value.ticks),
        "kind": kind_value,
        **{name: _part(name) for name in ("year", "month", "day", "hour", "minute", "second")},
        "date": lambda value: DateTime(value.ticks - value.ticks % (86_400 * PER_SECOND), value.kind),
    },
    methods(
        Method("AddSeconds", _later(1), (1,)),
        Method("AddMinutes", _later(60), (1,)),
        Method("AddHours", _later(3_600), (1,)),
        Method("AddDays", _later(86_400), (1,)),
        Method("AddTicks", lambda _, value, count: DateTime(value.ticks + to_long(count), value.kind), (1,)),
        Method("ToUniversalTime", lambda _, value: DateTime(value.ticks, "Utc"), (0,)),
        Method("ToLocalTime", lambda _, value: DateTime(value.ticks, "Local"), (0,)),
        Method("ToString", lambda _, value, form="G": value.formatted(text(form)), (0, 1)),
    ),
)
_SPAN = Members(
    {
        "ticks": lambda value: Long(value.ticks),
        "totalseconds": lambda value: value.ticks / PER_SECOND,
        "totalminutes": lambda value: value.ticks / PER_SECOND / 60,
        "totalhours": lambda value: value.ticks / PER_SECOND / 3_600,
        "totaldays": lambda value: value.ticks / PER_SECOND / 86_400,
    },
    methods(_TO_TEXT),
)
_LIST = Members({"length": len, "count": len})


def _add(_: Session, table: Hashtable, key: Value, value: Value) -> None:
    if table.has(key):
        what = f"Item has already been added. Key in dictionary: '{text(key)}'  Key being added: '{text(key)}'"
        raise NetError("System.ArgumentException", what)
    table.put(key, value)


_TABLE = Members(
    {
        "count": len,
        "keys": lambda table: [key for key, _ in table.items()],
        "values": lambda table: [value for _, value in table.items()],
    },
    methods(
        Method("ContainsKey", lambda _, table, key: table.has(key), (1,)),
        Method("Contains", lambda _, table, key: table.has(key), (1,)),
        Method("Add", _add, (2,), is_void=True),
        Method("Remove", lambda _, table, key: table.remove(key), (1,), is_void=True),
    ),
)
_ENUM = Members({"value__": lambda value: value.number}, methods(_TO_TEXT))
_TYPE = Members(
    {"fullname": lambda value: value.name, "name": lambda value: value.name.rpartition(".")[2]}, methods(_TO_TEXT)
)
_MEMBERS: Mapping[type, Members] = {
    str: text_types.STRING,
    bool: Members(methods=methods(_TO_TEXT)),
    int: _NUMBER,
    float: _NUMBER,
    list: _LIST,
    bytearray: _LIST,
    Hashtable: _TABLE,
    EnumValue: _ENUM,
    TypeValue: _TYPE,
    DateTime: _MOMENT,
    TimeSpan: _SPAN,
    Version: VERSION,
    ErrorObject: ERROR,
    ExceptionObject: EXCEPTION,
    file_types.FileInfo: file_types.FILE_INFO,
    file_types.DirectoryInfo: file_types.DIRECTORY_INFO,
    file_types.FileStream: file_types.FILE_STREAM,
    registry_types.RegistryKey: registry_types.REGISTRY_KEY,
    stream_types.StreamReader: stream_types.READER,
    text_types.Encoding: text_types.ENCODING,
    text_types.Sha256: text_types.SHA256,
}
_NO_MEMBERS = Members()
_CONSOLE = "System.Console"


def members_of(value: Value) -> Members:
    """What an object shows and does."""
    return next((_MEMBERS[kind] for kind in type(value).__mro__ if kind in _MEMBERS), _NO_MEMBERS)


def _bounds(low: Value, high: Value) -> Members:
    return Members({"minvalue": lambda _: low, "maxvalue": lambda _: high})


_STATIC: Mapping[str, Members] = {
    "System.IO.File": file_types.FILE,
    "System.IO.Directory": file_types.DIRECTORY,
    "System.String": text_types.STRING_TYPE,
    "System.Convert": text_types.CONVERT,
    "System.BitConverter": text_types.BIT_CONVERTER,
    "System.Text.Encoding": text_types.ENCODING_TYPE,
    "System.Int32": _bounds(-INT_MAX - 1, INT_MAX),
    "System.Int64": _bounds(Long(-LONG_MAX - 1), Long(LONG_MAX)),
    "Microsoft.Win32.Registry": registry_types.REGISTRY,
    _CONSOLE: _NO_MEMBERS,
}
_BY_SESSION: Mapping[str, Mapping[str, Callable[[Session], Value]]] = {
    "System.DateTime": {"utcnow": lambda _: DateTime.now("Utc"), "now": lambda _: DateTime.now("Local")},
    "System.Environment": {
        "is64bitoperatingsystem": lambda _: True,
        "is64bitprocess": lambda _: True,
        "machinename": lambda session: inward(session.machine.spec.name.upper()),
        "username": lambda session: inward(session.account),
        "newline": lambda _: "\r\n",
    },
}
_NAMES: Mapping[str, str] = {
    fold(name): name
    for name in (
        *ALIASES.values(),
        *_STATIC,
        *_BY_SESSION,
        *known_exceptions(),
        "System.IO.FileInfo",
        "System.IO.DirectoryInfo",
        text_types.Sha256.type_name,
        *stream_types.NAMES,
    )
}


@lru_cache(maxsize=256)
def resolve(name: str) -> str:
    """The full name of a type as .NET writes it; raises NotUnderstood for one that is not known here."""
    if name.endswith("[]"):
        return f"{resolve(name[:-2])}[]"
    plain = fold(full_name(name))
    found = _NAMES.get(plain) or _NAMES.get(f"system.{plain}")
    if found is None:
        raise NotUnderstood(f"the type [{name[:80]}]")
    return found


def static_property(session: Session, type_name: str, name: str) -> Value:
    """A static property; raises NotUnderstood."""
    folded = fold(name)
    by_session = _BY_SESSION.get(type_name, {})
    if folded in by_session:
        return by_session[folded](session)
    found = _STATIC.get(type_name, _NO_MEMBERS).properties.get(folded)
    if found is None:
        raise NotUnderstood(f"the member {name} of [{type_name}]")
    return found(None)


def set_static_property(type_name: str, name: str, value: Value) -> None:
    """Set a static property; raises NotUnderstood. A simulated console writes UTF-8, whether it is told to or not."""
    is_utf8 = isinstance(value, text_types.Encoding) and value.name.startswith("utf-8")
    if type_name != _CONSOLE or fold(name) != "outputencoding" or not is_utf8:
        raise NotUnderstood(f"an assignment to the member {name} of [{type_name}]")


def static_method(type_name: str, name: str) -> Method:
    """A static method; raises NotUnderstood."""
    found = _STATIC.get(type_name, _NO_MEMBERS).methods.get(fold(name))
    if found is None:
        raise NotUnderstood(f"the method {name} of [{type_name}]")
    return found


def cast(session: Session, value: Value, type_name: str) -> Value:
    """A value as a type that resolve() named; raises Failure and NotUnderstood."""
    if type_name.endswith("[]"):
        return to_array(value, type_name[:-2])
    if type_name == "System.IO.DirectoryInfo":
        return value if isinstance(value, file_types.DirectoryInfo) else _directory(session, value)
    caster = CASTS.get(type_name) or stream_types.CASTS.get(type_name)
    if caster is None:
        raise NotUnderstood(f"a cast to [{type_name}]")
    return caster(value)


def _directory(session: Session, value: Value) -> Value:
    if value is None:
        return None
    try:
        return file_types.directory(session, text(value))
    except NetError as error:
        what = f'Cannot convert value "{text(value)}" to type "System.IO.DirectoryInfo". Error: "{error.message}"'
        kind = "System.Management.Automation.PSInvalidCastException"
        raise Failure(
            what, "InvalidCastConstructorException", Category.INVALID_ARGUMENT, type_name=kind, inner=error
        ) from error


def is_of(value: Value, type_name: str) -> bool:
    """``-is``, for types whose kin is known; raises NotUnderstood for others."""
    if type_name == "System.Object":
        return value is not None
    if type_name == "System.Array":
        return isinstance(value, list | bytearray)
    if type_name in CASTS or type_name.endswith("[]"):
        return type_of(value) == type_name or (
            type_name == "System.Management.Automation.PSObject"
            and type_of(value) == "System.Management.Automation.PSCustomObject"
        )
    raise NotUnderstood(f"-is [{type_name}]")


def new_array(element: str, length: int) -> Value:
    """New-Object 'type[]' length."""
    if element == "System.Byte":
        return bytearray(length)
    blanks: Mapping[str, Value] = {"System.Int32": 0, "System.Object": None, "System.String": None}
    if element not in blanks:
        raise NotUnderstood(f"a new {element}[]")
    items = [blanks[element]] * length
    return items if element == "System.Object" else Array(element, items)
