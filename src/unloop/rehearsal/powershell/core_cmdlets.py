"""Cmdlets that work on values alone: output, JSON, new objects, time."""

from collections.abc import Callable

from unloop.rehearsal.powershell import file_types, json_text, stream_types
from unloop.rehearsal.powershell.commands import Call, Cmdlet
from unloop.rehearsal.powershell.convert import is_null, items_of, text, to_double, to_int, to_long
from unloop.rehearsal.powershell.enumerations import number_in
from unloop.rehearsal.powershell.errors import Category, Failure, NetError, NotUnderstood
from unloop.rehearsal.powershell.members import wrapped
from unloop.rehearsal.powershell.moments import KINDS, DateTime
from unloop.rehearsal.powershell.parser import parse
from unloop.rehearsal.powershell.state import LONGEST, limit
from unloop.rehearsal.powershell.text_types import Sha256
from unloop.rehearsal.powershell.types import new_array, resolve
from unloop.rehearsal.powershell.values import Value

_LONGEST_SLEEP = 2_147_483.0
_MOST_DEPTH = 100


def _write_output(call: Call) -> None:
    value = call.given.get("inputobject")
    found = call.input if call.input is not None and "inputobject" not in call.given else items_of(value)
    for item in found:
        call.out.extend(items_of(item) if isinstance(item, list) and not call.has("noenumerate") else [item])


def _write_host(call: Call) -> None:
    parts = call.input if call.input is not None else items_of(call.given.get("object", ""))
    line = " ".join(text(part) for part in parts)
    session = call.session
    session.budget.spend(len(line))
    session.said.append((len(session.output), line if call.has("nonewline") else f"{line}\r\n"))


def _write_error(call: Call) -> None:
    what = call.text("message")
    failure = Failure(what, "Microsoft.PowerShell.Commands.WriteErrorException", Category.NOT_SPECIFIED)
    failure.type_name = failure.error_id
    call.runner.complain(failure, call.text("erroraction").lower())


def _ignore(_: Call) -> None:
    """What is written to other streams, or thrown away, is not seen."""


def _to_json(call: Call) -> None:
    if not call.has("compress"):
        raise NotUnderstood("ConvertTo-Json without -Compress")
    depth = to_int(call.given.get("depth", 2))
    if not 1 <= depth <= _MOST_DEPTH:
        raise NotUnderstood(f"-Depth {depth}")
    value = call.given.get("inputobject")
    if call.input is not None:
        if not call.input:
            return
        value = call.input[0] if len(call.input) == 1 else call.input
    call.out.append(json_text.written(value, depth, call.session.budget))


def _from_json(call: Call) -> None:
    document = "\n".join(text(item) for item in call.input) if call.input is not None else call.text("inputobject")
    if document:
        call.session.budget.spend(len(document))
        call.out.append(json_text.read(document))


def _new_object(call: Call) -> None:
    kind = resolve(call.text("typename"))
    arguments = items_of(call.given.get("argumentlist", []))
    try:
        call.out.append(_made(call, kind, arguments))
    except NetError as error:
        failure = wrapped(error, ".ctor", len(arguments))
        failure.error_id = "ConstructorInvokedThrowException,Microsoft.PowerShell.Commands.NewObjectCommand"
        raise failure from error


def _made(call: Call, kind: str, arguments: list[Value]) -> Value:
    if kind.endswith("[]"):
        if len(arguments) != 1:
            raise NotUnderstood(f"a new {kind} of {len(arguments)} arguments")
        length = to_int(arguments[0])
        if not 0 <= length <= LONGEST:
            raise limit("an array that is too long for a simulated host")
        return new_array(kind[:-2], length)
    maker = _MAKERS.get((kind, len(arguments)))
    if maker is None:
        raise NotUnderstood(f"a new {kind} of {len(arguments)} arguments")
    return maker(call, *arguments)


def _moment(_: Call, ticks: Value, kind: Value = "Unspecified") -> DateTime:
    number = number_in(kind, KINDS, "System.DateTimeKind", ".ctor")
    return DateTime(to_long(ticks), next(name for name, known in KINDS.items() if known == number))


_MAKERS: dict[tuple[str, int], Callable[..., Value]] = {
    ("System.DateTime", 1): _moment,
    ("System.DateTime", 2): _moment,
    (Sha256.type_name, 0): lambda _: Sha256(),
    ("System.IO.DirectoryInfo", 1): lambda call, path: file_types.directory(call.session, path),
    **stream_types.MAKERS,
}


def _invoke_expression(call: Call) -> None:
    """A program in a text runs where its caller stands."""
    for part in parse(call.text("command")).parts:
        call.runner.run_block(part, None, call.out)


def _sleep(call: Call) -> None:
    seconds = to_double(call.given.get("seconds", 0)) + to_double(call.given.get("milliseconds", 0)) / 1000
    if not 0 <= seconds <= _LONGEST_SLEEP:
        raise NotUnderstood("a sleep of that length")
    call.session.waited += seconds


def _date(call: Call) -> None:
    now = DateTime.now("Local")
    call.out.append(now.formatted(call.text("format")) if call.has("format") else now)


def _out_string(call: Call) -> None:
    if any(not isinstance(item, str | int) or isinstance(item, bool) for item in call.input or ()):
        raise NotUnderstood("Out-String of objects")
    call.out.append("".join(f"{text(item)}\r\n" for item in call.input or () if not is_null(item)))


CMDLETS = (
    Cmdlet("Write-Output", _write_output, ("inputobject",), switches=("noenumerate",), takes_rest=True),
    Cmdlet("Write-Host", _write_host, ("object",), switches=("nonewline",), takes_rest=True),
    Cmdlet("Write-Error", _write_error, ("message",)),
    *(Cmdlet(f"Write-{name}", _ignore, ("message",)) for name in ("Verbose", "Debug", "Progress", "Warning")),
    Cmdlet("Out-Null", _ignore, ("inputobject",)),
    Cmdlet("Out-String", _out_string),
    Cmdlet("ConvertTo-Json", _to_json, ("inputobject",), ("depth",), ("compress",)),
    Cmdlet("ConvertFrom-Json", _from_json, ("inputobject",)),
    Cmdlet("New-Object", _new_object, ("typename", "argumentlist"), class_name="NewObjectCommand", takes_rest=True),
    Cmdlet("Invoke-Expression", _invoke_expression, ("command",)),
    Cmdlet("Start-Sleep", _sleep, ("seconds",), ("milliseconds",)),
    Cmdlet("Get-Date", _date, (), ("format",)),
)
