"""Win32_Process.Create: the order's program in one command line, and the name of the file that tells what it came to."""

import base64
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from unloop.channels.strike.wsman import wql
from unloop.errors import AccessDenied, ChannelError, Unsupported
from unloop.model.report import RemedyReport, Verdict

CLASS = "Win32_Process"
LONGEST = 32_766
"""Characters of a command line, without the zero behind it (CreateProcess, lpCommandLine)."""
VOLUME = "C:\\"
_START = "powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -Command "
_RETURNED: dict[int, tuple[type[ChannelError], str]] = {
    2: (AccessDenied, "access denied"),
    3: (AccessDenied, "insufficient privilege"),
    8: (Unsupported, "unknown failure"),
    9: (Unsupported, "path not found"),
    21: (Unsupported, "invalid parameter"),
}
"""Return values of Create in class Win32_Process; after each of them nothing was started."""
LONGEST_NAME = 180
_NAME = re.compile(rf"[A-Za-z0-9._-]{{1,{LONGEST_NAME}}}")
_TOLD = re.compile(r"-([a-z_]{1,20})\.r")
WITHOUT_REPORT = "no_report"
"""Stands for the verdict when the program ended without one."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A program that reports by the name of a file. ``name`` is that of the file, without the verdict and the ending."""

    program: str
    name: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} can't be the name of a file everywhere")

    @property
    def command_line(self) -> str:
        """What Create is given. Nothing in it needs escaping: there are no double quotes, and base64 has no others."""
        wrapper = _wrapper().replace("@packed@", packed(self.program)).replace("@base@", VOLUME + self.name)
        return f'{_START}"{wrapper}"'

    @property
    def query(self) -> str:
        """Asks for the files that tell."""
        return wql.files_in(VOLUME, f"{self.name}-*.r")

    def report(self, names: Iterable[str]) -> RemedyReport | None:
        """What the names of files tell; None while none of them tells anything."""
        for name in names:
            if not name.lower().startswith(self.name.lower()):
                continue
            told = _TOLD.fullmatch(name.lower()[len(self.name) :])
            if told is not None and told[1] in {WITHOUT_REPORT, *Verdict}:
                return _report(told[1], VOLUME + name)
        return None


def fits(program: str) -> bool:
    """Whether a program goes into one command line, however long the campaign's name is."""
    longest_name = Payload(program, "n" * LONGEST_NAME)
    return len(longest_name.command_line) <= LONGEST


def failure_of(code: int) -> ChannelError | None:
    """What Create returned means; None when the program was started."""
    if code == 0:
        return None
    kind, words = _RETURNED.get(code, (Unsupported, "it was not started"))
    return kind(f"{words} (Win32_Process.Create returned {code})")


@lru_cache(maxsize=256)
def packed(program: str) -> str:
    """A program as base64 of raw deflate (RFC 1951), which is what System.IO.Compression.DeflateStream reads.

    It is not the limit alone that asks for it: packed, the order fits into the first flight of a connection (RFC 6928).
    """
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return base64.b64encode(squeezer.compress(program.encode()) + squeezer.flush()).decode()


def _report(told: str, path: str) -> RemedyReport:
    if told == WITHOUT_REPORT:
        return RemedyReport(Verdict.SENT, message=f"the program ended without a report; what it wrote is in {path}")
    return RemedyReport(Verdict(told), message=f"told by the name of {path}, which holds the whole report")


@cache
def _wrapper() -> str:
    """The program around the program, without comments and indentation."""
    text = files("unloop.channels.strike.wsman").joinpath("land.ps1").read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines()]
    return "\n".join(line for line in lines if line and not line.startswith("#"))
