"""What Redfish services do differently, as data: a device, the symptom, and what is done about it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quirk:
    """One deviation. ``manufacturer`` and ``model`` are compared with the system's, in lowercase, as parts."""

    manufacturer: str
    model: str
    symptom: str
    needs_mode: bool = False


QUIRKS = (
    Quirk("ami", "", "Mode, Enabled and Target must come together", needs_mode=True),
    Quirk("asrockrack", "", "Mode, Enabled and Target must come together", needs_mode=True),
)
"""From OpenStack Ironic's record of field reports (drivers/modules/redfish): nothing of it was seen on hardware by us."""


def quirk_of(manufacturer: str, model: str) -> Quirk:
    """The quirk of a system; one that asks for nothing when none is known."""
    for quirk in QUIRKS:
        if quirk.manufacturer in manufacturer.lower() and quirk.model in model.lower():
            return quirk
    return Quirk("", "", "none known")
