"""Effects: what is done to a device or host, permitted by a row of the ledger before it is done."""

from enum import StrEnum


class EffectKind(StrEnum):
    """What is done. An opening effect starts something; a discharging one undoes it and is permitted even while stopped."""

    POWER_OFF = "power_off"
    POWER_ON = "power_on"
    BOOT_ONCE_SET = "boot_once_set"
    BOOT_ONCE_CLEAR = "boot_once_clear"
    SAFE_BOOT_SET = "safe_boot_set"
    SAFE_BOOT_CLEAR = "safe_boot_clear"
    STRIKE = "strike"
    RESTART = "restart"

    @property
    def is_opening(self) -> bool:
        """Whether it needs a running campaign."""
        return self not in DISCHARGES.values()

    @property
    def owes(self) -> "EffectKind | None":
        """The effect that must follow this one on every way out, or None."""
        return DISCHARGES.get(self)


DISCHARGES = {
    EffectKind.POWER_OFF: EffectKind.POWER_ON,
    EffectKind.BOOT_ONCE_SET: EffectKind.BOOT_ONCE_CLEAR,
    EffectKind.SAFE_BOOT_SET: EffectKind.SAFE_BOOT_CLEAR,
}
"""Each opening effect that leaves something behind, and the effect that undoes it."""
