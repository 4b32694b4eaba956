"""System UUIDs as inventories and BMCs write them: one machine has one, in two byte orders.

SMBIOS 2.6 and later keep the first three fields little-endian (DSP0134, 7.2.1), RFC 4122 keeps them big-endian, and
IPMI's Get System GUID answers in either, by firmware. Two texts are the same machine when one order of either agrees.
"""

import uuid


def canonical(text: str) -> str:
    """A UUID in lowercase with hyphens; '' for none, and for all zeros or ones (never set)."""
    try:
        parsed = uuid.UUID(text.strip())
    except ValueError:
        return ""
    return "" if parsed.int in {0, (1 << 128) - 1} else str(parsed)


def same_uuid(one: str, other: str) -> bool:
    """Whether two UUIDs name one machine, whatever byte order each came in; false when either is none."""
    first, second = canonical(one), canonical(other)
    return bool(first and second) and second in orders(first)


def orders(text: str) -> frozenset[str]:
    """A canonical UUID in every order that firmware is known to give: network, SMBIOS, and either one reversed."""
    network = uuid.UUID(text).bytes
    given = (network, network[::-1])
    swapped = tuple(uuid.UUID(bytes=one).bytes_le for one in given)
    return frozenset(str(uuid.UUID(bytes=one)) for one in (*given, *swapped, swapped[0][::-1]))
