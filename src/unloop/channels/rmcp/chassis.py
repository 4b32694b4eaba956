"""The few IPMI commands that power needs, and what their answers say (IPMI 2.0, 22.14 and 28)."""

from uuid import UUID

from unloop.channels.rmcp.failures import Refusal
from unloop.channels.rmcp.message import Command
from unloop.channels.uuid import canonical
from unloop.model.power import BootDevice, PowerState

OPERATOR = 0x03
"""The privilege level that chassis control and boot options need (appendix G)."""
_CHASSIS, _APP = 0x00, 0x06
_CONTROL, _SET_BOOT = 0x02, 0x08
_FLAGS = 0x05
_DEVICES = {BootDevice.NETWORK: 0x04, BootDevice.DISK: 0x08, BootDevice.MEDIA: 0x14}
"""Boot device selectors in boot flags (table 28-14)."""
_SELECTOR = 0x3C
_VALID, _UEFI = 0x80, 0x20

STATUS = Command("Get Chassis Status", _CHASSIS, 0x01)
POWER_DOWN = Command("Chassis Control power down", _CHASSIS, _CONTROL, b"\x00")
POWER_UP = Command("Chassis Control power up", _CHASSIS, _CONTROL, b"\x01")
SYSTEM_GUID = Command("Get System GUID", _APP, 0x37)
KEEP_BOOT_FLAGS = Command("Set System Boot Options 3", _CHASSIS, _SET_BOOT, b"\x03\x08")
"""Don't clear the boot flags when no restart follows within 60 s (table 28-14, parameter 3, bit 3)."""
CLEAR_BOOT_FLAGS = Command("Set System Boot Options 5", _CHASSIS, _SET_BOOT, bytes([_FLAGS, 0, 0, 0, 0, 0]))
BOOT_FLAGS = Command("Get System Boot Options 5", _CHASSIS, 0x09, bytes([_FLAGS, 0, 0]))


def set_boot_flags(device: BootDevice, *, uefi: bool) -> Command:
    """Boot flags for one boot; the UEFI bit must match how the host boots."""
    first = _VALID | (_UEFI if uefi else 0)
    return Command("Set System Boot Options 5", _CHASSIS, _SET_BOOT, bytes([_FLAGS, first, _DEVICES[device], 0, 0, 0]))


def power_state(answer: bytes) -> PowerState:
    """Bit 0 of the current power state (28.2); raises Refusal when the answer holds none."""
    if not answer:
        raise Refusal("the BMC's chassis status is empty")
    return PowerState.ON if answer[0] & 1 else PowerState.OFF


def boot_device(answer: bytes) -> BootDevice | None:
    """The device that the boot flags select, None for none (28.13).

    The valid bit is left aside: OpenIPMI's simulator for one keeps the device and never says that it is valid.
    """
    selector = answer[3] & _SELECTOR if len(answer) > 3 else 0
    return next((device for device, number in _DEVICES.items() if number == selector), None)


def system_uuid(answer: bytes) -> str:
    """The system GUID, least significant byte first (22.14); firmware differs, so compare with same_uuid."""
    return canonical(str(UUID(bytes=bytes(reversed(answer[:16]))))) if len(answer) >= 16 else ""
