"""Instances of WMI classes as XML (DSP0227 7, [MS-WSMV] 3.1.4.1.13), and what a class is made of."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from unloop.rehearsal.machine import Machine
from unloop.rehearsal.winrm.names import CIM, WMI, XSI
from unloop.rehearsal.winrm.query import Query, Value

_UNPRINTABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Instance = Mapping[str, Value]
"""Properties by their names, in the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a method: of an instance, or of the class itself. ``arguments`` are by names in lower case."""

    machine: Machine
    arguments: Mapping[str, str]
    instance: Instance
    later: Callable[[float], None]
    new_process: Callable[[], int]


@dataclass(frozen=True, slots=True)
class WmiClass:
    """A class: its keys (a singleton has none), its instances, its methods. Static methods need no instance."""

    name: str
    keys: tuple[str, ...]
    properties: tuple[str, ...]
    instances: Callable[[Machine, Query | None], Iterable[Instance]]
    methods: Mapping[str, Callable[[Call], Instance]] = field(default_factory=dict)
    static_methods: Mapping[str, Callable[[Call], Instance]] = field(default_factory=dict)

    @property
    def resource(self) -> str:
        """Its resource URI."""
        return WMI + self.name


def element(kind: WmiClass, instance: Instance) -> str:
    """A whole instance."""
    head = f'xmlns:xsi="{XSI}" xmlns:p="{kind.resource}" xmlns:cim="{CIM}" xsi:type="p:{kind.name}_Type"'
    return f"<p:{kind.name} {head}>{_properties(instance, 'p:')}</p:{kind.name}>"


def fragment(instance: Instance, names: Iterable[str]) -> str:
    """The properties of an instance that a query asked for."""
    chosen = {name: instance[name] for name in names}
    return f'<w:XmlFragment xmlns:xsi="{XSI}" xmlns:cim="{CIM}">{_properties(chosen, "")}</w:XmlFragment>'


def output(kind: WmiClass, method: str, values: Instance) -> str:
    """What a method gave back."""
    head = f'xmlns:xsi="{XSI}" xmlns:p="{kind.resource}" xmlns:cim="{CIM}" xsi:type="p:{method}_OUTPUT"'
    return f"<p:{method}_OUTPUT {head}>{_properties(values, 'p:')}</p:{method}_OUTPUT>"


def _properties(values: Instance, prefix: str) -> str:
    return "".join(_property(f"{prefix}{name}", value) for name, value in values.items())


def _property(name: str, value: Value) -> str:
    if value is None:
        return f'<{name} xsi:nil="true"/>'
    return f"<{name}>{_text(value)}</{name}>"


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"<cim:Datetime>{datetime_text(value)}</cim:Datetime>"
    return escape(_printable(str(value)))


def datetime_text(moment: datetime) -> str:
    """A time as WinRM writes it: xs:dateTime in UTC, with as many digits of a second as it has."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return text.rstrip("0").removesuffix(".") + "Z"


def _printable(text: str) -> str:
    """Without the characters that XML can't carry (XML 1.0 2.2)."""
    return _UNPRINTABLE.sub("\ufffd", text)
