"""Where a path of an SFTP client is in the tree."""

import asyncssh

from unloop.model.host import System

Path = tuple[str, ...]
_HOME: dict[System, Path] = {System.LINUX: ("root",), System.WINDOWS: ("Users", "Administrator")}


def place_of(path: bytes, system: System) -> Path:
    """The place in the tree that a path means; relative ones start at home. Windows has its drive in front: ``/C:/``."""
    text = path.decode("utf-8", "surrogateescape")
    if system is System.WINDOWS:
        text = _below_drive(text.replace("\\", "/"))
    parts: list[str] = [] if text.startswith("/") else list(_HOME[system])
    for part in text.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in {"", "."}:
            parts.append(part)
    return tuple(parts)


def _below_drive(text: str) -> str:
    drive, colon, rest = text.lstrip("/").partition(":")
    if not colon:
        return text
    if drive.upper() != "C":
        raise asyncssh.SFTPNoSuchFile("no such drive")
    return "/" + rest.lstrip("/")


def shown(place: Path, system: System) -> str:
    """A place as the host writes it."""
    return ("/C:/" if system is System.WINDOWS else "/") + "/".join(place)
