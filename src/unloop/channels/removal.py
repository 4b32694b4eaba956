"""Moving aside and deleting as part of a dialogue: every file that matches goes to quarantine first, in one round."""

from dataclasses import replace

from unloop.channels.dialogue import LOCAL, Answer, Delete, Dialogue, HashFile, ListDirectory, Move
from unloop.channels.judging import GONE, Listings, evidence_of, judge_all, listing
from unloop.channels.statuses import explain, status_after, status_of
from unloop.errors import AccessDenied, ChannelError, NotFound
from unloop.model.files import Disposition, FileEntry, FileGuard, FileOrder, Judgement
from unloop.model.order import Order
from unloop.model.patterns import has_wildcard, join, quarantine_name, split
from unloop.model.report import ActionReport, ActionStatus, FileEvidence

QUARANTINE_NAMES = 10
"""How many files of one path a quarantine takes."""


def is_blind(order: Order) -> bool:
    """Whether an order needs no look at all: one file by its exact name, whatever it is."""
    if order.not_applicable_if or order.already_good_if or order.files is None or len(order.files) != 1:
        return False
    (only,) = order.files
    return only.disposition in {Disposition.QUARANTINE, Disposition.DELETE} and _names_its_file(only)


def remove(order: FileOrder, listings: Listings) -> Dialogue[ActionReport]:
    """Move aside, and delete where that is asked, every file of the pattern that the guard accepts."""
    entries = yield from listings.matching(order.pattern)
    judged = yield from judge_all(order.guard, entries)
    failure = yield from _move_all(order, judged, listings)
    if failure is not None:
        return ActionReport(order.verb, status_after(failure), failure.message, tuple(judged))
    return (yield from _finish(order, judged))


def remove_blindly(order: FileOrder) -> Dialogue[ActionReport]:
    """Nothing has to be judged, so nothing is looked at first: the answer to the move tells what there was."""
    evidence = FileEvidence(order.pattern, size=-1, modified="", judgement=Judgement.MATCH)
    try:
        (answer,) = yield (Move(order.pattern, _place(order, evidence, 0)),)
        if isinstance(answer, NotFound):
            return ActionReport(order.verb, ActionStatus.NO_MATCH, "there is no such file")
        judged = [evidence_of(answer, Judgement.MATCH) if isinstance(answer, FileEntry) else evidence]
        failure = yield from _settle(order, judged, {0: answer}, Listings(()))
        if failure is not None:
            return ActionReport(order.verb, status_after(failure), failure.message, tuple(judged))
        return (yield from _finish(order, judged))
    except LOCAL as error:
        return ActionReport(order.verb, status_after(error), error.message)


def _move_all(order: FileOrder, judged: list[FileEvidence], listings: Listings) -> Dialogue[ChannelError | None]:
    """Move every match aside in one round; None or why one could not be moved."""
    places = [index for index, evidence in enumerate(judged) if evidence.judgement == Judgement.MATCH]
    if not places:
        return None
    for index in places:
        listings.forget(judged[index].path)
    answers = yield tuple(Move(judged[index].path, _place(order, judged[index], 0)) for index in places)
    return (yield from _settle(order, judged, dict(zip(places, answers, strict=True)), listings))


def _settle(
    order: FileOrder, judged: list[FileEvidence], answers: dict[int, Answer], listings: Listings
) -> Dialogue[ChannelError | None]:
    """Write down where each file went, and try again where its name in quarantine was taken; None or the first failure."""
    failure: ChannelError | None = None
    for index, answer in answers.items():
        evidence = judged[index]
        if not isinstance(answer, ChannelError):
            judged[index] = replace(evidence, moved_to=_place(order, evidence, 0))
            continue
        try:
            judged[index] = yield from _another_name(order, evidence, answer, listings)
        except LOCAL as error:
            failure = failure or _about(evidence.path, error)
    return failure


def _about(path: str, error: ChannelError) -> ChannelError:
    """The same error with the path of its file, which some channels name already."""
    return error if path in error.message else type(error)(f"{path}: {error.message}")


def _another_name(
    order: FileOrder, evidence: FileEvidence, error: ChannelError, listings: Listings
) -> Dialogue[FileEvidence]:
    """Move a file aside under the next name, when the first is taken by an earlier visit; raises what the host said."""
    if isinstance(error, NotFound):
        if (yield from listings.matching(evidence.path)):
            raise error
        return replace(evidence, judgement=GONE)
    (answer,) = yield (ListDirectory(order.quarantine),)
    found = listing(answer)
    taken = frozenset(entry.name for entry in found) if isinstance(found, tuple) else frozenset[str]()
    if quarantine_name(evidence.path) not in taken:
        raise error
    for number in range(1, QUARANTINE_NAMES):
        if quarantine_name(evidence.path, number) in taken:
            continue
        destination = _place(order, evidence, number)
        (moved,) = yield (Move(evidence.path, destination),)
        if isinstance(moved, ChannelError):
            raise moved
        return replace(evidence, moved_to=destination)
    raise AccessDenied(f"{QUARANTINE_NAMES} files of {evidence.path} are in quarantine already")


def _finish(order: FileOrder, judged: list[FileEvidence]) -> Dialogue[ActionReport]:
    message = ""
    if order.disposition is Disposition.DELETE:
        for index, evidence in enumerate(judged):
            if evidence.moved_to:
                judged[index], message = yield from _delete(evidence)
    status = status_of(judged)
    return ActionReport(order.verb, status, message or explain(status, judged), tuple(judged))


def _delete(evidence: FileEvidence) -> Dialogue[tuple[FileEvidence, str]]:
    """Hash and delete a file that was moved aside: a rename can be flushed, a deletion can't."""
    found = evidence.sha256
    if not found:
        (hashed,) = yield (HashFile(evidence.moved_to),)
        if isinstance(hashed, ChannelError):
            return evidence, f"kept in quarantine: {hashed.message}"
        found = str(hashed)
    (failure,) = yield (Delete(evidence.moved_to),)
    if isinstance(failure, ChannelError):
        return evidence, f"kept in quarantine: {failure.message}"
    return replace(evidence, sha256=found, moved_to=""), ""


def _names_its_file(order: FileOrder) -> bool:
    return order.guard == FileGuard() and not has_wildcard(split(order.pattern)[1])


def _place(order: FileOrder, evidence: FileEvidence, number: int) -> str:
    return join(order.quarantine, quarantine_name(evidence.path, number))
