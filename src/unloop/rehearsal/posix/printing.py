"""``echo`` and ``printf`` (POSIX XCU, echo and printf), with the escapes of dash."""

import re
from dataclasses import dataclass

from unloop.rehearsal.posix.arithmetic import number
from unloop.rehearsal.posix.state import Shell
from unloop.rehearsal.posix.streams import bound
from unloop.rehearsal.posix.syntax import NotUnderstood, ShellError

_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_ESCAPE = re.compile(r"\\(0?[0-7]{1,3}|[^0-7]|\Z)", re.DOTALL)
_FORMAT = re.compile(
    r"%%|%(?P<flag>[-0]?)(?P<width>\d{0,6})(?:\.(?P<precision>\d{0,6}))?(?P<kind>[a-zA-Z])|\\(?P<escape>[0-7]{1,3}|.)"
    r"|(?P<plain>[^%\\]+|\\\Z)",
    re.DOTALL,
)
_NUMBER = re.compile(r"[ \t\n]*[-+]?(?:0[xX][0-9a-fA-F]+|[0-9]+)")


class Stop(Exception):
    """``\\c``: nothing follows."""


@dataclass
class Printing:
    """One call of printf: what is still to be said, and what was wrong with it."""

    shell: Shell
    rest: list[str]
    made: str = ""
    code: int = 0

    def once(self, form: str) -> bool:
        """Say the format once; whether it took an argument."""
        before, place = len(self.rest), 0
        takes = False
        while place < len(form):
            found = _FORMAT.match(form, place)
            if found is None:
                raise NotUnderstood(f"the format {form[place : place + 8]!r}")
            place = found.end()
            takes = takes or found["kind"] is not None
            self.made += self._piece(found)
            bound(len(self.made))
        return takes and before > 0

    def _piece(self, found: re.Match[str]) -> str:
        if found["plain"] is not None:
            return found["plain"]
        if found["escape"] is not None:
            return _escaped("\\" + found["escape"])
        if found["kind"] is None:
            return "%"
        text = self._converted(found["kind"], found["precision"])
        width = int(found["width"] or 0)
        if found["flag"] == "0" and found["kind"] in "scb":
            raise NotUnderstood("a text padded with zeros")
        if found["flag"] == "0":
            return text.zfill(width)
        return text.ljust(width) if found["flag"] == "-" else text.rjust(width)

    def _converted(self, kind: str, precision: str | None) -> str:
        argument = self.rest.pop(0) if self.rest else None
        if kind == "s":
            return (argument or "")[: int(precision or 0) if precision is not None else None]
        if precision is not None:
            raise NotUnderstood(f"a precision for %{kind}")
        if kind == "b":
            return self._unescaped(argument or "")
        if kind == "c" and argument:
            return argument[0]
        if kind in "di":
            return str(self._number(argument))
        if kind in "uxXo":
            return format(self._number(argument) % (1 << 64), "d" if kind == "u" else kind)
        raise NotUnderstood(f"%{kind} in a format")

    def _unescaped(self, text: str) -> str:
        made, stops = unescaped(text)
        if stops:
            self.made += made
            raise Stop
        return made

    def _number(self, text: str | None) -> int:
        if text is None or text == "":
            return 0
        if text[0] in "'\"":
            raise NotUnderstood("a character for a number")
        found = _NUMBER.match(text)
        digits = found[0] if found else ""
        try:
            value = number(digits or "0")
        except ShellError as error:
            raise NotUnderstood(f"the number {text}") from error
        if digits != text:
            self.shell.complain(f"sh: printf: {text}: expected numeric value")
            self.code = 1
        return value


def unescaped(text: str) -> tuple[str, bool]:
    """A text with the escapes of echo and %b carried out, and whether ``\\c`` ends it."""
    made, place = "", 0
    for found in _ESCAPE.finditer(text):
        made += text[place : found.start()]
        place = found.end()
        if found[1] == "c":
            return made, True
        made += _escaped(found[0])
    return made + text[place:], False


def _escaped(escape: str) -> str:
    """What one escape stands for."""
    rest = escape[1:]
    if rest[:1].isdigit():
        return chr(int(rest, 8) & 0xFF) if rest[0] in "01234567" else escape
    if rest in {"e", "x", "u", "E"}:
        raise NotUnderstood(f"the escape {escape}")
    return _ESCAPES.get(rest, escape)


def echo(shell: Shell, arguments: list[str]) -> int:
    """echo [-n] [text...]."""
    is_short = arguments[:1] == ["-n"]
    made, stops = unescaped(" ".join(arguments[is_short:]))
    shell.say(made + ("" if is_short or stops else "\n"))
    return 0


def printf(shell: Shell, arguments: list[str]) -> int:
    """printf format [argument...]; the format is used again while there are arguments."""
    plain = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not plain or plain[0].startswith("-"):
        raise NotUnderstood("printf with options or without a format")
    shell.budget.move(len(plain[0]) + sum(len(argument) for argument in plain))
    printing = Printing(shell, plain[1:])
    try:
        while printing.once(plain[0]) and printing.rest:
            shell.budget.spend(len(plain[0]))
    except Stop:
        pass
    shell.say(printing.made)
    return printing.code
