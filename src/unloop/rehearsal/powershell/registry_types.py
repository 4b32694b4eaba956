"""Microsoft.Win32: the keys of HKEY_LOCAL_MACHINE."""

from typing import ClassVar

from unloop.rehearsal.powershell import registry
from unloop.rehearsal.powershell.convert import text, to_int, to_long, truth
from unloop.rehearsal.powershell.enumerations import VALUE_KIND, VALUE_OPTIONS, number_in
from unloop.rehearsal.powershell.errors import NetError, NotUnderstood
from unloop.rehearsal.powershell.members import Members, Method, methods
from unloop.rehearsal.powershell.registry import Entry
from unloop.rehearsal.powershell.state import Session
from unloop.rehearsal.powershell.values import Array, EnumValue, Instance, Long, Value, inward, outward

_KIND_TYPE = "Microsoft.Win32.RegistryValueKind"
_LONGEST_NAME = 255
_MISMATCH = (
    "The type of the value object did not match the specified RegistryValueKind or the object could not be properly "
    "converted."
)


class RegistryKey(Instance):
    """Microsoft.Win32.RegistryKey; ``path`` is below HKEY_LOCAL_MACHINE, '' for that itself."""

    type_name: ClassVar[str] = "Microsoft.Win32.RegistryKey"

    def __init__(self, path: str, *, is_writable: bool) -> None:
        self.path, self.is_writable, self.is_open = path, is_writable, True

    def text(self) -> str:
        """The full name."""
        return f"HKEY_LOCAL_MACHINE\\{self.path}" if self.path else "HKEY_LOCAL_MACHINE"


LOCAL_MACHINE = RegistryKey("", is_writable=True)


def _below(key: RegistryKey, name: Value) -> str:
    if name is None:
        raise NetError("System.ArgumentNullException", "Value cannot be null.\r\nParameter name: name")
    _demand_open(key)
    parts = [part for part in outward(text(name)).split("\\") if part]
    if any(len(part) > _LONGEST_NAME for part in parts):
        raise NetError("System.ArgumentException", "Registry key names should not be greater than 255 characters.")
    return "\\".join([*([key.path] if key.path else []), *parts])


def _demand_open(key: RegistryKey) -> None:
    if not key.is_open:
        what = f"Cannot access a closed registry key.\r\nObject name: '{key.text()}'."
        raise NetError("System.ObjectDisposedException", what)


def _open(session: Session, key: RegistryKey, name: Value, writable: Value = False) -> RegistryKey | None:
    path = _below(key, name)
    if path and not registry.has_key(session.machine, path):
        return None
    return RegistryKey(path, is_writable=truth(writable))


def _create(session: Session, key: RegistryKey, name: Value) -> RegistryKey:
    path = _below(key, name)
    if not key.is_writable:
        raise NetError("System.UnauthorizedAccessException", "Cannot write to the registry key.")
    if "\\" not in path and not registry.has_key(session.machine, path):
        raise NetError("System.IO.IOException", "The parameter is incorrect.\r\n")
    registry.make_key(session.machine, path)
    return RegistryKey(path, is_writable=True)


def _subkeys(session: Session, key: RegistryKey) -> Array:
    _demand_open(key)
    if not key.path:
        raise NotUnderstood("the keys right below HKEY_LOCAL_MACHINE")
    return Array("System.String", (inward(name) for name in registry.subkeys(session.machine, key.path)))


def _entry(session: Session, key: RegistryKey, name: Value) -> Entry | None:
    _demand_open(key)
    return registry.value_at(session.machine, key.path, outward(text(name)))


def _get(session: Session, key: RegistryKey, name: Value, default: Value = None, options: Value = 0) -> Value:
    entry = _entry(session, key, name)
    if entry is None:
        return default
    raw = number_in(options, VALUE_OPTIONS, "Microsoft.Win32.RegistryValueOptions", "GetValue")
    content = registry.signed(entry)
    if entry.kind == "QWord":
        return Long(content)
    if entry.kind == "MultiString":
        return Array("System.String", (inward(str(item)) for item in content))
    if entry.kind == "ExpandString" and not raw and "%" in content:
        return _expanded(session, content)
    return inward(content) if isinstance(content, str) else int(content)


def _expanded(session: Session, content: str) -> str:
    """Environment.ExpandEnvironmentVariables."""
    pieces = content.split("%")
    made, place = pieces[0], 1
    while place < len(pieces):
        known = session.environment.get(pieces[place].lower()) if place + 1 < len(pieces) else None
        if known is None:
            made += f"%{pieces[place]}"
            place += 1
        else:
            made += known + pieces[place + 1]
            place += 2
    return inward(made)


def _kind(session: Session, key: RegistryKey, name: Value) -> EnumValue:
    entry = _entry(session, key, name)
    if entry is None:
        raise NetError("System.IO.IOException", "The specified registry key does not exist.")
    return EnumValue(_KIND_TYPE, entry.kind, VALUE_KIND[entry.kind])


def _set(session: Session, key: RegistryKey, name: Value, value: Value, kind: Value = None) -> None:
    _demand_open(key)
    if not key.is_writable:
        raise NetError("System.UnauthorizedAccessException", "Cannot write to the registry key.")
    if kind is None or not key.path:
        raise NotUnderstood("a registry value that is set without its kind")
    number = number_in(kind, VALUE_KIND, _KIND_TYPE, "SetValue")
    named = next(each for each, known in VALUE_KIND.items() if known == number)
    registry.put_value(session.machine, key.path, Entry(outward(text(name)), named, _content(value, named)))


def _content(value: Value, kind: str) -> object:
    """What is kept; raises NetError where the value is not of the kind."""
    if kind in {"DWord", "QWord"}:
        if not isinstance(value, int) or isinstance(value, bool):
            raise NetError("System.ArgumentException", _MISMATCH)
        return registry.unsigned(to_int(value) if kind == "DWord" else to_long(value), kind)
    if kind == "MultiString":
        if not isinstance(value, list):
            raise NetError("System.ArgumentException", _MISMATCH)
        return tuple(outward(text(item)) for item in value)
    if kind == "Binary":
        raise NotUnderstood("a registry value of kind Binary")
    return outward(text(value))


def _flush(_: Session, key: RegistryKey) -> None:
    _demand_open(key)


def _close(_: Session, key: RegistryKey) -> None:
    key.is_open = key is LOCAL_MACHINE


REGISTRY_KEY = Members(
    {"name": lambda key: key.text()},
    methods(
        Method("OpenSubKey", _open, (1, 2)),
        Method("CreateSubKey", _create, (1,)),
        Method("GetSubKeyNames", _subkeys, (0,)),
        Method("GetValue", _get, (1, 2, 3)),
        Method("GetValueKind", _kind, (1,)),
        Method("SetValue", _set, (2, 3), is_void=True),
        Method("Flush", _flush, (0,), is_void=True),
        Method("Close", _close, (0,), is_void=True),
        Method("Dispose", _close, (0,), is_void=True),
        Method("ToString", lambda _, key: key.text(), (0,)),
    ),
)
REGISTRY = Members({"localmachine": lambda _: LOCAL_MACHINE})
