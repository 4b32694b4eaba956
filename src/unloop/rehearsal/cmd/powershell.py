"""powershell.exe as a program: its command line, the text it prints, and its errors as CLIXML."""

import base64
from collections.abc import Callable
from xml.sax.saxutils import escape

from unloop.rehearsal.cmd.paths import words
from unloop.rehearsal.cmd.state import Cmd
from unloop.rehearsal.powershell.errors import Category
from unloop.rehearsal.powershell.shell import ErrorRecord, run

_TAKES_VALUE = ("executionpolicy", "inputformat", "outputformat", "windowstyle", "version", "configurationname")
_ALONE = ("noprofile", "noninteractive", "nologo", "noexit", "sta", "mta")
_CLIXML = '#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'


class _Refused(Exception):
    """The command line can't be carried out; the message says why."""


def takes_input(rest: str) -> bool:
    """Whether the program is read from the standard input (``powershell -``), or reads it itself (``$input``)."""
    try:
        program = _program(rest)[0]
        return program == "-" or "$input" in program.lower()
    except _Refused:
        return False


def powershell(cmd: Cmd, rest: str) -> None:
    """Run what the command line says."""
    try:
        program, is_encoded = _program(rest)
    except _Refused as error:
        cmd.complain(str(error), 1)
        return
    text, given = (cmd.given, "") if program == "-" else (program, cmd.given)
    outcome = run(cmd.machine, text, later=_plus(cmd.later, cmd.waited), given=given)
    cmd.waited += outcome.waited
    cmd.say(outcome.text)
    if outcome.errors:
        told = [shown(error) for error in outcome.errors]
        cmd.errors.append(_clixml(told) if is_encoded else "".join(told))
    cmd.code = outcome.code


def _plus(later: Callable[[float], None], waited: float) -> Callable[[float], None]:
    """What was waited before counts."""
    return lambda seconds: later(seconds + waited)


def _program(rest: str) -> tuple[str, bool]:
    """The program, and whether it came encoded: then errors that nobody reads on a console are CLIXML."""
    given = words(rest)
    while given:
        word = given.pop(0)
        name = word[1:].lower() if word[:1] in "-/" and len(word) > 1 else ""
        if word == "-" or not name:
            return " ".join([word, *given]) if word != "-" else "-", False
        if _is_short(name, "command", "c"):
            return ("-" if given == ["-"] else _behind(rest, word)), False
        if _is_short(name, "encodedcommand", "e", "ec"):
            return _decoded(given[0] if given else ""), True
        if any(_is_short(name, full) for full in _TAKES_VALUE):
            del given[:1]
        elif not any(_is_short(name, full) for full in _ALONE):
            raise _Refused(f"powershell: this simulated host does not know the parameter {word}")
    raise _Refused("powershell: this simulated host has no console")


def _is_short(name: str, full: str, *aliases: str) -> bool:
    """Parameters of powershell.exe can be cut short, down to what is theirs alone."""
    return name in aliases or (len(name) > 1 and full.startswith(name))


def _behind(rest: str, word: str) -> str:
    """The text behind -Command as it stands, without quotes around the whole."""
    text = rest.partition(word)[2].strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-16-le")
    except ValueError:
        raise _Refused("Cannot process the command because the value specified with -EncodedCommand is not "
                       "properly encoded. The value must be Base64 encoded.") from None  # fmt: skip


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def shown(error: ErrorRecord) -> str:
    """An error as the console shows it."""
    at = f"At line:{error.line} char:1\r\n" if error.line else ""
    category = Category(error.category).name.title().replace("_", "")
    return (
        f"{_lines(error.message)}\r\n{at}    + CategoryInfo          : {category}: ({error.target}:) []\r\n"
        f"    + FullyQualifiedErrorId : {error.error_id}\r\n \r\n"
    )


def _clixml(texts: list[str]) -> str:
    """Errors as another PowerShell reads them ([MS-PSRP] 2.2.5.3.2: control characters are written _xHHHH_)."""
    lines = [line for text in texts for line in text.splitlines()]
    items = "".join(f'<S S="Error">{escape(_escaped(line))}_x000D__x000A_</S>' for line in lines)
    return f"{_CLIXML}{items}</Objs>"


def _escaped(text: str) -> str:
    return "".join(f"_x{ord(character):04X}_" if character < " " else character for character in text)
