"""Carry out an order with plain file operations: list once, judge by listing, then by content, and only then touch."""

import base64
import hashlib
from dataclasses import replace
from datetime import UTC

from unloop.channels.base import Files
from unloop.errors import AccessDenied, ChannelError, NotFound, Unsupported
from unloop.model.files import (
    Disposition,
    FileEntry,
    FileGuard,
    FileOrder,
    Judgement,
    judge_content,
    judge_listing,
)
from unloop.model.order import Check, CheckKind, Order
from unloop.model.patterns import is_posix, join, matches, quarantine_name, split
from unloop.model.report import ActionReport, ActionStatus, CheckReport, FileEvidence, RemedyReport, Verdict

LOCAL = (AccessDenied, NotFound, Unsupported)
"""Errors of one file, after which the connection still stands; every other error ends the exchange."""

STOPPING = frozenset({ActionStatus.FAILED, ActionStatus.SUSPICIOUS, ActionStatus.UNSUPPORTED})
"""After these nothing follows: the rest was written for a host that took the step."""

GONE = "gone"
"""The judgement of a file that was listed but taken away by somebody else (another channel of ours, say) before its turn."""

QUARANTINE_NAMES = 10
"""How many files of one path a quarantine takes."""


class Listings:
    """Directory listings of one visit: each directory is asked for once, until it is changed."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._known: dict[str, tuple[FileEntry, ...]] = {}

    def matching(self, pattern: str) -> tuple[FileEntry, ...]:
        """The files (no directories) that a pattern means; a missing directory has none."""
        directory, name = split(pattern)
        case_sensitive = is_posix(pattern)
        return tuple(
            entry
            for entry in self._entries(directory)
            if not entry.is_directory and matches(name, entry.name, case_sensitive=case_sensitive)
        )

    def forget(self, path: str) -> None:
        """A file at this path came or went: its directory is to be listed anew."""
        self._known.pop(_key(split(path)[0]), None)

    def _entries(self, directory: str) -> tuple[FileEntry, ...]:
        key = _key(directory)
        if key not in self._known:
            try:
                self._known[key] = self._files.list_directory(directory)
            except NotFound:
                self._known[key] = ()
        return self._known[key]


def _key(directory: str) -> str:
    return directory if is_posix(directory) else directory.lower()


def perform(order: Order, files: Files) -> RemedyReport:
    """Assess, then carry out every file order in turn; stops at the first that fails or looks suspicious.

    Raises ChannelError when the exchange broke off, and Unsupported when file operations can't carry the order.
    """
    if order.files is None:
        raise Unsupported("file operations alone can't carry this remedy")
    listings = Listings(files)
    assessed = _assess(order, files, listings)
    if assessed is not None:
        return assessed
    reports: list[ActionReport] = []
    for file_order in order.files:
        reports.append(_carry_out(file_order, files, listings))
        if reports[-1].status in STOPPING:
            break
    return RemedyReport.of(tuple(reports))


def check_files(checks: tuple[Check, ...], files: Files) -> tuple[CheckReport, ...]:
    """Answer the file checks; for every other check ``holds`` is None."""
    listings = Listings(files)
    return tuple(_answer(check, files, listings) for check in checks)


def _assess(order: Order, files: Files, listings: Listings) -> RemedyReport | None:
    """The report when nothing is to be done; checks are asked in order, and one without an answer ends it."""
    for check in order.not_applicable_if:
        answer = _answer(check, files, listings)
        if answer.holds is None:
            return _unassessed(answer)
        if answer.holds:
            return RemedyReport(Verdict.NOT_APPLICABLE, message=answer.check)
    for check in order.already_good_if:
        answer = _answer(check, files, listings)
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


def _answer(check: Check, files: Files, listings: Listings) -> CheckReport:
    if not check.needs_files_only:
        return CheckReport(check=str(check), holds=None, message="file operations alone can't tell")
    try:
        judged = _judge_all(check.guard, listings.matching(check.pattern), files)
    except LOCAL as error:
        return CheckReport(check=str(check), holds=None, message=error.message)
    present = any(evidence.judgement == Judgement.MATCH for evidence in judged)
    return CheckReport(check=str(check), holds=present is (check.kind is CheckKind.FILE_PRESENT))


def _carry_out(order: FileOrder, files: Files, listings: Listings) -> ActionReport:
    try:
        if order.disposition is Disposition.PUT:
            return _put(order, files, listings)
        if order.disposition is Disposition.RESTORE:
            return _restore(order, files, listings)
        return _remove(order, files, listings)
    except LOCAL as error:
        return ActionReport(order.verb, ActionStatus.FAILED, error.message)


def _judge_all(guard: FileGuard, entries: tuple[FileEntry, ...], files: Files) -> list[FileEvidence]:
    return [_judge(guard, entry, entries, files) for entry in entries]


def _judge(guard: FileGuard, entry: FileEntry, siblings: tuple[FileEntry, ...], files: Files) -> FileEvidence:
    judgement = judge_listing(guard, entry, siblings)
    evidence = FileEvidence(
        path=entry.path,
        size=entry.size,
        modified=entry.modified.astimezone(UTC).isoformat(),
        judgement=judgement,
    )
    if judgement is not Judgement.MATCH or not (guard.header or guard.wants_hash):
        return evidence
    try:
        return _judge_content(guard, evidence, files)
    except NotFound:
        return replace(evidence, judgement=GONE)


def _judge_content(guard: FileGuard, evidence: FileEvidence, files: Files) -> FileEvidence:
    """Read no more than it takes: the hash only when the header fits."""
    head = files.read(evidence.path, limit=guard.header_length) if guard.header else b""
    if guard.header and head[: guard.header_length].hex() != guard.header:
        return replace(evidence, judgement=Judgement.SUSPICIOUS, header=head.hex())
    sha256 = files.sha256(evidence.path) if guard.wants_hash else ""
    return replace(evidence, judgement=judge_content(guard, head=head, sha256=sha256), header=head.hex(), sha256=sha256)


def _remove(order: FileOrder, files: Files, listings: Listings) -> ActionReport:
    judged = _judge_all(order.guard, listings.matching(order.pattern), files)
    message = ""
    for index, evidence in enumerate(judged):
        if evidence.judgement != Judgement.MATCH:
            continue
        listings.forget(evidence.path)
        try:
            judged[index] = moved = _quarantine(order, evidence, files)
        except LOCAL as error:
            if isinstance(error, NotFound) and not listings.matching(evidence.path):
                judged[index] = replace(evidence, judgement=GONE)
                continue
            return ActionReport(order.verb, ActionStatus.FAILED, f"{evidence.path}: {error.message}", tuple(judged))
        if order.disposition is Disposition.DELETE:
            judged[index], message = _delete(moved, files)
    status = _status(judged)
    return ActionReport(order.verb, status, message or _explain(status, judged), tuple(judged))


def _quarantine(order: FileOrder, evidence: FileEvidence, files: Files) -> FileEvidence:
    """Move one file aside; when its name in quarantine is taken by an earlier visit, under the next one."""
    taken: frozenset[str] = frozenset()
    for number in range(QUARANTINE_NAMES):
        name = quarantine_name(evidence.path, number)
        if name in taken:
            continue
        destination = join(order.quarantine, name)
        try:
            files.move(evidence.path, destination)
        except ChannelError as error:
            if error.may_retry or isinstance(error, NotFound) or taken:
                raise
            taken = frozenset(entry.name for entry in files.list_directory(order.quarantine))
            if name not in taken:
                raise
            continue
        return replace(evidence, moved_to=destination)
    raise AccessDenied(f"{QUARANTINE_NAMES} files of {evidence.path} are in quarantine already")


def _delete(evidence: FileEvidence, files: Files) -> tuple[FileEvidence, str]:
    """Hash and delete a file that was moved aside: a rename can be flushed, a deletion can't."""
    try:
        hashed = replace(evidence, sha256=evidence.sha256 or files.sha256(evidence.moved_to))
        files.delete(evidence.moved_to)
    except LOCAL as error:
        return evidence, f"kept in quarantine: {error.message}"
    return replace(hashed, moved_to=""), ""


