"""How a boot override is put to a Redfish service: the forms of one request, and the ETags to send it with. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from unloop.channels.redfish_quirks import Quirk
from unloop.errors import Unsupported
from unloop.model.power import BootDevice

TARGET, ENABLED, MODE = "BootSourceOverrideTarget", "BootSourceOverrideEnabled", "BootSourceOverrideMode"
_ALLOWED = "@Redfish.AllowableValues"
_CANDIDATES = {
    BootDevice.NETWORK: ("Pxe",),
    BootDevice.MEDIA: ("Cd", "UsbCd"),
    BootDevice.DISK: ("Hdd",),
}
_SET = frozenset({"Once", "Continuous"})


def forms(device: BootDevice | None, boot: Mapping[str, Any], quirk: Quirk) -> Iterator[dict[str, str]]:
    """What to ask for, best first: a service that refuses one form (400) may take the next. None clears the override.

    ``boot`` is the Boot object as it is now. Raises Unsupported when the service says that it can't.
    """
    wanted = {TARGET: "None", ENABLED: "Disabled"} if device is None else _override(device, boot, quirk)
    mode = {MODE: str(boot.get(MODE) or "UEFI")}
    first, second = (wanted | mode, wanted) if quirk.needs_mode else (wanted, wanted | mode)
    yield first
    yield second
    if device is None:
        yield {ENABLED: "Disabled"}
    elif boot.get(ENABLED) == wanted[ENABLED] and not quirk.always_enabled:
        yield {TARGET: wanted[TARGET]}


def is_set(boot: Mapping[str, Any], device: BootDevice | None) -> bool:
    """Whether a Boot object holds this override, or none when that is wanted."""
    if device is None:
        return boot.get(ENABLED) not in _SET
    return boot.get(ENABLED) in _SET and boot.get(TARGET) in _CANDIDATES[device]


def etags(etag: str) -> Iterator[str]:
    """What to send as If-Match, one after the other while the service answers 412: some don't know their own ETags."""
    yield etag
    if etag.startswith("W/"):
        yield etag.removeprefix("W/")
    if etag:
        yield ""


def _override(device: BootDevice, boot: Mapping[str, Any], quirk: Quirk) -> dict[str, str]:
    candidates = _CANDIDATES[device]
    if device is BootDevice.MEDIA and quirk.cd != candidates[0]:
        candidates = (quirk.cd,)
    allowed = boot.get(TARGET + _ALLOWED)
    if isinstance(allowed, list) and allowed:
        permitted = [target for target in candidates if target in allowed]
        if not permitted:
            raise Unsupported(
                f"the system boots from {', '.join(map(str, allowed))}, not from {' or '.join(candidates)}"
            )
        candidates = tuple(permitted)
    return {TARGET: candidates[0], ENABLED: "Once" if _has_once(boot, quirk) else "Continuous"}


def _has_once(boot: Mapping[str, Any], quirk: Quirk) -> bool:
    allowed = boot.get(ENABLED + _ALLOWED)
    return quirk.has_once and not (isinstance(allowed, list) and "Continuous" in allowed and "Once" not in allowed)
