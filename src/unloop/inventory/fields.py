"""The fields of a host in every format, and which names belong to a channel."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from functools import cache
from typing import Any

from unloop import plugins
from unloop.channels.base import abilities

CHANNELS = "unloop.channels"
LABEL = "label."
BMC = "bmc"
DSRM = "dsrm"
"""Not a channel: what default credentials of domain controllers in safe mode stand under."""

FIELDS: Mapping[str, str] = {
    "name": "the host's name, unique; unloop's word for it everywhere",
    "address": "IP address or DNS name; default: the name",
    "system": "windows (default) or linux",
    "channels": "in-band channels in the order to try; default: smb winrm for windows, ssh for linux",
    "credential": "names of credentials from unloop.toml, in the order to try",
    "bmc": "address of the host's BMC",
    "bmc_channel": "redfish or ipmi; default: defaults.bmc_channel of unloop.toml",
    "bmc_port": "port of the BMC, when it isn't the usual one",
    "bmc_credential": "names of credentials for the BMC",
    "dsrm_credential": "names of credentials of a domain controller in directory services repair mode (safe mode)",
    "bmc_accepted": "true: you vouch that this BMC belongs to this host although its UUID can't be compared",
    "bmc_shared": "true: this BMC address is meant to serve several hosts (a chassis manager)",
    "mac": "MAC addresses of the host",
    "uuid": "SMBIOS system UUID; the BMC must report the same one before the first reset",
    "model": "hardware or image model: hosts of one model are expected to boot alike",
    "site": "where the host stands",
    "rack": "its rack; limits how many of one rack are reset at once",
    "power_domain": "its PDU or feed; limits how many are reset at once",
    "tier": "importance as a whole number; 0 comes first",
    "role": "domain_controller, hypervisor or cluster_member: reset only when the plan names the host",
    "bitlocker": "true: the system disk is locked by BitLocker",
    "reported_broken_at": "when a victim list named the host, ISO 8601 with Z or an offset",
    "groups": "groups the host is in, for group=NAME in selections",
}
"""Beside these: ``label.KEY``; ``CHANNEL_port``, ``_address`` and ``_credential`` for each channel, and its options."""

OF_ENDPOINT = ("port", "address", "credential")
_IN_BAND = frozenset({"smb", "winrm", "ssh"})
_OUT_OF_BAND = frozenset({"ipmi", "redfish"})


@dataclass(frozen=True, slots=True)
class ChannelField:
    """A field of one channel's endpoint: ``winrm_port`` is (winrm, port)."""

    channel: str
    part: str


@cache
def channel_field(name: str) -> ChannelField | None:
    """The channel and part that a field name means, by the channels that are installed; None when there is none."""
    for channel in (BMC, *plugins.names(CHANNELS)):
        prefix, separator, part = name.partition(f"{channel}_")
        if separator and not prefix and part:
            return ChannelField(channel, part)
    return None


def option_names(channel: str) -> frozenset[str]:
    """The options of one channel."""
    return frozenset(option.name for option in dataclass_fields(channel_class(channel).Options))


def is_known(name: str) -> bool:
    """Whether a field may be given at all."""
    if name in FIELDS or (name.startswith(LABEL) and len(name) > len(LABEL)):
        return True
    field = channel_field(name)
    if field is None:
        return False
    if field.part in OF_ENDPOINT:
        return (field.channel, field.part) != (BMC, "address")
    channels = _bmc_channels() if field.channel == BMC else (field.channel,)
    return any(field.part in option_names(channel) for channel in channels)


def suggestions(names: Iterable[str]) -> frozenset[str]:
    """Every field name worth suggesting for these unknown ones."""
    known = set(FIELDS)
    for name in names:
        field = channel_field(name)
        if field is not None and field.channel != BMC:
            known |= {f"{field.channel}_{part}" for part in (*OF_ENDPOINT, *option_names(field.channel))}
    return frozenset(known)


def is_in_band(channel: str) -> bool:
    """Whether a channel talks to the host's system."""
    return channel in _IN_BAND or (channel not in _OUT_OF_BAND and _has(channel, "files", "programs"))


def is_out_of_band(channel: str) -> bool:
    """Whether a channel talks to a BMC."""
    return channel in _OUT_OF_BAND or (channel not in _IN_BAND and _has(channel, "power"))


def channel_class(name: str) -> Any:
    """The class of an installed channel."""
    return plugins.load(CHANNELS, name)


def _bmc_channels() -> tuple[str, ...]:
    return tuple(name for name in plugins.names(CHANNELS) if is_out_of_band(name))


def _has(channel: str, *wanted: str) -> bool:
    """Asked only of channels that we don't ship: it loads their library."""
    return channel in plugins.names(CHANNELS) and bool(set(wanted) & set(abilities(channel_class(channel))))
