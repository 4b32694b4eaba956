"""The WMI classes that tell of a host: its system, its updates, its services."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from unloop.model.host import Role
from unloop.rehearsal.cmd.surroundings import VERSION
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.winrm.cim import Instance, WmiClass
from unloop.rehearsal.winrm.query import Query

_DOMAIN_CONTROLLER, _SERVER = 2, 3
_BUILD = VERSION.split(".")[2]


def _system(machine: Machine, _query: Query | None) -> Iterator[Instance]:
    spec = machine.spec
    caption = "Microsoft Windows Server 2022 Standard"
    yield {
        "BootDevice": r"\Device\HarddiskVolume1",
        "BuildNumber": _BUILD,
        "Caption": caption,
        "CreationClassName": "Win32_OperatingSystem",
        "CSCreationClassName": "Win32_ComputerSystem",
        "CSName": spec.name.upper(),
        "CurrentTimeZone": 0,
        "LastBootUpTime": machine.boot_time,
        "LocalDateTime": datetime.now(UTC),
        "Manufacturer": "Microsoft Corporation",
        "Name": f"{caption}|C:\\Windows|\\Device\\Harddisk0\\Partition2",
        "OSArchitecture": "64-bit",
        "OSType": 18,
        "Primary": True,
        "ProductType": _DOMAIN_CONTROLLER if spec.role is Role.DOMAIN_CONTROLLER else _SERVER,
        "ServicePackMajorVersion": 0,
        "ServicePackMinorVersion": 0,
        "Status": "OK",
        "SystemDirectory": r"C:\Windows\system32",
        "SystemDrive": "C:",
        "Version": f"10.0.{_BUILD}",
        "WindowsDirectory": r"C:\Windows",
    }


def _updates(machine: Machine, _query: Query | None) -> Iterator[Instance]:
    for name in sorted(machine.state.get("updates", ())):
        number = re.sub(r"\D", "", name)
        yield {
            "Caption": f"http://support.microsoft.com/?kbid={number}",
            "CSName": machine.spec.name.upper(),
            "Description": "Update",
            "FixComments": "",
            "HotFixID": name,
            "InstallDate": None,
            "InstalledBy": r"NT AUTHORITY\SYSTEM",
            "InstalledOn": "",
            "Name": None,
            "ServicePackInEffect": "",
            "Status": None,
        }


def _services(machine: Machine, _query: Query | None) -> Iterator[Instance]:
    services: Mapping[str, str] = machine.state.get("services", {})
    for name, state in services.items():
        is_running = state == "running"
        yield {
            "Caption": name,
            "DisplayName": name,
            "ExitCode": 0,
            "Name": name,
            "Started": is_running,
            "StartMode": "Auto",
            "State": "Running" if is_running else "Stopped",
            "Status": "OK",
            "SystemName": machine.spec.name.upper(),
        }


_SYSTEM_PROPERTIES = (
    "BootDevice", "BuildNumber", "Caption", "CreationClassName", "CSCreationClassName", "CSName", "CurrentTimeZone",
    "LastBootUpTime", "LocalDateTime", "Manufacturer", "Name", "OSArchitecture", "OSType", "Primary", "ProductType",
    "ServicePackMajorVersion", "ServicePackMinorVersion", "Status", "SystemDirectory", "SystemDrive", "Version",
    "WindowsDirectory",
)  # fmt: skip
_UPDATE_PROPERTIES = (
    "Caption", "CSName", "Description", "FixComments", "HotFixID", "InstallDate", "InstalledBy", "InstalledOn", "Name",
    "ServicePackInEffect", "Status",
)  # fmt: skip
_SERVICE_PROPERTIES = (
    "Caption", "DisplayName", "ExitCode", "Name", "Started", "StartMode", "State", "Status", "SystemName",
)  # fmt: skip

SYSTEM = WmiClass("Win32_OperatingSystem", (), _SYSTEM_PROPERTIES, _system)
UPDATES = WmiClass(
    "Win32_QuickFixEngineering", ("HotFixID", "CSName", "ServicePackInEffect"), _UPDATE_PROPERTIES, _updates
)
SERVICES = WmiClass("Win32_Service", ("Name",), _SERVICE_PROPERTIES, _services)
