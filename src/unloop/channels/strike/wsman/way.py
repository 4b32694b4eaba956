"""Which way an order can land over WS-Management alone, decided before the host is there."""

import re
from enum import StrEnum
from functools import lru_cache

from unloop.channels.strike.wsman.process import fits
from unloop.channels.strike.wsman.soap import is_speakable
from unloop.model.files import Disposition, FileGuard, FileOrder
from unloop.model.order import Order, Shell

_WINDOWS = re.compile(r'[A-Za-z]:\\[^"*/:<>?|]*[^"/:<>|]*', re.DOTALL)


class Way(StrEnum):
    """How an order lands."""

    CIM = "cim"
    """By the methods of CIM_DataFile: the host answers for each file."""
    PROGRAM = "program"
    """By one process that judges every guard itself: the host tells afterwards what came of it."""


def way_of(order: Order) -> Way | None:
    """The best way that carries the whole order; None when there is none."""
    if is_by_cim(order):
        return Way.CIM
    program = order.programs.get(Shell.POWERSHELL)
    return Way.PROGRAM if program is not None and _fits(program) else None


def is_by_cim(order: Order) -> bool:
    """Whether names, times and sizes are all that is to be judged, and moving aside is all that is to be done.

    WMI shows no content, so nothing that is compared with a header or a hash, nor a deletion, which leaves the hash as
    evidence. It makes no directories, so nothing is put back by it; and it writes no files.
    """
    if order.files is None or order.case_sensitive:
        return False
    checks = [check for check in (*order.not_applicable_if, *order.already_good_if) if check.needs_files_only]
    return all(_is_moved_aside(one) for one in order.files) and all(
        _is_listed(check.pattern, check.guard) for check in checks
    )


def _is_moved_aside(order: FileOrder) -> bool:
    is_aside = order.disposition is Disposition.QUARANTINE and is_speakable(order.quarantine)
    return is_aside and _is_listed(order.pattern, order.guard)


def _is_listed(pattern: str, guard: FileGuard) -> bool:
    needs_content = bool(guard.header) or guard.wants_hash
    return not needs_content and is_speakable(pattern) and _WINDOWS.fullmatch(pattern) is not None


@lru_cache(maxsize=256)
def _fits(program: str) -> bool:
    return fits(program)
