"""The registry of the host as values by their paths (``state['registry']``), with what every Windows has.

``state['registry_kinds']`` keeps the kinds of values that do not follow from their content, ``state['registry_keys']`` keys
that were made and hold nothing. Installed updates show as packages of component-based servicing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from unloop.rehearsal.faults import registry_key
from unloop.rehearsal.machine import Machine

_HIVE = "HKLM"
PACKAGES = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\Packages"
_PACKAGE_TAIL = "~31bf3856ad364e35~amd64~~10.0.1.1"
INSTALLED = 112
_ALWAYS = (
    r"HARDWARE\DESCRIPTION\System",
    r"SAM\SAM",
    r"SECURITY\Policy",
    PACKAGES,
    r"SOFTWARE\Policies\Microsoft\Windows",
    r"SYSTEM\ControlSet001\Control",
    r"SYSTEM\ControlSet001\Enum",
    r"SYSTEM\ControlSet001\Services",
    r"SYSTEM\CurrentControlSet",
    r"SYSTEM\Select",
    r"SYSTEM\Setup",
)
"""Keys that are there on every host."""
_NUMBERS = {"DWord": 32, "QWord": 64}
_KINDS_OF = {"number": ("DWord", "QWord"), "text": ("String", "ExpandString"), "list": ("MultiString",)}


@dataclass(frozen=True, slots=True)
class Entry:
    """A value: its name as it was written, its kind, its content (numbers unsigned)."""

    name: str
    kind: str
    content: Any


def package_name(update: str) -> str:
    """The package of an update in the component store."""
    return f"Package_for_{update}{_PACKAGE_TAIL}"


def update_of(package: str) -> str:
    """The update whose package this is, '' for another text."""
    plain = package.removeprefix("Package_for_").removesuffix(_PACKAGE_TAIL)
    return plain if package == package_name(plain) else ""


def has_key(machine: Machine, key: str) -> bool:
    """Whether a key below HKEY_LOCAL_MACHINE is there."""
    wanted = _folded(key)
    return any(path == wanted or path.startswith(f"{wanted}\\") for path, _ in _key_paths(machine))


def subkeys(machine: Machine, key: str) -> list[str]:
    """The names of the keys right below a key, in the order in which Windows keeps them."""
    wanted = _folded(key)
    found: dict[str, str] = {}
    for path, shown in _key_paths(machine):
        if path.startswith(f"{wanted}\\"):
            name = shown.split("\\")[wanted.count("\\") + 1]
            found.setdefault(name.casefold(), name)
    return [found[name] for name in sorted(found)]


def value_at(machine: Machine, key: str, name: str) -> Entry | None:
    """A value, None when there is none."""
    update = update_of(key.rpartition("\\")[2])
    if update and _folded(key) == _folded(f"{PACKAGES}\\{package_name(update)}"):
        is_known = name.casefold() == "currentstate" and update in _updates(machine)
        return Entry("CurrentState", "DWord", INSTALLED) if is_known else None
    path = _find(machine, key, name)
    if path is None:
        return None
    content = machine.state["registry"][path]
    kept = machine.state.get("registry_kinds", {}).get(registry_key(path), "")
    kind = kept if kept in _KINDS_OF[_shape(content)] else _kind_of(content)
    return Entry(path.rpartition("\\")[2], kind, content)


def make_key(machine: Machine, key: str) -> None:
    """Make a key, if it is not there."""
    if not has_key(machine, key):
        machine.state.setdefault("registry_keys", set()).add(f"{_HIVE}\\{key}")


def put_value(machine: Machine, key: str, entry: Entry) -> None:
    """Set a value; one that is there keeps its path as it was written."""
    path = _find(machine, key, entry.name) or f"{_HIVE}\\{key}\\{entry.name}"
    machine.state.setdefault("registry", {})[path] = entry.content
    machine.state.setdefault("registry_kinds", {})[registry_key(path)] = entry.kind


def signed(entry: Entry) -> Any:
    """A value's content as .NET gives it: numbers have a sign."""
    bits = _NUMBERS.get(entry.kind, 0)
    if bits and entry.content >= 1 << (bits - 1):
        return entry.content - (1 << bits)
    return entry.content


def unsigned(number: int, kind: str) -> int:
    """A number as it is kept."""
    return number % (1 << _NUMBERS[kind])


def _shape(content: Any) -> str:
    if isinstance(content, int):
        return "number"
    return "list" if isinstance(content, tuple | list) else "text"


def _kind_of(content: Any) -> str:
    shape = _shape(content)
    if shape == "number":
        return "DWord" if 0 <= content < 1 << 32 else "QWord"
    return "MultiString" if shape == "list" else "String"


def _find(machine: Machine, key: str, name: str) -> str | None:
    wanted = registry_key(f"{_HIVE}\\{key}\\{name}")
    return next((path for path in machine.state.get("registry", {}) if registry_key(_short(path)) == wanted), None)


def _short(path: str) -> str:
    hive, _, rest = path.partition("\\")
    return f"{_HIVE}\\{rest}" if hive.upper() == "HKEY_LOCAL_MACHINE" else path


def _folded(key: str) -> str:
    """A key as it is compared; CurrentControlSet itself is a name of its own below SYSTEM."""
    return registry_key(f"{key}\\")[:-1]


def _updates(machine: Machine) -> set[str]:
    found: set[str] = machine.state.get("updates", set())
    return found


def _key_paths(machine: Machine) -> Iterator[tuple[str, str]]:
    """Every key that is there by itself, as it is compared and as it was written."""
    shown = [*_ALWAYS, *(f"{PACKAGES}\\{package_name(update)}" for update in sorted(_updates(machine)))]
    shown += [_below_hive(path).rpartition("\\")[0] for path in machine.state.get("registry", {})]
    shown += [_below_hive(path) for path in machine.state.get("registry_keys", ())]
    for path in shown:
        yield (path.casefold() if path.casefold() == r"system\currentcontrolset" else _folded(path)), _first_set(path)


def _below_hive(path: str) -> str:
    return _short(path).partition("\\")[2]


def _first_set(path: str) -> str:
    """A path as it is written, the current control set being the first."""
    parts = path.split("\\")
    if len(parts) > 2 and [part.casefold() for part in parts[:2]] == ["system", "currentcontrolset"]:
        parts[1] = "ControlSet001"
    return "\\".join(parts)
