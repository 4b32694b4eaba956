"""Cmdlets that tell of the host: its system, its updates, its services, its crashes."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from unloop.model.host import Role
from unloop.rehearsal.powershell import wildcards
from unloop.rehearsal.powershell.commands import Call, Cmdlet
from unloop.rehearsal.powershell.convert import items_of, text, to_int
from unloop.rehearsal.powershell.enumerations import SERVICE_STATUS
from unloop.rehearsal.powershell.errors import Category, NotUnderstood
from unloop.rehearsal.powershell.host_types import CimInstance, Described
from unloop.rehearsal.powershell.moments import DateTime
from unloop.rehearsal.powershell.state import VERSION, Session
from unloop.rehearsal.powershell.values import EnumValue, Hashtable, Value, fold, inward

_BUGCHECK = 1001
_REPORTER = "Microsoft-Windows-WER-SystemErrorReporting"
_BOOTUP = {"": "Normal boot", "minimal": "Fail-safe boot", "network": "Fail-safe with network boot"}
_ITEM_MISSING = "Microsoft.PowerShell.Commands.ServiceCommandException"


def _operating_system(session: Session) -> Iterator[Mapping[str, Value]]:
    spec = session.machine.spec
    yield {
        "SystemDirectory": "C:\\Windows\\system32",
        "BuildNumber": VERSION.rpartition(".")[2],
        "Version": VERSION,
        "Caption": "Microsoft Windows Server 2022 Standard",
        "CSName": inward(spec.name.upper()),
        "OSArchitecture": "64-bit",
        "ProductType": 2 if spec.role is Role.DOMAIN_CONTROLLER else 3,
        "SystemDrive": "C:",
        "WindowsDirectory": "C:\\Windows",
        "LastBootUpTime": DateTime.of(session.machine.boot_time, "Local"),
        "LocalDateTime": DateTime.of(datetime.now(UTC), "Local"),
    }


def _computer_system(session: Session) -> Iterator[Mapping[str, Value]]:
    mode = session.machine.safe_mode or ("network" if session.is_safe_mode else "")
    yield {
        "Name": inward(session.machine.spec.name.upper()),
        "BootupState": _BOOTUP.get(mode, _BOOTUP["network"]),
    }


def _updates(session: Session) -> Iterator[Mapping[str, Value]]:
    for name in sorted(session.machine.state.get("updates", ())):
        yield {
            "Description": "Update",
            "HotFixID": name,
            "CSName": inward(session.machine.spec.name.upper()),
            "InstalledBy": "NT AUTHORITY\\SYSTEM",
        }


_CLASSES: Mapping[str, tuple[str, Callable[[Session], Iterator[Mapping[str, Value]]]]] = {
    "win32_operatingsystem": ("Win32_OperatingSystem", _operating_system),
    "win32_computersystem": ("Win32_ComputerSystem", _computer_system),
    "win32_quickfixengineering": ("Win32_QuickFixEngineering", _updates),
}


def _cim(call: Call) -> None:
    name = call.text("classname")
    known = _CLASSES.get(fold(name))
    if known is None:
        raise NotUnderstood(f"the CIM class {name[:60]}")
    class_name, tell = known
    call.out.extend(CimInstance(class_name, fields) for fields in tell(call.session))


def services_of(session: Session) -> Mapping[str, bool]:
    """Which services there are, and which of them run; in safe mode none that we know of does."""
    found: Mapping[str, str] = session.machine.state.get("services", {})
    return {name: state == "running" and not session.is_safe_mode for name, state in found.items()}


def _service(call: Call) -> None:
    known = services_of(call.session)
    for wanted in [text(item) for item in items_of(call.given.get("name", "*"))]:
        found = [name for name in known if wildcards.matches(inward(name), wanted, call.session.budget)]
        if not found and not wildcards.has_wildcards(wanted):
            what = f"Cannot find any service with service name '{wanted}'."
            kind = Category.OBJECT_NOT_FOUND
            call.fail(what, "NoServiceFoundForGivenName", kind, wanted, _ITEM_MISSING)
        call.out.extend(_service_object(name, is_running=known[name]) for name in sorted(found, key=fold))


def _service_object(name: str, *, is_running: bool) -> Described:
    status = "Running" if is_running else "Stopped"
    kind = "System.ServiceProcess.ServiceController"
    return Described(
        kind,
        {
            "Status": EnumValue("System.ServiceProcess.ServiceControllerStatus", status, SERVICE_STATUS[status]),
            "Name": inward(name),
            "ServiceName": inward(name),
            "DisplayName": inward(name),
        },
        kind,
    )


def _events(call: Call) -> None:
    """The one event that is simulated: a bugcheck, as the boot after it logs it."""
    wanted = call.given.get("filterhashtable")
    if not isinstance(wanted, Hashtable):
        raise NotUnderstood("Get-WinEvent without -FilterHashtable")
    since = _since(wanted)
    session = call.session
    found = [moment for moment in session.machine.bugchecks if DateTime.of(moment).ticks >= since]
    if not found:
        what = "No events were found that match the specified selection criteria."
        call.fail(what, "NoMatchingEventsFound", Category.OBJECT_NOT_FOUND, kind="System.Exception")
    call.out.extend(_event(moment) for moment in sorted(found, reverse=True))


def _since(wanted: Hashtable) -> int:
    asked = {fold(text(key)): value for key, value in wanted.items()}
    start = asked.pop("starttime", None)
    if set(asked) != {"logname", "id"} or fold(text(asked["logname"])) != "system" or to_int(asked["id"]) != _BUGCHECK:
        raise NotUnderstood("Get-WinEvent for anything but event 1001 of the log System")
    if start is not None and not isinstance(start, DateTime):
        raise NotUnderstood("a StartTime that is no DateTime")
    return start.ticks if start else 0


def _event(moment: datetime) -> Described:
    fields = {
        "TimeCreated": DateTime.of(moment, "Local"),
        "Id": _BUGCHECK,
        "LevelDisplayName": "Error",
        "ProviderName": _REPORTER,
        "LogName": "System",
    }
    return Described("System.Diagnostics.Eventing.Reader.EventLogRecord", fields)


def _restart(call: Call) -> None:
    call.session.later(call.session.waited)


CMDLETS = (
    Cmdlet("Get-CimInstance", _cim, ("classname",)),
    Cmdlet("Get-Service", _service, ("name",), class_name="GetServiceCommand"),
    Cmdlet("Get-WinEvent", _events, (), ("filterhashtable",), class_name="GetWinEventCommand"),
    Cmdlet("Restart-Computer", _restart, switches=("force",)),
)
