"""The success stream as powershell.exe prints it to a console of 80 columns that nobody looks at (5.1, en-US)."""

from collections.abc import Callable, Iterable

from unloop.rehearsal.powershell.convert import DEEPEST, is_null, text
from unloop.rehearsal.powershell.errors import NotUnderstood
from unloop.rehearsal.powershell.file_types import FileInfo, FileSystemInfo
from unloop.rehearsal.powershell.moments import DateTime
from unloop.rehearsal.powershell.plain import fields_of, mode_of
from unloop.rehearsal.powershell.state import Session
from unloop.rehearsal.powershell.values import Hashtable, Record, Value, outward

_WIDTH = 80
_TABLE_FIELDS = 4


def printed(session: Session) -> str:
    """Everything that was put out, and what was written to the host in between."""
    lines: list[str] = []
    place = 0
    output = session.output
    said = [*session.said, (len(output), "")]
    for until, words in said:
        lines += _objects(output[place:until], session)
        lines.append(outward(words))
        place = until
    return "".join(lines)


def _objects(values: list[Value], session: Session) -> Iterable[str]:
    """Runs of records of one shape are shown together, everything else line by line."""
    run: list[Value] = []
    for value in values:
        session.budget.spend(len(value) if isinstance(value, str) else 0)
        if run and _shape(value) != _shape(run[0]):
            yield _group(run)
            run = []
        if _shape(value):
            run.append(value)
        elif not is_null(value):
            yield f"{outward(_line(value))}\r\n"
    if run:
        yield _group(run)


def _shape(value: Value) -> tuple[str, ...]:
    """What must be alike for values to be shown in one table; () for what is a line of its own."""
    if isinstance(value, FileSystemInfo):
        return ("file", value.full.rpartition("\\")[0])
    if isinstance(value, Hashtable):
        return ("table",)
    found = fields_of(value)
    return ("record", *found) if found else ()


def _line(value: Value) -> str:
    if isinstance(value, DateTime):
        return value.formatted("F")
    if isinstance(value, list):
        return "\r\n".join(text(item) for item in value)
    return text(value)


def _group(run: list[Value]) -> str:
    if isinstance(run[0], FileSystemInfo):
        return _listing(run)
    if isinstance(run[0], Hashtable):
        return "".join(_dictionary(table) for table in run)
    if not isinstance(run[0], Record):
        raise NotUnderstood(f"how the console shows {text(run[0])}")
    return _table(run) if len(run[0].fields) <= _TABLE_FIELDS else _list(run)


def _cell(value: Value) -> str:
    """A value in a table or a list; arrays in braces."""
    if isinstance(value, list):
        shown = [text(item, DEEPEST - 1) for item in value[:4]]
        return f"{{{', '.join(shown)}{'...' if len(value) > 4 else ''}}}"
    return value.formatted("G") if isinstance(value, DateTime) else text(value)


def _list(run: list[Record]) -> str:
    blocks = []
    for record in run:
        width = max(map(len, record.fields))
        blocks.append("".join(f"{name.ljust(width)} : {_cell(value)}\r\n" for name, value in record.fields.items()))
    return outward("\r\n\r\n" + "\r\n".join(blocks) + "\r\n\r\n\r\n")


def _table(run: list[Record]) -> str:
    """Columns as wide as they need to be, numbers to the right."""
    names = list(run[0].fields)
    rows = [[_cell(record.fields[name]) for name in names] for record in run]
    widths = [max(len(name), *(len(row[place]) for row in rows)) for place, name in enumerate(names)]
    if sum(widths) + len(widths) > _WIDTH:
        raise NotUnderstood("a table that is wider than the console")
    to_right = [isinstance(run[0].fields[name], int) and not isinstance(run[0].fields[name], bool) for name in names]
    pads: list[Callable[[str, int], str]] = [str.rjust if right else str.ljust for right in to_right]

    def row_of(cells: list[str]) -> str:
        return " ".join(pad(cell, width) for pad, cell, width in zip(pads, cells, widths, strict=True)) + "\r\n"

    head = row_of(names) + row_of(["-" * len(name) for name in names])
    return outward("\r\n" + head + "".join(map(row_of, rows)) + "\r\n\r\n")


def _dictionary(table: Hashtable) -> str:
    lines = [f"{'Name':<30} {'Value':<48}\r\n", f"{'----':<30} {'-----':<48}\r\n"]
    lines += [f"{text(key)[:30]:<30} {_cell(value)[:48]:<48}\r\n" for key, value in table.items()]
    return outward("\r\n" + "".join(lines) + "\r\n\r\n")


def _listing(run: list[FileSystemInfo]) -> str:
    directory = run[0].full.rpartition("\\")[0]
    head = f"\r\n\r\n    Directory: {directory if not directory.endswith(':') else directory + chr(92)}\r\n\r\n\r\n"
    lines = [
        "Mode                LastWriteTime         Length Name\r\n",
        "----                -------------         ------ ----\r\n",
        *map(_file_line, run),
    ]
    return outward(head + "".join(lines) + "\r\n\r\n")


def _file_line(info: FileSystemInfo) -> str:
    moment = DateTime.of(info.known.modified)
    when = f"{moment.formatted('d'):>10}  {moment.formatted('t'):>8}"
    length = str(len(info.known.content)) if isinstance(info, FileInfo) else ""
    return f"{mode_of(info):<7} {when:>25} {length:>14} {info.name}\r\n"
