"""What the host tells of itself as objects: CIM instances, services, events, versions."""

from collections.abc import Mapping
from typing import ClassVar

from unloop.rehearsal.powershell.members import Members, Method, methods
from unloop.rehearsal.powershell.values import Instance, Value


class CimInstance(Instance):
    """Microsoft.Management.Infrastructure.CimInstance of a class; ``fields`` by their names as WMI writes them."""

    type_name: ClassVar[str] = "Microsoft.Management.Infrastructure.CimInstance"

    def __init__(self, class_name: str, fields: Mapping[str, Value]) -> None:
        self.class_name, self.fields = class_name, fields

    def text(self) -> str:
        """The class, and the key where we know it."""
        return self.class_name


class Described(Instance):
    """An object with plain properties, by their names as .NET writes them."""

    def __init__(self, kind: str, fields: Mapping[str, Value], shown: str = "") -> None:
        self.kind, self.fields, self._shown = kind, fields, shown

    def text(self) -> str:
        """Its name, where ToString() gives one."""
        return self._shown or self.kind


class Version(Instance):
    """System.Version."""

    type_name: ClassVar[str] = "System.Version"

    def __init__(self, text: str) -> None:
        self.numbers = [int(part) for part in text.split(".")]

    def text(self) -> str:
        """The numbers with dots between them."""
        return ".".join(map(str, self.numbers))


VERSION = Members(
    {
        "major": lambda version: version.numbers[0],
        "minor": lambda version: version.numbers[1],
        "build": lambda version: version.numbers[2] if len(version.numbers) > 2 else -1,
        "revision": lambda version: version.numbers[3] if len(version.numbers) > 3 else -1,
    },
    methods(Method("ToString", lambda _, version: version.text(), (0,))),
)
