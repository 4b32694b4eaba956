"""The IPMI commands that a simulated BMC knows, each acting on its machine (IPMI 2.0 rev 1.1, sections 20, 22 and 28)."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from unloop.model.power import BootDevice, PowerState
from unloop.rehearsal.ipmi_session import SUITES, Session
from unloop.rehearsal.machine import BootOverride, Machine, Phase

GOOD = b"\x00"
NOT_IN_THIS_STATE = b"\xd5"
BAD_FIELD = b"\xcc"
TOO_SHORT = b"\xc7"
NO_PRIVILEGE = b"\xd4"
UNKNOWN_COMMAND = b"\xc1"
UNKNOWN_PARAMETER = b"\x80"

_CHASSIS, _APP = 0x00, 0x06
_USER, _OPERATOR = 0x02, 0x03
_DEVICES = {0x04: BootDevice.NETWORK, 0x08: BootDevice.DISK, 0x14: BootDevice.MEDIA}
_FLAGS_LIVE = 60.0
"""Boot flags that nobody uses become invalid after 60 s, unless parameter 3 says otherwise (table 28-14)."""


@dataclass
class Chassis:
    """What the BMC keeps of its machine beside sessions: the machine, and the boot options as they were set."""

    machine: Machine
    options: dict[int, bytes] = field(default_factory=lambda: {0: b"\x00", 3: b"\x00", 4: b"\x00\x00", 5: bytes(5)})
    flags_set_at: float = 0.0

    @property
    def guid(self) -> bytes:
        """The system's UUID in SMBIOS order, as most BMCs send it."""
        return uuid.UUID(self.machine.spec.bmc_uuid).bytes_le


@dataclass(frozen=True, slots=True)
class Call:
    """One command with what it needs; ``session`` is None outside a session."""

    chassis: Chassis
    session: Session | None
    data: bytes
    now: float


def answer(network_function: int, command: int, call: Call) -> bytes:
    """Carry a command out; the completion code and the response's data."""
    found = COMMANDS.get((network_function, command))
    if found is None:
        return UNKNOWN_COMMAND
    privilege, least, handler = found
    if privilege and (call.session is None or call.session.privilege < privilege):
        return NO_PRIVILEGE
    if len(call.data) < least:
        return TOO_SHORT
    return handler(call)


def _auth_capabilities(call: Call) -> bytes:
    """RMCP+ only, names needed, no Kg (table 22-15)."""
    return GOOD + bytes([0x01, 0x80, 0x04, 0x02, 0, 0, 0, 0])


def _cipher_suites(call: Call) -> bytes:
    records = b"".join(suite.record for suite in SUITES)
    index = call.data[2] & 0x3F
    return GOOD + b"\x01" + records[index * 16 : index * 16 + 16]


def _device_id(call: Call) -> bytes:
    """Device 0x20, firmware 2.10, IPMI 2.0, sensors and chassis; no vendor's number."""
    return GOOD + bytes([0x20, 0x01, 0x02, 0x10, 0x02, 0x81, 0, 0, 0, 0, 0, 0, 0, 0, 0])


def _system_guid(call: Call) -> bytes:
    return GOOD + call.chassis.guid


def _set_privilege(call: Call) -> bytes:
    session = call.session
    assert session is not None  # noqa: S101
    wanted = call.data[0] & 0x0F
    if wanted > session.limit:
        return b"\x81"
    session.privilege = wanted or session.privilege
    return GOOD + bytes([session.privilege])


def _chassis_status(call: Call) -> bytes:
    """IPMI knows no transition: a host going off is on until it is off, one going on is off until it is on."""
    machine = call.chassis.machine
    going_off = machine.power is PowerState.CHANGING and machine.phase is Phase.OFF
    is_on = machine.power is PowerState.ON or going_off
    return GOOD + bytes([0x20 | is_on, 0x00, 0x00])


def _chassis_control(call: Call) -> bytes:
    machine = call.chassis.machine
    order = call.data[0] & 0x0F
    if order == 0x00:
        machine.power_off()
        return GOOD
    if order == 0x01:
        return GOOD if machine.power_on() or machine.power is not PowerState.CHANGING else NOT_IN_THIS_STATE
    if order == 0x02:
        return GOOD if machine.power_cycle() else NOT_IN_THIS_STATE
    if order == 0x03:
        return GOOD if machine.hard_reset() else NOT_IN_THIS_STATE
    return BAD_FIELD


def _set_boot_option(call: Call) -> bytes:
    chassis, parameter, data = call.chassis, call.data[0] & 0x7F, call.data[1:]
    if parameter not in chassis.options:
        return UNKNOWN_PARAMETER
    if parameter == 5 and len(data) < 5:
        return TOO_SHORT
    chassis.options[parameter] = data
    if parameter == 5:
        chassis.flags_set_at = call.now
        _apply_flags(chassis.machine, data)
    return GOOD


def _apply_flags(machine: Machine, flags: bytes) -> None:
    device = _DEVICES.get(flags[1] & 0x3C)
    if flags[0] & 0x80 and device is not None:
        machine.state["boot_override"] = BootOverride(device, once=not flags[0] & 0x40)
    else:
        machine.state.pop("boot_override", None)


def _get_boot_option(call: Call) -> bytes:
    chassis, parameter = call.chassis, call.data[0] & 0x7F
    if parameter not in chassis.options:
        return UNKNOWN_PARAMETER
    if parameter == 5:
        expire_flags(chassis, call.now)
    return GOOD + bytes([0x01, parameter]) + chassis.options[parameter]


def expire_flags(chassis: Chassis, now: float) -> None:
    """Clear boot flags that a boot has used or that nobody used in time."""
    flags = chassis.options[5]
    if not flags[0] & 0x80:
        return
    may_expire = not chassis.options[3][0] & 0x08
    if may_expire and now - chassis.flags_set_at > _FLAGS_LIVE:
        chassis.machine.state.pop("boot_override", None)
    has_device = bool(flags[1] & 0x3C)
    if has_device and "boot_override" not in chassis.machine.state:
        chassis.options[5] = bytes(5)


Handler = Callable[[Call], bytes]

COMMANDS: Mapping[tuple[int, int], tuple[int, int, Handler]] = {
    (_APP, 0x01): (_USER, 0, _device_id),
    (_APP, 0x37): (0, 0, _system_guid),
    (_APP, 0x38): (0, 2, _auth_capabilities),
    (_APP, 0x3B): (_USER, 1, _set_privilege),
    (_APP, 0x54): (0, 3, _cipher_suites),
    (_CHASSIS, 0x01): (_USER, 0, _chassis_status),
    (_CHASSIS, 0x02): (_OPERATOR, 1, _chassis_control),
    (_CHASSIS, 0x08): (_OPERATOR, 2, _set_boot_option),
    (_CHASSIS, 0x09): (_OPERATOR, 3, _get_boot_option),
}
"""By network function and command: the privilege needed (0: none, no session either), the least data, what it does."""
CLOSE_SESSION = (_APP, 0x3C)
