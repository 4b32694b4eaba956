"""set_registry: give one value of the registry a content and a type."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from unloop.actions.base import Action, HiveEdit, OfflineChange, WmiCall
from unloop.actions.kinds import REGISTRY_PATH, SCALAR, choice
from unloop.actions.options import BadValue, option
from unloop.errors import Problem
from unloop.model.host import System
from unloop.model.patterns import split

KINDS: Mapping[str, str] = {
    "REG_DWORD": "DWord",
    "REG_QWORD": "QWord",
    "REG_SZ": "String",
    "REG_EXPAND_SZ": "ExpandString",
    "REG_MULTI_SZ": "MultiString",
}
BITS = {"REG_DWORD": 32, "REG_QWORD": 64}
HKLM = 0x80000002


class SetRegistry(Action):
    """One value below HKEY_LOCAL_MACHINE; its key is made when it is missing."""

    verb = "set_registry"
    title = "Set a value of the registry"
    systems = frozenset({System.WINDOWS})

    @dataclass(frozen=True, slots=True)
    class Options:
        """Options of set_registry."""

        path: str = option(REGISTRY_PATH, "path of the value: HKLM\\key\\...\\name")
        value: Any = option(SCALAR, "what it is to hold")  # noqa: RUF009 - a field specifier
        type: str = option(choice(*KINDS), "the type of the value", default="REG_SZ")

    _methods: ClassVar[Mapping[str, tuple[str, str]]] = {
        "REG_DWORD": ("SetDWORDValue", "uValue"),
        "REG_QWORD": ("SetQWORDValue", "uValue"),
        "REG_SZ": ("SetStringValue", "sValue"),
        "REG_EXPAND_SZ": ("SetExpandedStringValue", "sValue"),
        "REG_MULTI_SZ": ("SetMultiStringValue", "sValue"),
    }

    def problems(self) -> tuple[Problem, ...]:
        """The value must fit its type."""
        found = super().problems()
        try:
            typed_value(self.options.type, self.options.value)
        except BadValue as error:
            return (*found, self.context.at.problem(f"set_registry: value: {error}"))
        return found

    def _place(self) -> tuple[str, str]:
        return split(self.options.path.removeprefix("HKLM\\"))

    def powershell_step(self) -> Mapping[str, Any]:
        """A registry step of remedy.ps1; numbers are signed there, as .NET takes them."""
        key, name = self._place()
        return {"kind": "registry", "key": key, **value_step(name, self.options.type, self.options.value)}

    def command_line(self) -> str | None:
        """``reg add``; a value that cmd would read for itself has no command line."""
        value = typed_value(self.options.type, self.options.value)
        text = "\\0".join(value) if isinstance(value, tuple) else str(value)
        if any(character in '%"^&|<>!\r\n' for character in text + self.options.path):
            return None
        key, name = self._place()
        words = ["reg", "add", f"HKLM\\{key}", "/v", name, "/t", self.options.type, "/d", text, "/f"]
        return subprocess.list2cmdline(words)

    def wmi_call(self) -> WmiCall:
        """StdRegProv in root\\default (or root\\cimv2 since Windows 8)."""
        method, argument = self._methods[self.options.type]
        key, name = self._place()
        value = typed_value(self.options.type, self.options.value)
        content = list(value) if isinstance(value, tuple) else value
        return WmiCall(
            "StdRegProv", method, {"hDefKey": HKLM, "sSubKeyName": key, "sValueName": name, argument: content}
        )

    def offline(self) -> tuple[OfflineChange, ...] | None:
        """An edit of SYSTEM or SOFTWARE; other hives are not offered."""
        key, name = self._place()
        hive, _, below = key.partition("\\")
        if hive.upper() not in {"SYSTEM", "SOFTWARE"}:
            return None
        value = typed_value(self.options.type, self.options.value)
        return (HiveEdit(hive.upper(), below, name, self.options.type, value),)


def typed_value(registry_type: str, value: Any) -> int | str | tuple[str, ...]:
    """A value as its type wants it, numbers unsigned; raises BadValue with a sentence."""
    if registry_type == "REG_MULTI_SZ":
        return value if isinstance(value, tuple) else (str(value),)
    if isinstance(value, tuple):
        raise BadValue(f"a list is for REG_MULTI_SZ, not for {registry_type}")
    if registry_type not in BITS:
        return str(value)
    try:
        number = int(value, 0) if isinstance(value, str) else int(value)
    except ValueError as error:
        raise BadValue(f"{value!r} is no number") from error
    if not 0 <= number < 1 << BITS[registry_type]:
        raise BadValue(f"{value!r} does not fit {registry_type}")
    return number


def value_step(name: str, registry_type: str, value: Any) -> dict[str, Any]:
    """Name, type, value and comparable text of a value, for remedy.ps1."""
    typed = typed_value(registry_type, value)
    content: Any = list(typed) if isinstance(typed, tuple) else typed
    bits = BITS.get(registry_type, 0)
    if isinstance(typed, int) and typed >= 1 << (bits - 1):
        content = typed - (1 << bits)
    text = "\n".join(typed) if isinstance(typed, tuple) else str(content if bits == BITS["REG_QWORD"] else typed)
    return {"name": name, "type": KINDS[registry_type], "value": content, "text": text}
