"""Read a program with the grammar of tree-sitter-powershell: a parser by other people, so that it is no echo of ours."""

import re
from dataclasses import dataclass
from functools import lru_cache

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

from unloop.rehearsal.powershell.errors import Category, NotUnderstood
from unloop.rehearsal.powershell.reader import Reader
from unloop.rehearsal.powershell.syntax import ScriptBlock

LONGEST_PROGRAM = 128 * 1024
LONGEST_DATA = 8 * 1024 * 1024
"""Bytes of the program, and of the one here-string that may stand in front of it."""
_CHUNK = 1 << 16
_WORK, _BYTES_PER_WORK = 100, 6
"""How often the parser reports before it is stopped: honest programs need one report for 50 bytes, or fewer."""
_DATA = re.compile(rb"\$\w+ = ConvertFrom-Json @'\r?\n")
_DATA_END = re.compile(rb"\n'@(\r?\n)?")


@dataclass(frozen=True, slots=True)
class Program:
    """A program in parts that come one after the other."""

    parts: tuple[ScriptBlock, ...]


def parse(text: str) -> Program:
    """The whole program; raises NotUnderstood for what is no program, or none that this interpreter knows."""
    data = text.encode("utf-8", "surrogatepass")
    end = _end_of_data(data)
    if end > LONGEST_DATA or len(data) - end > LONGEST_PROGRAM:
        raise NotUnderstood("a program that is too long for a simulated host")
    if not end:
        return Program((_parse(data, 0),))
    return Program((_parse_data(data[:end]), _parse(data[end:], data.count(b"\n", 0, end))))


def _end_of_data(data: bytes) -> int:
    """Where a first statement that only holds data ends: what follows it is the same for every host, and read once."""
    start = _DATA.match(data)
    if start is None:
        return 0
    end = _DATA_END.search(data, start.end() - 1)
    return end.end() if end and end[1] else 0


@lru_cache(maxsize=16)
def _parse(data: bytes, lines_before: int) -> ScriptBlock:
    return _read(data, lines_before)


def _parse_data(data: bytes) -> ScriptBlock:
    return _read(data, 0)


def _read(data: bytes, lines_before: int) -> ScriptBlock:
    root = _tree(data, lines_before)
    if root.has_error:
        wrong = _first_error(root)
        raise _unreadable(lines_before + wrong.start_point.row + 1, data[wrong.start_byte : wrong.end_byte])
    try:
        return Reader(data, lines_before).program(root)
    except RecursionError:
        raise NotUnderstood("a program that is nested too deeply for a simulated host") from None


def _tree(data: bytes, lines_before: int) -> Node:
    """The syntax tree. Looking for a way on after an error can take the parser minutes; so far it is not let go."""
    work = 0
    last = 0

    def read(offset: int, _: object) -> bytes:
        return data[offset : offset + _CHUNK]

    def gives_up(offset: int, has_error: bool) -> bool:
        nonlocal work, last
        work, last = work + 1, offset
        return has_error or work > _WORK + len(data) // _BYTES_PER_WORK

    parser = Parser(Language(tree_sitter_powershell.language()))
    try:
        return parser.parse(read, progress_callback=gives_up).root_node
    except ValueError:
        raise _unreadable(lines_before + data.count(b"\n", 0, last) + 1, data[last : last + 12]) from None


def _first_error(root: Node) -> Node:
    node = root
    while True:
        below = next((child for child in node.children if child.has_error or child.is_error or child.is_missing), None)
        if node.is_error:
            return node.children[-1] if node.children else node
        if below is None:
            return node
        node = below


def _unreadable(line: int, text: bytes) -> NotUnderstood:
    shown = text.decode("utf-8", "replace").strip().splitlines()
    what = (
        f"the program can't be read: unexpected {shown[0][:40]!r}"
        if shown
        else "the program can't be read: it ends too soon"
    )
    return NotUnderstood(what, line, error_id="ParseException", category=Category.PARSER_ERROR)
