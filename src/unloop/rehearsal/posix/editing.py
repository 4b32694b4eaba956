"""``sed`` with the command s (GNU sed in the locale C); of patterns only those that can't take long."""

import re
from collections.abc import Callable

from unloop.rehearsal.posix.contents import given
from unloop.rehearsal.posix.state import Shell
from unloop.rehearsal.posix.syntax import NotUnderstood

_Command = tuple[re.Pattern[bytes], bytes, str]


def edit(shell: Shell, arguments: list[str]) -> int:
    """sed [-n] [-e] s/pattern/replacement/[gp]... [file]."""
    scripts: list[str] = []
    is_quiet, rest = False, list(arguments)
    while rest and rest[0] in {"-n", "-e"}:
        if rest.pop(0) == "-n":
            is_quiet = True
        elif rest:
            scripts.append(rest.pop(0))
    if not scripts:
        scripts = [rest.pop(0)] if rest else []
    if not scripts or any(word.startswith("-") for word in rest):
        raise NotUnderstood("sed with other options")
    commands = [_substitution(script) for script in scripts]
    data = given(shell, rest, "sed: can't read {}")
    if data is None:
        return 2
    shell.budget.spend(len(data) * sum(len(script) for script in scripts))
    made = bytearray()
    ends_line = data.endswith(b"\n")
    lines = data.removesuffix(b"\n").split(b"\n") if data else []
    for number, line in enumerate(lines, 1):
        said = _edited(line, commands, is_quiet=is_quiet)
        for index, text in enumerate(said):
            is_last = number == len(lines) and index == len(said) - 1 and not ends_line
            made += text + (b"" if is_last else b"\n")
    shell.write(bytes(made))
    return 0


def _edited(line: bytes, commands: list[_Command], *, is_quiet: bool) -> list[bytes]:
    """What is said for one line."""
    said: list[bytes] = []
    for pattern, replacement, flags in commands:
        line, count = pattern.subn(_filler(replacement), line, count=int("g" not in flags))
        if count and "p" in flags:
            said.append(line)
    return said if is_quiet else [*said, line]


def _filler(replacement: bytes) -> Callable[[re.Match[bytes]], bytes]:
    """The replacement; ``&`` is what was found."""

    def fill(found: re.Match[bytes]) -> bytes:
        return re.sub(rb"\\(.)|&", lambda mark: mark[1] or found[0], replacement, flags=re.DOTALL)

    return fill


def _substitution(script: str) -> _Command:
    """An s command; raises NotUnderstood for any other."""
    mark = script[1:2]
    if script[:1] != "s" or not mark or mark in "\\\n&" or mark.isalnum():
        raise NotUnderstood(f"sed {script[:40]!r}")
    parts: list[str] = []
    current, place = "", 2
    while place < len(script) and len(parts) < 2:
        character = script[place]
        if character == "\\":
            escaped = script[place + 1 : place + 2]
            current, place = current + (escaped if escaped == mark else character + escaped), place + 2
        elif character == mark:
            parts.append(current)
            current, place = "", place + 1
        else:
            current, place = current + character, place + 1
    flags = script[place:]
    if len(parts) != 2 or flags not in {"", "g", "p", "gp", "pg"} or (mark != "/" and "\\" in script):
        raise NotUnderstood(f"sed {script[:40]!r}")
    if not re.fullmatch(r"(?:[^\\\n]|\\[\\&/])*", parts[1]):
        raise NotUnderstood(f"the replacement {parts[1][:40]!r}")
    return re.compile(_expression(parts[0]).encode("latin-1")), parts[1].encode("latin-1"), flags


def _expression(pattern: str) -> str:
    """A basic regular expression of single characters, as Python writes it (XBD 9.3)."""
    if not pattern:
        raise NotUnderstood("the last pattern of sed again")
    made, place = "", 0
    while place < len(pattern):
        character = pattern[place]
        if character == "\\":
            if pattern[place + 1 : place + 2] not in {"\\", ".", "*", "[", "]", "^", "$", "/", "-"}:
                raise NotUnderstood(f"the pattern {pattern[:40]!r}")
            made, place = made + re.escape(pattern[place + 1]), place + 2
        elif character == "[":
            found = re.compile(r"\[(\^?)(\]?[^\]\[\\]*)\]").match(pattern, place)
            if found is None or not found[2] or re.search(r".-.", found[2]):
                raise NotUnderstood(f"the pattern {pattern[:40]!r}")
            made, place = made + f"[{found[1]}{re.escape(found[2])}]", found.end()
        elif (character in "^*" and place == 0) or (character == "$" and place == len(pattern) - 1):
            made, place = made + {"^": "^", "*": r"\*", "$": r"\Z"}[character], place + 1
        elif character in "*^$":
            raise NotUnderstood(f"the pattern {pattern[:40]!r}")
        else:
            made, place = made + ("." if character == "." else re.escape(character)), place + 1
    return made
