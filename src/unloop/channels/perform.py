"""Carry out an order with plain file operations: list once, judge by listing, then by content, and only then touch."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import replace

from unloop.channels.base import Files
from unloop.channels.dialogue import LOCAL, Dialogue, HashFile, Move, Write, carry
from unloop.channels.judging import Listings, evidence_of, judge_all
from unloop.channels.removal import is_blind, remove, remove_blindly
from unloop.channels.statuses import status_after, status_of
from unloop.errors import ChannelError, Unsupported
from unloop.model.files import Disposition, FileOrder, Judgement
from unloop.model.order import Check, CheckKind, Order
from unloop.model.report import STOPPING, ActionReport, ActionStatus, CheckReport, RemedyReport, Verdict


def perform(order: Order, files: Files) -> RemedyReport:
    """Assess, then carry out every file order in turn; stops at the first that fails or looks suspicious.

    Raises ChannelError when the exchange broke off, and Unsupported when file operations can't carry the order.
    """
    return carry(remedy(order), files)


def check_files(checks: tuple[Check, ...], files: Files) -> tuple[CheckReport, ...]:
    """Answer the file checks; for every other check ``holds`` is None."""
    return carry(answers(checks), files)


def remedy(order: Order, *, sees_moves: bool = False) -> Dialogue[RemedyReport]:
    """The dialogue of a whole order; raises Unsupported when file operations can't carry it.

    ``sees_moves``: the channel answers a move with what it moved, so that one file that is named exactly and needs no
    judgement need not be listed first.
    """
    if order.files is None:
        raise Unsupported("file operations alone can't carry this remedy")
    if sees_moves and is_blind(order):
        return RemedyReport.of(((yield from remove_blindly(order.files[0])),))
    listings = Listings(_patterns(order))
    yield from listings.fetch()
    assessed = yield from _assess(order, listings)
    if assessed is not None:
        return assessed
    reports: list[ActionReport] = []
    for file_order in order.files:
        reports.append((yield from _carry_out(file_order, listings)))
        if reports[-1].status in STOPPING:
            break
    return RemedyReport.of(tuple(reports))


def answers(checks: tuple[Check, ...]) -> Dialogue[tuple[CheckReport, ...]]:
    """The dialogue that answers file checks; for every other check ``holds`` is None."""
    listings = Listings(check.pattern for check in checks if check.needs_files_only)
    yield from listings.fetch()
    found: list[CheckReport] = []
    for check in checks:
        found.append((yield from _answer(check, listings)))
    return tuple(found)


def _patterns(order: Order) -> Iterator[str]:
    """Every pattern that an order looks at."""
    for check in (*order.not_applicable_if, *order.already_good_if):
        if check.needs_files_only:
            yield check.pattern
    for file_order in order.files or ():
        yield file_order.pattern
        if file_order.source:
            yield file_order.source


def _assess(order: Order, listings: Listings) -> Dialogue[RemedyReport | None]:
    """The report when nothing is to be done; checks are asked in order, and one without an answer ends it."""
    for check in order.not_applicable_if:
        answer = yield from _answer(check, listings)
        if answer.holds is None:
            return _unassessed(answer)
        if answer.holds:
            return RemedyReport(Verdict.NOT_APPLICABLE, message=answer.check)
    for check in order.already_good_if:
        answer = yield from _answer(check, listings)
        if answer.holds is None:
            return _unassessed(answer)
        if not answer.holds:
            return None
    if order.already_good_if:
        return RemedyReport(Verdict.ALREADY_GOOD, message="the host is as the playbook wants it")
    return None


def _unassessed(answer: CheckReport) -> RemedyReport:
    what = f"the host could not be assessed, so nothing was done: {answer.check}: {answer.message}"
    return RemedyReport(Verdict.FAILED, message=what)


def _answer(check: Check, listings: Listings) -> Dialogue[CheckReport]:
    if not check.needs_files_only:
        return CheckReport(check=str(check), holds=None, message="file operations alone can't tell")
    try:
        entries = yield from listings.matching(check.pattern)
        judged = yield from judge_all(check.guard, entries)
    except LOCAL as error:
        return CheckReport(check=str(check), holds=None, message=error.message)
    present = any(evidence.judgement == Judgement.MATCH for evidence in judged)
    return CheckReport(check=str(check), holds=present is (check.kind is CheckKind.FILE_PRESENT))


def _carry_out(order: FileOrder, listings: Listings) -> Dialogue[ActionReport]:
    try:
        if order.disposition is Disposition.PUT:
            return (yield from _put(order, listings))
        if order.disposition is Disposition.RESTORE:
            return (yield from _restore(order, listings))
        return (yield from remove(order, listings))
    except LOCAL as error:
        return ActionReport(order.verb, status_after(error), error.message)


def _put(order: FileOrder, listings: Listings) -> Dialogue[ActionReport]:
    content = base64.b64decode(order.content)
    wanted = hashlib.sha256(content).hexdigest()
    there = yield from listings.matching(order.pattern)
    if there:
        (found,) = yield (HashFile(there[0].path),)
        if isinstance(found, ChannelError):
            raise found
        evidence = replace(evidence_of(there[0], Judgement.MATCH), sha256=str(found))
        if found == wanted:
            return ActionReport(order.verb, ActionStatus.ALREADY, "the very file is there", (evidence,))
        evidence = replace(evidence, judgement=Judgement.SUSPICIOUS)
        return ActionReport(
            order.verb, ActionStatus.SUSPICIOUS, "another file is there; nothing is overwritten", (evidence,)
        )
    listings.forget(order.pattern)
    (failure,) = yield (Write(order.pattern, content),)
    if isinstance(failure, ChannelError):
        raise failure
    written = yield from listings.matching(order.pattern)
    if not written:
        return ActionReport(order.verb, ActionStatus.FAILED, "the file was written but is not listed")
    evidence = replace(evidence_of(written[0], Judgement.MATCH), sha256=wanted)
    return ActionReport(order.verb, ActionStatus.CHANGED, "", (evidence,))


def _restore(order: FileOrder, listings: Listings) -> Dialogue[ActionReport]:
    there = yield from listings.matching(order.pattern)
    if there:
        return ActionReport(
            order.verb, ActionStatus.ALREADY, "a file is there", (evidence_of(there[0], Judgement.MATCH),)
        )
    entries = yield from listings.matching(order.source)
    judged = yield from judge_all(order.guard, entries)
    fitting = [evidence for evidence in judged if evidence.judgement == Judgement.MATCH]
    if not fitting:
        status = status_of(judged, changed=False)
        return ActionReport(order.verb, status, "no file to restore from", tuple(judged))
    newest = max(fitting, key=lambda evidence: (evidence.modified[: len("2024-07-19T04:09:00")], evidence.path))
    listings.forget(newest.path)
    listings.forget(order.pattern)
    (failure,) = yield (Move(newest.path, order.pattern),)
    if isinstance(failure, ChannelError):
        raise failure
    judged[judged.index(newest)] = replace(newest, moved_to=order.pattern)
    return ActionReport(order.verb, ActionStatus.CHANGED, "", tuple(judged))
