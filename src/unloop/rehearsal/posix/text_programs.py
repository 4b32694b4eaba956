"""The programs that turn text into text: sha256sum, od, sed, head, tr, cut, base64, expr."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable

from unloop.rehearsal.posix.options import Misused, options
from unloop.rehearsal.posix.state import Shell

Content = Callable[[Shell, str], bytes]
Program = Callable[[Shell, list[str]], int]


def sums(content: Content) -> Program:
    """sha256sum."""

    def run(shell: Shell, arguments: list[str]) -> int:
        _, paths = options(arguments, "")
        for path in paths or ["-"]:
            digest = hashlib.sha256(shell.input().rest() if path == "-" else content(shell, path)).hexdigest()
            shell.say(f"{digest}  {path}\n")
        return 0

    return run


def dump(content: Content) -> Program:
    """od -A n -v -t x1 [-N count] [file]."""

    def run(shell: Shell, arguments: list[str]) -> int:
        found, paths = options(arguments, "v", takes="AtN")
        if (found.get("A"), found.get("t")) != ("n", "x1"):
            raise Misused("only -A n -t x1 is understood")
        data = content(shell, paths[0]) if paths else shell.input().rest()
        data = data[: int(found["N"])] if "N" in found else data
        for start in range(0, len(data), 16):
            shell.say("".join(f" {byte:02x}" for byte in data[start : start + 16]) + "\n")
        return 0

    return run


def head(content: Content) -> Program:
    """head [-n count] [-c count] [file]."""

    def run(shell: Shell, arguments: list[str]) -> int:
        found, paths = options(arguments, "", takes="nc")
        data = content(shell, paths[0]) if paths else shell.input().rest()
        if "c" in found:
            shell.output().write(data[: _count(found["c"])])
        else:
            shell.output().write(b"".join(data.splitlines(keepends=True)[: _count(found.get("n", "10"))]))
        return 0

    return run


def _count(text: str) -> int:
    if not text.isdigit():
        raise Misused(f"{text} is no number")
    return int(text)


def edit(content: Content) -> Program:
    """sed with s commands: -e s/a/b/[gp] ..., -n."""

    def run(shell: Shell, arguments: list[str]) -> int:
        scripts: list[str] = []
        is_quiet, rest = False, list(arguments)
        while rest and rest[0] in {"-n", "-e"}:
            if rest.pop(0) == "-n":
                is_quiet = True
            elif rest:
                scripts.append(rest.pop(0))
        if not scripts:
            scripts = [rest.pop(0)] if rest else []
        commands = [_substitution(script) for script in scripts]
        data = content(shell, rest[0]) if rest else shell.input().rest()
        text = data.decode("utf-8", "surrogateescape")
        for line in text.splitlines(keepends=True):
            body, end = (line[:-1], "\n") if line.endswith("\n") else (line, "")
            for pattern, replacement, flags in commands:
                body, count = pattern.subn(replacement, body, count=0 if "g" in flags else 1)
                if count and "p" in flags:
                    shell.say(body + "\n")
            if not is_quiet:
                shell.say(body + end)
        return 0

    return run


def _substitution(script: str) -> tuple[re.Pattern[str], str, str]:
    """An s command; raises Misused for any other."""
    if not re.match(r"s[^\\\n\w]", script):
        raise Misused(f"{script!r} is not understood by this simulated host")
    parts: list[str] = []
    mark, current, place = script[1], "", 2
    while place < len(script) and len(parts) < 2:
        character = script[place]
        if character == "\\" and script[place + 1 : place + 2] == mark:
            current, place = current + mark, place + 2
        elif character == "\\":
            current, place = current + script[place : place + 2], place + 2
        elif character == mark:
            parts.append(current)
            current, place = "", place + 1
        else:
            current, place = current + character, place + 1
    flags = script[place:]
    if len(parts) != 2 or not set(flags) <= {"g", "p"}:
        raise Misused(f"{script!r} is not understood by this simulated host")
    replacement = re.sub(r"(?<!\\)&", r"\\g<0>", parts[1])
    try:
        return re.compile(_basic(parts[0])), re.sub(r"\\&", "&", replacement), flags
    except re.error as error:
        raise Misused(f"{script!r}: {error}") from error


def _basic(pattern: str) -> str:
    """A basic regular expression as Python writes it: groups are escaped there, and plain here."""
    made, place = "", 0
    while place < len(pattern):
        pair = pattern[place : place + 2]
        if pair in {r"\(", r"\)", r"\{", r"\}"}:
            made, place = made + pair[1], place + 2
        elif pair.startswith("\\"):
            made, place = made + pair, place + 2
        elif pair.startswith("["):
            end = pattern.find("]", place + 2)
            end = len(pattern) - 1 if end < 0 else end
            made, place = made + "[" + pattern[place + 1 : end].replace("\\", r"\\") + "]", end + 1
        else:
            made += re.escape(pair[0]) if pair[0] in "(){}+?|" else pair[0]
            place += 1
    return made


def translate(shell: Shell, arguments: list[str]) -> int:
    """tr, with octal escapes and ranges; -d."""
    found, sets = options(arguments, "d")
    text = shell.input().rest().decode("utf-8", "surrogateescape")
    first = _members(sets[0]) if sets else ""
    if "d" in found:
        shell.say("".join(character for character in text if character not in first))
        return 0
    second = _members(sets[1]) if len(sets) > 1 else ""
    if not second:
        raise Misused("two sets are wanted")
    table = str.maketrans({old: second[min(index, len(second) - 1)] for index, old in enumerate(first)})
    shell.say(text.translate(table))
    return 0


def _members(text: str) -> str:
    escapes = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
    units = [
        chr(int(octal, 8)) if octal else escapes.get(escape, escape) if escape else plain
        for octal, escape, plain in re.findall(r"\\([0-7]{1,3})|\\(.)|(.)", text, re.DOTALL)
    ]
    made, place = "", 0
    while place < len(units):
        if units[place + 1 : place + 2] == ["-"] and place + 2 < len(units):
            made += "".join(chr(code) for code in range(ord(units[place]), ord(units[place + 2]) + 1))
            place += 3
        else:
            made, place = made + units[place], place + 1
    return made


def cut(shell: Shell, arguments: list[str]) -> int:
    """cut -c FIRST-LAST."""
    found, _ = options(arguments, "", takes="c")
    bounds = re.fullmatch(r"(\d+)-(\d+)", found.get("c", ""))
    if bounds is None:
        raise Misused("only -c FIRST-LAST is understood")
    for line in shell.input().rest().decode("utf-8", "surrogateescape").splitlines():
        shell.say(line[int(bounds[1]) - 1 : int(bounds[2])] + "\n")
    return 0


def decode(shell: Shell, arguments: list[str]) -> int:
    """base64 [-d]."""
    found, _ = options(arguments, "d", takes="w")
    data = shell.input().rest()
    if "d" not in found:
        shell.output().write(base64.b64encode(data) + b"\n")
        return 0
    try:
        shell.output().write(base64.b64decode(b"".join(data.split()), validate=True))
    except binascii.Error as error:
        raise Misused("invalid input") from error
    return 0


def compare(shell: Shell, arguments: list[str]) -> int:
    """expr TEXT > TEXT, and <, =."""
    if len(arguments) != 3 or arguments[1] not in {">", "<", "="}:
        raise Misused("only comparisons are understood")
    first, kind, second = arguments
    holds = {">": first > second, "<": first < second, "=": first == second}[kind]
    shell.say(f"{int(holds)}\n")
    return int(not holds)
