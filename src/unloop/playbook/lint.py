"""Mistakes that are well-formed: they load, run everywhere and repair nothing, or more than was meant."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from unloop.errors import Problem
from unloop.model.patterns import has_wildcard, is_posix, matches, split
from unloop.playbook.document import Path, Place, Playbook, Step, leaves
from unloop.playbook.vocabulary import Vocabulary, Word

BOOT_CRITICAL = (
    re.compile(
        r"[a-z]:\\(efi|boot|windows\\(boot|system32(\\(drivers|config|catroot2?|codeintegrity)(\\.*)?)?))",
        re.IGNORECASE,
    ),
    re.compile(r"/(boot|etc|(usr/)?lib(64)?)(/.*)?"),
)
"""Directories in which one file too many keeps a host from booting."""

RESTART = re.compile(
    r"(?<![\w-])(shutdown(\.exe)?\s+[^#\n]*[/-]r\b|restart-computer|wpeutil\s+reboot|(systemctl\s+|/sbin/)?reboot\b|init\s+6\b)",
    re.IGNORECASE,
)
COMMENT = re.compile(r"\s*(#|::|rem\b|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file that many recipes name, and how it is really called. ``mention`` finds it however it is misspelt."""

    mention: re.Pattern[str]
    stem: str
    tail: str
    """Its directory, below that of Windows."""
    names: tuple[str, ...]


KNOWN_FILES = (
    KnownFile(
        mention=re.compile(r"[^\s'\"]*\bC-?0+291[^\s'\"]*", re.IGNORECASE),
        stem="C-00000291",
        tail="\\System32\\drivers\\CrowdStrike",
        names=tuple(f"C-00000291-00000000-000000{version:02d}.sys" for version in range(1, 100)),
    ),
)
"""Falcon's channel file 291: ``C-<channel, 8 digits>-00000000-<version>.sys``; published versions conflict."""


def lint(playbook: Playbook, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Everything that is well-formed and still a mistake; the playbook may be rendered or a preview."""
    for steps in (playbook.actions, playbook.cleanup):
        yield from _after_the_end(steps, vocabulary)
        for step in steps:
            word = vocabulary.verbs.get(step.verb)
            yield from _unguarded(step, word)
            yield from _restarting_script(step)
    for step in (*playbook.actions, *playbook.cleanup, *playbook.checks):
        for path, value in leaves(step.options):
            if isinstance(value, str):
                yield from _known_file(value, step, path)


def path_advice(value: Any) -> str:
    """What to do about a path that is refused."""
    if not isinstance(value, str):
        return ""
    if any(ord(character) < ord(" ") for character in value):
        return "in double quotes \\n and \\t are escapes: put Windows paths into single quotes"
    if "/" in value and not is_posix(value):
        return "Windows paths are written with backslashes"
    if not is_posix(value) and not re.match(r"[A-Za-z]:", value):
        return "a path starts with its drive (C:\\) or with /"
    return ""


def _after_the_end(steps: tuple[Step, ...], vocabulary: Vocabulary) -> Iterator[Problem]:
    ended: Step | None = None
    for step in steps:
        if ended is not None:
            what = f"{step.verb} stands after {ended.verb} (line {ended.place.line}): nothing continues after a restart"
            yield step.place.problem(
                what, "put it before; what is to happen in a later boot belongs into verify or cleanup"
            )
        word = vocabulary.verbs.get(step.verb)
        if ended is None and word is not None and word.ends_boot:
            ended = step


def _unguarded(step: Step, word: Word | None) -> Iterator[Problem]:
    path = step.options.get("path", step.options.get(""))
    if word is None or not word.removes or not isinstance(path, str):
        return
    directory, name = split(path)
    critical = any(pattern.fullmatch(directory) for pattern in BOOT_CRITICAL)
    guard = step.options.get("guard")
    guarded = isinstance(guard, dict) and any(guard.get(key) for key in ("header", "modified", "sha256"))
    if critical and has_wildcard(name) and not guarded:
        what = f"{step.verb} takes every file '{name}' out of {directory}, which hosts need to boot"
        yield step.at("path").problem(what, "give it a guard: header, modified or sha256")


def _restarting_script(step: Step) -> Iterator[Problem]:
    script = step.options.get("script")
    if not isinstance(script, str):
        return
    lines = script.splitlines()
    for number, line in enumerate(lines):
        if COMMENT.match(line) or not RESTART.search(line):
            continue
        place = step.at("script").below(number)
        if any(not COMMENT.match(later) for later in lines[number + 1 :]):
            what = f"the script restarts the host here ({line.strip()}): the lines below never run"
            yield place.problem(what, "a script can't continue after a restart; split it, and use the verb reboot")
        else:
            what = f"the script restarts the host by itself ({line.strip()}), uncounted and unproven"
            yield place.problem(what, "use the verb reboot instead")
        return


def _known_file(text: str, step: Step, path: Path) -> Iterator[Problem]:
    is_path = "\n" not in text and path != ("script",)
    for known in KNOWN_FILES:
        for number, line in enumerate(text.splitlines()):
            for mention in known.mention.finditer(line):
                place = step.at(*path).below(number)
                directory, name = split(mention[0].replace("/", "\\"))
                yield from _misnamed(name, known, place)
                if "}" not in directory and _misplaced(directory.lower(), known, is_path=is_path):
                    what = f"'{mention[0]}' matches nothing: the file lies in C:\\Windows{known.tail}"
                    yield place.problem(what, "is a part of the path missing?")


def _misnamed(name: str, known: KnownFile, place: Place) -> Iterator[Problem]:
    if not name.lower().startswith(known.stem.lower()):
        what = f"'{name}' matches nothing: the file is called {known.names[0].replace('01.sys', 'NN.sys')}"
        yield place.problem(what, f"write {known.stem}*.sys")
    elif has_wildcard(name) or name.lower().endswith(".sys"):
        met = sum(matches(name, real, case_sensitive=False) for real in known.names)
        if met < len(known.names):
            what = f"'{name}' names a version of the file, and published versions conflict"
            yield place.problem(what, f"write {known.stem}*.sys, and tell good from bad by header and date in a guard")


def _misplaced(directory: str, known: KnownFile, *, is_path: bool) -> bool:
    """Whether a directory isn't the file's; in a script only where it is written out far enough to tell."""
    tail = known.tail.lower()
    if is_path:
        return re.fullmatch(r"[a-z]:\\[^\\]+" + re.escape(tail), directory) is None
    return "system32" in directory and not directory.endswith(tail)
