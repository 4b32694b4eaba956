"""What Redfish services do differently, as data: a device, the symptom, and what is done about it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quirk:
    """One deviation. ``manufacturer`` and ``model`` are compared with the system's, in lowercase, as parts.

    ``needs_mode``: a boot override names the boot mode too. ``always_enabled``: it says Enabled even when that does not
    change. ``cd``: the target that a virtual CD boots from. ``has_once``: an override for one boot is possible.
    """

    manufacturer: str
    model: str
    symptom: str
    needs_mode: bool = False
    always_enabled: bool = False
    cd: str = "Cd"
    has_once: bool = True


QUIRKS = (
    Quirk("ami", "", "Mode, Enabled and Target must come together", needs_mode=True),
    Quirk("asrockrack", "", "Mode, Enabled and Target must come together", needs_mode=True),
    Quirk(
        "supermicro", "x11", "a virtual CD boots as UsbCd; Enabled is always wanted", always_enabled=True, cd="UsbCd"
    ),
    Quirk(
        "supermicro", "x12", "a virtual CD boots as UsbCd; Enabled is always wanted", always_enabled=True, cd="UsbCd"
    ),
    Quirk("supermicro", "", "an override without Enabled is refused", always_enabled=True),
)
"""From OpenStack Ironic's record of field reports (drivers/modules/redfish): nothing of it was seen on hardware by us.

The first that fits counts. What a service tells of itself is not here: targets and reset types that it allows, a Settings
resource that takes boot changes, an override that it offers for every boot only.
"""

NOT_NOW = (
    "SYS518",  # Dell iDRAC is not ready
    "InvalidOperationForSystemState",  # HPE iLO, while the host is in POST or changes its power
    "UnableToModifyDuringSystemPOST",  # HPE iLO refuses boot changes while the host is in POST: switch off first
    "ResourceInStandby",  # DMTF Base registry
    "ServiceTemporarilyUnavailable",  # DMTF Base registry
)
"""Message ids (parts of them) of refusals that mean: not now. Nothing was done, and it may be asked again."""

NOT_IN_THIS_STATE = frozenset({400, 409})
"""What services answer to a reset that changes nothing (on while on), and Dell iDRAC10 (409) to On just after off.

The state decides then: as wanted, it counts as done; else the order is repeated after a while by whoever gave it.
"""


def quirk_of(manufacturer: str, model: str) -> Quirk:
    """The quirk of a system; one that asks for nothing when none is known."""
    for quirk in QUIRKS:
        if quirk.manufacturer in manufacturer.lower() and quirk.model in model.lower():
            return quirk
    return Quirk("", "", "none known")
