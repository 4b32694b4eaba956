"""Landing an order by CIM_DataFile: each ask of the remedy is one request, and the host answers for the very file."""

from collections.abc import Callable
from dataclasses import replace

from unloop.channels.dialogue import LOCAL, Answer, Ask, ListDirectory, Move
from unloop.channels.judging import evidence_of
from unloop.channels.perform import remedy
from unloop.channels.strike.exchange import Messages
from unloop.channels.strike.wsman import cim, wql
from unloop.channels.strike.wsman.soap import properties
from unloop.channels.strike.wsman.wmi import Wmi
from unloop.errors import ChannelError, NotFound, ProtocolError, Unsupported
from unloop.model.files import FileEntry
from unloop.model.order import Order
from unloop.model.patterns import flattened, join, split
from unloop.model.report import FileEvidence, RemedyReport

Landing = Messages[RemedyReport]


class Moving:
    """Carries one order out. Quarantine is flat, at the volume's root: WMI can't make directories."""

    def __init__(self, wmi: Wmi, order: Order) -> None:
        self._wmi, self._order = wmi, order
        self._quarantines = frozenset(one.quarantine for one in order.files or ())
        self._has_changed = False

    def land(self) -> Landing:
        """The report; raises ChannelError. What it says of where files went is where they are."""
        dialogue = remedy(self._order, sees_moves=True)
        try:
            asks = next(dialogue)
            while True:
                answers: list[Answer] = []
                for ask in asks:
                    answers.append((yield from self._answered(ask)))
                asks = dialogue.send(tuple(answers))
        except StopIteration as end:
            report: RemedyReport = end.value
            return _with_files(report, lambda file: replace(file, moved_to=flattened(file.moved_to)))

    def look(self, report: RemedyReport) -> Landing:
        """The same report with sizes and times of the files that were moved unseen, as far as the host tells them."""
        unseen = [
            file.moved_to for action in report.actions for file in action.files if file.moved_to and file.size < 0
        ]
        seen: dict[str, FileEntry] = {}
        for place in unseen:
            if not self._wmi.is_open:
                break
            try:
                for instance in (yield from self._wmi.query(wql.file_named(place))):
                    seen[place] = cim.entry(properties(instance), place)
            except ChannelError:
                continue
        return _with_files(report, lambda file: _seen(file, seen.get(file.moved_to)))

    def _answered(self, ask: Ask) -> Messages[Answer]:
        """The answer to one ask. Before anything was changed, what is said of no single file ends the exchange."""
        try:
            if isinstance(ask, ListDirectory):
                return (yield from self._listed(ask.directory, ask.pattern))
            if isinstance(ask, Move):
                return (yield from self._renamed(ask.source, flattened(ask.destination)))
        except LOCAL as error:
            if not self._has_changed:
                raise
            return error
        return Unsupported("WMI neither shows nor writes what is in a file")

    def _listed(self, directory: str, pattern: str) -> Messages[tuple[FileEntry, ...]]:
        """The files of a directory; none where there is no such directory."""
        if directory in self._quarantines:
            return (yield from self._quarantined(directory))
        try:
            found = yield from self._wmi.query(wql.files_in(directory, pattern))
        except NotFound as error:
            raise ProtocolError(f"the host has no list of files: {error.message}") from error
        return tuple(cim.entries(found, directory, pattern))

    def _quarantined(self, directory: str) -> Messages[tuple[FileEntry, ...]]:
        """What a quarantine would hold if it were a directory."""
        root, pattern = split(flattened(join(directory, "*.q")))
        start = len(pattern) - len("*.q")
        found = yield from self._wmi.query(wql.files_in(root, pattern))
        return tuple(replace(one, name=one.name[start:]) for one in cim.entries(found, root, pattern))

    def _renamed(self, source: str, destination: str) -> Messages[ChannelError | None]:
        """None, or what WMI returned: that is about this very file. No instance means no file."""
        try:
            answer = yield from self._wmi.invoke(cim.CLASS, "Rename", {"FileName": destination}, name=source)
        except NotFound as error:
            return error
        failure = cim.failure_of(answer)
        self._has_changed = self._has_changed or failure is None
        return failure


def _seen(file: FileEvidence, entry: FileEntry | None) -> FileEvidence:
    """What is known of a file now that it was looked at: a rename leaves its size and time as they were."""
    if entry is None:
        return file
    found = evidence_of(entry, file.judgement)
    return replace(file, size=found.size, modified=found.modified)


def _with_files(report: RemedyReport, change: Callable[[FileEvidence], FileEvidence]) -> RemedyReport:
    actions = tuple(replace(action, files=tuple(map(change, action.files))) for action in report.actions)
    return replace(report, actions=actions)
