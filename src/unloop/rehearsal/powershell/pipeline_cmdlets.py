"""Cmdlets that take what comes down a pipeline and hand on some of it."""

from unloop.rehearsal.powershell import access
from unloop.rehearsal.powershell.commands import Call, Cmdlet
from unloop.rehearsal.powershell.convert import is_null, items_of, text, to_int, truth
from unloop.rehearsal.powershell.errors import NotUnderstood
from unloop.rehearsal.powershell.syntax import ScriptBlock
from unloop.rehearsal.powershell.values import Record, Value


def _block(call: Call, name: str) -> ScriptBlock:
    block = call.given.get(name)
    if not isinstance(block, ScriptBlock) or block.parameters:
        raise NotUnderstood(f"{call.cmdlet.name} without a plain script block")
    return block


def _for_each(call: Call) -> None:
    block = _block(call, "process")
    for item in call.input or ():
        call.runner.run_block(block, item, call.out)


def _where(call: Call) -> None:
    block = _block(call, "filterscript")
    for item in call.input or ():
        told: list[Value] = []
        call.runner.run_block(block, item, told)
        if truth(told):
            call.out.append(item)


def _select(call: Call) -> None:
    found = list(call.input or ())
    if call.has("first"):
        found = found[: max(0, to_int(call.given["first"]))]
    if call.has("last"):
        count = max(0, to_int(call.given["last"]))
        found = found[len(found) - min(count, len(found)) :]
    if call.has("expandproperty"):
        for item in found:
            value = access.get_member(item, call.text("expandproperty"))
            call.out.extend([] if is_null(value) else items_of(value))
        return
    if call.has("property"):
        names = [text(name) for name in items_of(call.given["property"])]
        if any(mark in name for name in names for mark in "*?["):
            raise NotUnderstood("Select-Object with wildcards")
        found = [Record({name: access.get_member(item, name) for name in names}) for item in found]
    call.out.extend(found)


def _measure(call: Call) -> None:
    call.out.append(Record({"Count": len(call.input or ())}))


def _sort(call: Call) -> None:
    """Only what sorts alike everywhere: numbers."""
    found = list(call.input or ())
    if any(not isinstance(item, int | float) for item in found):
        raise NotUnderstood("Sort-Object of anything but numbers")
    call.out.extend(sorted(found, reverse=call.has("descending")))


CMDLETS = (
    Cmdlet("ForEach-Object", _for_each, ("process",)),
    Cmdlet("Where-Object", _where, ("filterscript",)),
    Cmdlet("Select-Object", _select, ("property",), ("first", "last", "expandproperty")),
    Cmdlet("Measure-Object", _measure),
    Cmdlet("Sort-Object", _sort, switches=("descending",)),
)