def _status(judged: list[FileEvidence], *, changed: bool | None = None) -> ActionStatus:
    judgements = {evidence.judgement for evidence in judged}
    if Judgement.SUSPICIOUS in judgements:
        return ActionStatus.SUSPICIOUS
    if changed if changed is not None else Judgement.MATCH in judgements:
        return ActionStatus.CHANGED
    return ActionStatus.ALREADY if Judgement.GOOD_SIBLING in judgements else ActionStatus.NO_MATCH


def _explain(status: ActionStatus, judged: list[FileEvidence]) -> str:
    if status is ActionStatus.SUSPICIOUS:
        return "a file fits by date and size, but its header or hash is another"
    if status is ActionStatus.ALREADY:
        return "a recent enough sibling is there"
    return f"{len(judged)} files of that name, none in range" if status is ActionStatus.NO_MATCH else ""


def _put(order: FileOrder, files: Files, listings: Listings) -> ActionReport:
    content = base64.b64decode(order.content)
    wanted = hashlib.sha256(content).hexdigest()
    there = listings.matching(order.pattern)
    if there:
        found = _seen(there[0], files.sha256(there[0].path))
        if found.sha256 == wanted:
            return ActionReport(order.verb, ActionStatus.ALREADY, "the very file is there", (found,))
        found = replace(found, judgement=Judgement.SUSPICIOUS)
        return ActionReport(
            order.verb, ActionStatus.SUSPICIOUS, "another file is there; nothing is overwritten", (found,)
        )
    listings.forget(order.pattern)
    files.write(order.pattern, content)
    written = tuple(_seen(entry, wanted) for entry in listings.matching(order.pattern))
    if not written:
        return ActionReport(order.verb, ActionStatus.FAILED, "the file was written but is not listed")
    return ActionReport(order.verb, ActionStatus.CHANGED, "", written)


def _restore(order: FileOrder, files: Files, listings: Listings) -> ActionReport:
    there = listings.matching(order.pattern)
    if there:
        return ActionReport(order.verb, ActionStatus.ALREADY, "a file is there", (_seen(there[0], ""),))
    judged = _judge_all(order.guard, listings.matching(order.source), files)
    fitting = [evidence for evidence in judged if evidence.judgement == Judgement.MATCH]
    if not fitting:
        status = _status(judged, changed=False)
        return ActionReport(order.verb, status, "no file to restore from", tuple(judged))
    newest = max(fitting, key=lambda evidence: (evidence.modified[: len("2024-07-19T04:09:00")], evidence.path))
    listings.forget(newest.path)
    listings.forget(order.pattern)
    files.move(newest.path, order.pattern)
    judged[judged.index(newest)] = replace(newest, moved_to=order.pattern)
    return ActionReport(order.verb, ActionStatus.CHANGED, "", tuple(judged))


def _seen(entry: FileEntry, sha256: str) -> FileEvidence:
    modified = entry.modified.astimezone(UTC).isoformat()
    return FileEvidence(entry.path, entry.size, modified, Judgement.MATCH, sha256=sha256)
