"""The programs that turn text into text (GNU coreutils in the locale C): sha256sum, od, head, tr, cut, base64, expr."""

import base64
import binascii
import hashlib
import re

from unloop.rehearsal.posix.contents import content_of, for_each, given
from unloop.rehearsal.posix.editing import edit
from unloop.rehearsal.posix.options import options
from unloop.rehearsal.posix.state import Shell
from unloop.rehearsal.posix.syntax import NotUnderstood

__all__ = ["base_64", "compare", "cut", "dump", "edit", "head", "sums", "translate"]

_LINE_LENGTH = 76


def sums(shell: Shell, arguments: list[str]) -> int:
    """sha256sum [file...]."""
    _, paths = options(arguments, "")

    def show(path: str) -> None:
        data = shell.input().rest() if path == "-" else content_of(shell, path)
        shell.budget.move(len(data))
        if "\\" in path or "\n" in path or "\r" in path:
            raise NotUnderstood("sha256sum of a name that it would escape")
        shell.say(f"{hashlib.sha256(data).hexdigest()}  {path}\n")

    return for_each(shell, paths or ["-"], "sha256sum: {}", show)


def dump(shell: Shell, arguments: list[str]) -> int:
    """od -A n -v -t x1 [-N count] [file]."""
    found, paths = options(arguments, "v", takes="AtN")
    if (found.get("A"), found.get("t")) != ("n", "x1") or "v" not in found:
        raise NotUnderstood("od without -A n -v -t x1")
    count = _count(found["N"]) if "N" in found else None
    data = given(shell, paths, "od: {}")
    if data is None:
        return 1
    data = data[:count]
    lines = (data[start : start + 16] for start in range(0, len(data), 16))
    shell.say("".join("".join(f" {byte:02x}" for byte in line) + "\n" for line in lines))
    return 0


def head(shell: Shell, arguments: list[str]) -> int:
    """head [-n count | -c count] [file]."""
    found, paths = options(arguments, "", takes="nc")
    if len(found) > 1:
        raise NotUnderstood("head of lines and bytes")
    count = _count(next(iter(found.values()), "10"))
    data = given(shell, paths, "head: cannot open '{}' for reading")
    if data is None:
        return 1
    if "c" in found:
        shell.write(data[:count])
        return 0
    pieces = data.split(b"\n", count)
    rest = pieces[count] if len(pieces) > count else b""
    shell.write(data[: len(data) - len(rest)] if count else b"")
    return 0


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise NotUnderstood(f"the number {text[:20]}")
    return int(text)


def translate(shell: Shell, arguments: list[str]) -> int:
    """tr set set, and tr -d set, with octal escapes and ranges."""
    found, sets = options(arguments, "d")
    if len(sets) != 2 - len(found):
        raise NotUnderstood("tr with another number of sets")
    text = given(shell, [], "tr") or b""
    members = [_members(each) for each in sets]
    if "d" in found:
        shell.write(text.translate(None, members[0]))
        return 0
    first, second = members
    if not first or not second:
        raise NotUnderstood("tr with an empty set")
    padded = second + second[-1:] * (len(first) - len(second))
    # Where a character is named twice, the last one counts.
    table = bytearray(range(256))
    for old, new in zip(first, padded, strict=False):
        table[old] = new
    shell.write(text.translate(bytes(table)))
    return 0


def _members(text: str) -> bytes:
    if re.search(r"\[[:=.]|\[.*\*", text):
        raise NotUnderstood(f"the set {text[:20]}")
    escapes = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
    units: list[tuple[str, bool]] = []
    for octal, escape, plain in re.findall(r"\\([0-3]?[0-7]{1,2})|\\(.)|(.)", text, re.DOTALL):
        if escape and escape not in escapes:
            raise NotUnderstood(f"\\{escape} in a set")
        units.append((chr(int(octal, 8)) if octal else escapes[escape] if escape else plain, not plain))
    made, place = bytearray(), 0
    while place < len(units):
        if units[place + 1 : place + 2] == [("-", False)] and place + 2 < len(units):
            first, last = ord(units[place][0]), ord(units[place + 2][0])
            if first > last:
                raise NotUnderstood(f"the set {text[:20]}")
            made += bytes(range(first, last + 1))
            place += 3
        else:
            made, place = made + units[place][0].encode("latin-1"), place + 1
    return bytes(made)


def cut(shell: Shell, arguments: list[str]) -> int:
    """cut -c FIRST-LAST [file]."""
    found, paths = options(arguments, "", takes="c")
    bounds = re.fullmatch(r"([0-9]{1,9})-([0-9]{1,9})", found.get("c", ""))
    if bounds is None or not 0 < int(bounds[1]) <= int(bounds[2]):
        raise NotUnderstood("cut without -c FIRST-LAST")
    data = given(shell, paths, "cut: {}")
    if data is None:
        return 1
    lines = data.removesuffix(b"\n").split(b"\n") if data else []
    shell.write(b"".join(line[int(bounds[1]) - 1 : int(bounds[2])] + b"\n" for line in lines))
    return 0


def base_64(shell: Shell, arguments: list[str]) -> int:
    """base64 [-d] [file]."""
    found, paths = options(arguments, "d")
    data = given(shell, paths, "base64: {}")
    if data is None:
        return 1
    if "d" not in found:
        text = base64.b64encode(data)
        shell.write(b"".join(text[start : start + _LINE_LENGTH] + b"\n" for start in range(0, len(text), _LINE_LENGTH)))
        return 0
    try:
        shell.write(base64.b64decode(data.replace(b"\n", b""), validate=True))
    except binascii.Error as error:
        raise NotUnderstood("base64 -d of what is no base64") from error
    return 0


def compare(shell: Shell, arguments: list[str]) -> int:
    """expr VALUE OPERATOR VALUE for >, >=, <, <=, = and !=: as numbers when both are, else as texts."""
    if len(arguments) != 3 or arguments[1] not in {">", ">=", "<", "<=", "=", "!="}:
        raise NotUnderstood("expr for anything but a comparison")
    if {"(", ")", "+", ":", "match", "substr", "index", "length", "--"} & {arguments[0], arguments[2]}:
        raise NotUnderstood("expr with an operator for a value")
    first, kind, second = arguments
    is_number = all(re.fullmatch(r"-?[0-9]+", text) for text in (first, second))
    left, right = (int(first[:4000]), int(second[:4000])) if is_number else (first, second)
    sign = (left > right) - (left < right)  # type: ignore[operator]
    holds = {">": sign > 0, ">=": sign >= 0, "<": sign < 0, "<=": sign <= 0, "=": sign == 0, "!=": sign != 0}[kind]
    shell.say(f"{int(holds)}\n")
    return int(not holds)
