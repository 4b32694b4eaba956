"""The WMI of a host as WS-Management asks it: get, enumerate, invoke ([MS-WSMV] 3.1.4; DSP0227 7, 8)."""

import re
from collections.abc import Callable, Iterator, Mapping
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from unloop.rehearsal.machine import Machine
from unloop.rehearsal.winrm import cim, fault, names, wql
from unloop.rehearsal.winrm.cim import Call, Instance, WmiClass
from unloop.rehearsal.winrm.classes import SERVICES, SYSTEM, UPDATES
from unloop.rehearsal.winrm.data_files import FILES
from unloop.rehearsal.winrm.fault import Cause, Fault, Provider, wsman_fault
from unloop.rehearsal.winrm.processes import PROCESSES
from unloop.rehearsal.winrm.query import BadQuery, Both, Comparison, Query
from unloop.rehearsal.winrm.soap import Message

CLASSES: Mapping[str, WmiClass] = {kind.name.lower(): kind for kind in (SYSTEM, UPDATES, SERVICES, FILES, PROCESSES)}
_RESOURCE = re.compile(re.escape(f"{names.MICROSOFT}/wmi/") + r"(?P<namespace>[^?]*)/(?P<name>[^/?]+)", re.IGNORECASE)
_FIRST_PROCESS = 4000


def is_wmi(resource: str) -> bool:
    """Whether a resource belongs to WMI."""
    return resource.lower().startswith(f"{names.MICROSOFT}/wmi/")


class Wmi:
    """WMI on one machine. ``later`` restarts the machine so many seconds from now."""

    def __init__(self, machine: Machine, later: Callable[[float], None]) -> None:
        self._machine, self._later = machine, later
        self._process = _FIRST_PROCESS

    def get(self, message: Message) -> str:
        """One instance, by its keys; raises Fault."""
        kind = _class(message.resource)
        return cim.element(kind, self._one(kind, message, "GetObject"))

    def enumerate(self, message: Message, dialect: str, text: str) -> Iterator[str]:
        """Every instance that a query or a class means, as XML; raises Fault."""
        if not dialect and not text:
            kind = _class(message.resource)
            return (cim.element(kind, instance) for instance in kind.instances(self._machine, None))
        if dialect != names.WQL:
            raise Fault(fault.NO_PROPERTY_FILTER)
        _class_name(message.resource)
        try:
            return self._query(wql.parse(text), text)
        except BadQuery as error:
            raise _trouble(fault.BAD_FILTER, "ExecQuery", text) from error

    def _query(self, query: Query, text: str) -> Iterator[str]:
        kind = CLASSES.get(query.class_name.lower())
        if kind is None:
            raise _trouble(fault.NOT_FOUND, "ExecQuery", text)
        known = {name.lower(): name for name in kind.properties}
        wanted = [known.get(name.lower(), "") for name in query.properties]
        if "" in wanted:
            raise BadQuery("there is no such property")
        found = [
            instance
            for instance in kind.instances(self._machine, query)
            if query.wants({name.lower(): value for name, value in instance.items()})
        ]
        return (cim.fragment(instance, wanted) if wanted else cim.element(kind, instance) for instance in found)

    def invoke(self, message: Message) -> str:
        """Call a method: of the class, or of the instance that the selectors name; raises Fault."""
        kind = _class(message.resource)
        wanted = message.action.rpartition("/")[2].lower()
        arguments = _arguments(message.body)
        for name, method in kind.static_methods.items():
            if name.lower() == wanted:
                return cim.output(kind, name, method(self._call(arguments, {})))
        for name, method in kind.methods.items():
            if name.lower() == wanted:
                instance = self._one(kind, message, "ExecMethod")
                return cim.output(kind, name, method(self._call(arguments, instance)))
        raise _trouble(fault.ACTION_NOT_SUPPORTED, "ExecMethod", f"{kind.name}::{wanted}")

    def _call(self, arguments: Mapping[str, str], instance: Instance) -> Call:
        return Call(self._machine, arguments, instance, self._later, self._new_process)

    def _new_process(self) -> int:
        self._process += 4
        return self._process

    def _one(self, kind: WmiClass, message: Message, operation: str) -> Instance:
        keys = {name.lower(): name for name in kind.keys}
        selectors = {name: value for name, value in message.selectors.items() if name != "__cimnamespace"}
        if set(selectors) - set(keys):
            raise Fault(fault.UNEXPECTED_SELECTORS)
        if keys and not selectors:
            raise _trouble(fault.NO_KEYS, operation, kind.name)
        hint = Query((), kind.name, Both(tuple(Comparison(name, "=", value) for name, value in selectors.items())))
        for instance in kind.instances(self._machine, hint):
            if all(str(instance[keys[name]]).casefold() == value.casefold() for name, value in selectors.items()):
                return instance
        chosen = ",".join(f'{keys[name]}="{value}"' for name, value in selectors.items())
        raise _trouble(fault.NOT_FOUND, operation, f"{kind.name}.{chosen}")


def _class_name(resource: str) -> str:
    match = _RESOURCE.fullmatch(resource)
    if match is None:
        raise Fault(fault.INVALID_URI)
    if match["namespace"].lower() != "root/cimv2":
        raise _trouble(fault.NO_NAMESPACE, "GetObject", match["namespace"])
    return match["name"]


def _class(resource: str) -> WmiClass:
    name = _class_name(resource)
    if name == "*":
        raise Fault(fault.NO_QUERY)
    kind = CLASSES.get(name.lower())
    if kind is None:
        raise _trouble(fault.NOT_FOUND, "GetObject", name)
    return kind


def _arguments(body: ET.Element) -> Mapping[str, str]:
    """What stands in METHOD_INPUT, by names in lower case."""
    given = next(iter(body), None)
    if given is None:
        return {}
    return {child.tag.rpartition("}")[2].lower(): child.text or "" for child in given}


def _trouble(cause: Cause, operation: str, parameter: str) -> Fault:
    """A fault of the WMI plug-in, with what WMI says itself (__ExtendedStatus)."""
    status = f"{names.WMI}__ExtendedStatus"
    content = (
        f"{wsman_fault(cause.code, '', escape(cause.text))}<f:ExtendedError>"
        f'<p:__ExtendedStatus xmlns:xsi="{names.XSI}" xmlns:p="{status}" xsi:type="p:__ExtendedStatus_Type">'
        f'<p:Description xsi:nil="true"/><p:Operation>{operation}</p:Operation>'
        f"<p:ParameterInfo>{escape(parameter)}</p:ParameterInfo><p:ProviderName>WinMgmt</p:ProviderName>"
        '<p:StatusCode xsi:nil="true"/></p:__ExtendedStatus></f:ExtendedError>'
    )
    return Fault(cause, Provider("WMI Provider", r"%systemroot%\system32\WsmWmiPl.dll", content))
