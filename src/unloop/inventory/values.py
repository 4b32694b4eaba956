"""Judge single values: addresses, ports, MACs, UUIDs, times. Each returns the normal form or raises Unfit."""

import ipaddress
import re
import uuid as uuids
from datetime import UTC, datetime
from functools import lru_cache

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DNS_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}", re.ASCII)
_NAME = re.compile(r"\w[\w.-]*")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NO_MARKS = str.maketrans("", "", ":.-")
_HEX = re.compile(r"[0-9a-f]{12}")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_PLACEHOLDERS = {str(uuids.UUID(digits)) for digits in ("0" * 32, "f" * 32, "03000200040005000006000700080009")}
"""UUIDs that vendors leave in boards nobody programmed: many hosts share them, so they identify none."""


class Unfit(Exception):
    """A value is wrong; says how, and what would be right."""

    def __init__(self, what: str, hint: str = "") -> None:
        self.what, self.hint = what, hint
        super().__init__(what)


def name(text: str) -> str:
    """A host name as unloop uses it: one word of letters, digits, ``.``, ``-`` and ``_``."""
    if len(text) > 253 or not _NAME.fullmatch(text):
        raise Unfit(f"{text!r} is no host name", "use letters, digits, '.', '-' and '_'")
    return text


def address(text: str) -> str:
    """An IP address in its normal form, or a DNS name."""
    if _IPV4.fullmatch(text):
        return text
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        looks_numeric = text.rstrip(".").rpartition(".")[2].isdigit()
        if looks_numeric or len(text) > 253 or not _DNS_NAME.fullmatch(text):
            hint = "write the address without scheme and port" if "/" in text or ":" in text else ""
            raise Unfit(f"{text!r} is no IP address and no DNS name", hint) from None
    return text


def port(text: str) -> int:
    """A TCP or UDP port."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise Unfit(f"{text!r} is no port", "ports are 1 to 65535")
    return int(text)


def whole_number(text: str) -> int:
    """A whole number of at most nine digits, from 0."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Unfit(f"{text!r} is no whole number")
    return int(text)


def boolean(text: str) -> bool:
    """True or false."""
    if text.lower() not in _BOOLEANS:
        raise Unfit(f"{text!r} is neither true nor false", "write true or false")
    return _BOOLEANS[text.lower()]


def mac(text: str) -> str:
    """A MAC address, as ``aa:bb:cc:dd:ee:ff``."""
    digits = text.lower().translate(_NO_MARKS)
    if not _HEX.fullmatch(digits):
        raise Unfit(f"{text!r} is no MAC address", "write it as 00:11:22:aa:bb:cc")
    if digits in {"0" * 12, "f" * 12}:
        raise Unfit(f"the MAC address {text} identifies no host", "leave it out")
    return f"{digits[:2]}:{digits[2:4]}:{digits[4:6]}:{digits[6:8]}:{digits[8:10]}:{digits[10:]}"


def uuid(text: str) -> str:
    """A UUID in canonical lowercase form."""
    value = text.lower()
    if not _UUID.fullmatch(value):
        try:
            value = str(uuids.UUID(text))
        except ValueError:
            raise Unfit(f"{text!r} is no UUID", "write it as 8-4-4-4-12 hexadecimal digits") from None
    if value in _PLACEHOLDERS:
        raise Unfit(f"the UUID {text} is a vendor's placeholder and identifies no host", "leave it out")
    return value


@lru_cache(maxsize=4096)
def time(text: str) -> str:
    """An ISO 8601 time with its zone, as UTC: ``2024-07-19T05:27:00Z``."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Unfit(f"{text!r} is no ISO 8601 time", "write it as 2024-07-19T05:27:00Z") from None
    if moment.tzinfo is None:
        raise Unfit(f"{text!r} has no time zone", "add Z for UTC, or an offset such as +02:00")
    return iso(moment)


def iso(moment: datetime) -> str:
    """A moment in the form that hosts carry."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
