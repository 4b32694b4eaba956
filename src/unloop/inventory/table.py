"""Read a table that a spreadsheet wrote: any of its encodings and separators, with the line of every row."""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from unloop.errors import InputError, Problem

DELIMITERS = ",;\t|"
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True, slots=True)
class Table:
    """A header and its rows. ``rows`` have as many cells as the header; those that had not are in ``problems``."""

    path: str
    header: tuple[str, ...]
    header_line: int
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    problems: tuple[Problem, ...]


def read_bytes(path: str) -> bytes:
    """The file's bytes; raises InputError."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(Problem(f"can't read it: {error.strerror}", path)) from error


def decode(content: bytes, path: str) -> str:
    """The text of a UTF-8 or UTF-16 file, with or without byte order mark."""
    encoding = next((name for mark, name in _BOMS.items() if content.startswith(mark)), "") or _unmarked(content)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        hint = "save it as 'CSV UTF-8'; unloop never guesses an encoding"
        raise InputError(Problem(f"the text is not {encoding.upper()}", path, line, hint=hint)) from error


def parse_table(text: str, path: str, is_known: Callable[[str], bool]) -> Table:
    """Split a text into header and rows; ``is_known`` tells header names, so that the separator is found by meaning."""
    lines = list(io.StringIO(text))
    start, delimiter = _preamble(lines)
    if start >= len(lines):
        raise InputError(Problem("the file is empty", path, hint="its first line must name the columns"))
    delimiter = delimiter or _sniff(lines[start], is_known)
    problems: list[Problem] = []
    records = _records(lines, start, delimiter, path, problems)
    header_line, cells = next(records, (start + 1, []))
    header = tuple(cell.lower() for cell in cells)
    problems += _header_problems(header, path, header_line)
    rows = tuple(_fitting(records, header, path, problems))
    return Table(path, header, header_line, rows, tuple(problems))


def _unmarked(content: bytes) -> str:
    """UTF-16 without a mark shows itself by the NUL that every ASCII letter carries."""
    start = content[:64]
    if start[1::2].count(0) > len(start) // 4:
        return "utf-16-le"
    if start[0::2].count(0) > len(start) // 4:
        return "utf-16-be"
    return "utf-8"


def _preamble(lines: list[str]) -> tuple[int, str]:
    """Where the header is, and the separator if the file names it as Excel does (``sep=;``)."""
    delimiter = ""
    for index, line in enumerate(lines):
        bare = line.rstrip("\r\n")
        if bare.lower().startswith("sep=") and len(bare) == 5:
            delimiter = bare[4]
        elif bare.strip() and not bare.startswith("#"):
            return index, delimiter
    return len(lines), delimiter


def _sniff(header: str, is_known: Callable[[str], bool]) -> str:
    """The separator that yields the most known names; on a tie the most columns."""

    def merit(delimiter: str) -> tuple[int, int]:
        names = [cell.strip().strip('"').lower() for cell in header.strip().split(delimiter)]
        return sum(map(is_known, names)), len(names)

    return max(DELIMITERS, key=merit)


def _records(
    lines: list[str], start: int, delimiter: str, path: str, problems: list[Problem]
) -> Iterator[tuple[int, list[str]]]:
    """Every record that isn't empty or a comment, with its first line; a broken quotation ends the table."""
    reader = csv.reader(iter(lines[start:]), delimiter=delimiter, strict=True)
    while True:
        line = start + reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            hint = "look for a quotation mark that is not closed or not doubled"
            problems.append(Problem(f"the line can't be read: {error}", path, line, hint=hint))
            if start + reader.line_num >= len(lines):
                return
            continue
        if any(cells) and not cells[0].startswith("#"):
            yield line, cells


def _header_problems(header: tuple[str, ...], path: str, line: int) -> Iterator[Problem]:
    for index, name in enumerate(header):
        if name and name in header[:index]:
            yield Problem(f"column {name!r} is there twice", path, line)


def _fitting(
    records: Iterator[tuple[int, list[str]]], header: tuple[str, ...], path: str, problems: list[Problem]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    width = len(header)
    nameless = [index for index, name in enumerate(header) if not name]
    for line, cells in records:
        while len(cells) > width and not cells[-1]:
            cells.pop()
        if len(cells) != width:
            problems.append(Problem(f"{len(cells)} cells, but the header has {width}", path, line))
        elif any(cells[index] for index in nameless):
            problems.append(Problem("a cell under a column without a name", path, line))
        else:
            yield line, tuple(cells)


def text_of(path: str) -> str:
    """The decoded text of a file."""
    text = decode(read_bytes(path), path)
    return io.StringIO(text, newline=None).read() if "\r" in text else text
