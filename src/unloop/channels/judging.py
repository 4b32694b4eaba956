"""Judging files as part of a dialogue: directories are listed once, and no more is read of a file than it takes."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC

from unloop.channels.dialogue import Answer, Ask, Dialogue, HashFile, ListDirectory, ReadHead
from unloop.errors import ChannelError, NotFound
from unloop.model.files import FileEntry, FileGuard, Judgement, judge_content, judge_listing
from unloop.model.patterns import is_posix, matches, split
from unloop.model.report import FileEvidence

GONE = "gone"
"""The judgement of a file that was listed but taken away by somebody else (another channel of ours, say) before its turn."""


class Listings:
    """Directory listings of one dialogue: each directory is asked for once, until it is changed.

    ``patterns`` are all that will be wanted; a directory of which one pattern alone is wanted is listed by it.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns: dict[str, tuple[str, str]] = {}
        for pattern in patterns:
            directory, name = split(pattern)
            key = _key(directory)
            known = self._patterns.get(key)
            self._patterns[key] = (directory, name if known is None or known[1] == name else "*")
        self._known: dict[str, tuple[FileEntry, ...] | ChannelError] = {}

    def fetch(self) -> Dialogue[None]:
        """List every directory that will be wanted and is not known, in one round."""
        wanted = [(key, ListDirectory(*place)) for key, place in self._patterns.items() if key not in self._known]
        if wanted:
            answers = yield tuple(ask for _, ask in wanted)
            for (key, _), answer in zip(wanted, answers, strict=True):
                self._known[key] = () if isinstance(answer, NotFound) else listing(answer)

    def matching(self, pattern: str) -> Dialogue[tuple[FileEntry, ...]]:
        """The files (no directories) that a pattern means; a missing directory has none. Raises what the listing did."""
        directory, name = split(pattern)
        key = _key(directory)
        if key not in self._known:
            self._patterns.setdefault(key, (directory, "*"))
            yield from self.fetch()
        found = self._known[key]
        if isinstance(found, ChannelError):
            raise found
        minds_case = is_posix(pattern)
        return tuple(
            entry for entry in found if not entry.is_directory and matches(name, entry.name, case_sensitive=minds_case)
        )

    def forget(self, path: str) -> None:
        """A file at this path came or went: its directory is to be listed anew."""
        self._known.pop(_key(split(path)[0]), None)


def listing(answer: Answer) -> tuple[FileEntry, ...] | ChannelError:
    """The answer to ListDirectory."""
    if isinstance(answer, tuple | ChannelError):
        return answer
    raise TypeError(f"a listing is no {type(answer).__name__}")


def judge_all(guard: FileGuard, entries: tuple[FileEntry, ...]) -> Dialogue[list[FileEvidence]]:
    """Judge the files of one pattern: by the listing, then by the header, and by the hash only where the header fits.

    Raises the error of a file that can't be read.
    """
    judged = [_by_listing(guard, entry, entries) for entry in entries]
    if guard.header:
        heads = yield from _each(judged, lambda path: ReadHead(path, guard.header_length))
        for index, head in heads.items():
            judged[index] = _with_header(guard, judged[index], head)
    if guard.wants_hash:
        hashes = yield from _each(judged, HashFile)
        for index, found in hashes.items():
            judged[index] = _with_hash(guard, judged[index], found)
    return judged


def _each(judged: list[FileEvidence], ask: Callable[[str], Ask]) -> Dialogue[dict[int, Answer]]:
    """Ask of every file that still matches, in one round."""
    places = [index for index, evidence in enumerate(judged) if evidence.judgement == Judgement.MATCH]
    if not places:
        return {}
    asks: tuple[Ask, ...] = tuple(ask(judged[index].path) for index in places)
    answers = yield asks
    for answer in answers:
        if isinstance(answer, ChannelError) and not isinstance(answer, NotFound):
            raise answer
    return dict(zip(places, answers, strict=True))


def _by_listing(guard: FileGuard, entry: FileEntry, siblings: tuple[FileEntry, ...]) -> FileEvidence:
    return evidence_of(entry, judge_listing(guard, entry, siblings))


def evidence_of(entry: FileEntry, judgement: str) -> FileEvidence:
    """What a listing shows of a file."""
    modified = entry.modified.astimezone(UTC).isoformat()
    return FileEvidence(path=entry.path, size=entry.size, modified=modified, judgement=judgement)


def _with_header(guard: FileGuard, evidence: FileEvidence, head: Answer) -> FileEvidence:
    if not isinstance(head, bytes):
        return replace(evidence, judgement=GONE)
    fits = head[: guard.header_length].hex() == guard.header
    return replace(evidence, judgement=evidence.judgement if fits else Judgement.SUSPICIOUS, header=head.hex())


def _with_hash(guard: FileGuard, evidence: FileEvidence, found: Answer) -> FileEvidence:
    if not isinstance(found, str):
        return replace(evidence, judgement=GONE)
    judgement = judge_content(guard, head=bytes.fromhex(evidence.header), sha256=found)
    return replace(evidence, judgement=judgement, sha256=found)


def _key(directory: str) -> str:
    return directory if is_posix(directory) else directory.lower()
