"""Turn one TOML value into what its setting wants, or say what is wrong with it."""

import re
from collections.abc import Mapping
from dataclasses import Field
from pathlib import Path
from typing import Any, get_args, get_origin
from urllib.parse import parse_qs, urlsplit

from unloop.settings import fingerprint

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}
_REFERENCE = re.compile(r"[a-z][a-z0-9_]*:.+", re.DOTALL)

NOT_A_REFERENCE = (
    "put the secret into a file that only you can read and write 'file:PATH', "
    "or into an environment variable and write 'env:NAME'"
)


class Unfit(Exception):
    """A value does not fit its setting; says what and what to do, and of a table at which key. Never holds a secret."""

    def __init__(self, what: str, hint: str = "", *, key: str = "") -> None:
        self.what, self.hint, self.key = what, hint, key
        super().__init__(what)


def convert(setting: "Field[Any]", wanted: Any, value: Any, directory: Path) -> Any:
    """The value in the type of its setting; raises Unfit."""
    kind = setting.metadata.get("kind", "")
    if kind == "duration":
        return _not_less(_duration(value), setting, " s")
    if kind == "reference":
        return _reference(value, directory)
    if kind == "url":
        return _url(value, directory)
    if kind == "path":
        return str(directory / Path(_plain(str, value)).expanduser()) if value else ""
    if kind == "fingerprints":
        return _fingerprints(value)
    if get_origin(wanted) is Mapping:
        return _mapping(get_args(wanted)[1], value)
    if type(None) in get_args(wanted):
        wanted = next(member for member in get_args(wanted) if member is not type(None))
    number = _plain(wanted, value)
    if wanted is int and number < 0:
        raise Unfit(f"is {number}, but can't be negative")
    return _not_less(number, setting) if wanted is int else number


def _not_less(number: float, setting: "Field[Any]", unit: str = "") -> float:
    least = setting.metadata.get("least", 0)
    if number < least:
        raise Unfit(f"is {number:g}{unit}, but must be at least {least:g}{unit}")
    return number


def _plain(wanted: type[Any], value: Any) -> Any:
    if type(value) is wanted:
        return value
    names = {str: "text in quotation marks", int: "a whole number", bool: "true or false"}
    raise Unfit(f"must be {names.get(wanted, wanted.__name__)}")


def _duration(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return float(value)
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise Unfit("must be a duration", "write seconds, or text such as '30s', '5m', '2h'")
    return float(match[1]) * _SECONDS[match[2]]


def _reference(value: Any, directory: Path) -> str:
    if not isinstance(value, str) or (value and not _REFERENCE.fullmatch(value)):
        raise Unfit("must be a reference to a secret, not the secret itself (its value is not shown)", NOT_A_REFERENCE)
    scheme, _, rest = value.partition(":")
    if scheme == "file" and not rest.startswith("~"):
        return f"file:{directory / rest}"
    return value


def _url(value: Any, directory: Path) -> str:
    text: str = _plain(str, value)
    try:
        parts = urlsplit(text)
    except ValueError:
        raise Unfit("is not a URL") from None
    if parts.password or "password" in parse_qs(parts.query):
        raise Unfit(
            "holds a password (not shown)",
            "leave it out and set 'password' beside it to a reference: " + NOT_A_REFERENCE,
        )
    if parts.scheme.startswith("sqlite") and parts.path.startswith("/") and not parts.path.startswith("//"):
        return f"{parts.scheme}:///{directory / parts.path[1:]}"
    if text and not parts.scheme:
        raise Unfit("is not a URL", "for example sqlite:///unloop.db or redis://127.0.0.1:6379/0")
    return text


def _mapping(wanted: Any, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unfit("must be a table: name = value")
    if wanted is str:
        return {key: _plain(str, item) for key, item in value.items()}
    return {key: _names(item) for key, item in value.items()}


def _fingerprints(value: Any) -> dict[str, str]:
    """Fingerprints in the form in which they are compared."""
    given = _mapping(str, value)
    found = {address: fingerprint.plain(text) for address, text in given.items()}
    bad = [address for address, text in found.items() if text is None]
    if bad:
        told = ", ".join(f"{address} ({given[address]!r})" for address in bad)
        raise Unfit(f"has no fingerprint of a certificate for {told}", fingerprint.WRITTEN, key=bad[0])
    return {address: text for address, text in found.items() if text is not None}


def _names(value: Any) -> tuple[str, ...]:
    items = value.split() if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise Unfit("must be a list of names: winrm = ['local-admin']")
    return tuple(items)
