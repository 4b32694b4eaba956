"""Carrying out orders by file operations: what is touched, what is left alone, and what is said of it."""

import base64
import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unloop.channels.dialogue import Answers, Dialogue, ListDirectory, Move, ReadHead, Round
from unloop.channels.disk import DiskFiles
from unloop.channels.perform import check_files, perform, remedy
from unloop.errors import ConnectionLost, NotFound, Unsupported
from unloop.model.files import Disposition, FileEntry, FileGuard, FileOrder, Judgement, judge_content, judge_listing
from unloop.model.host import System
from unloop.model.order import Check, CheckKind, Order
from unloop.model.patterns import quarantine_name
from unloop.model.report import ActionStatus, RemedyReport, Verdict

BAD, GOOD = 1_721_362_200, 1_721_367_000
PROBLEM = datetime.fromtimestamp(BAD, UTC)
HEAD = "aaaaaaaa01002301"
FOLDER = "C:\\Windows\\drivers"
GUARD = FileGuard(
    header=HEAD,
    modified_from=datetime(2024, 7, 19, 4, 9, tzinfo=UTC),
    modified_before=datetime(2024, 7, 19, 5, 27, tzinfo=UTC),
    good_sibling_from=datetime(2024, 7, 19, 5, 27, tzinfo=UTC),
)
Plant = Callable[..., Path]


class Recording(DiskFiles):
    """A disk that remembers what was asked of it, and can lose the connection."""

    def __init__(self, root: Path, lost_on: str = "") -> None:
        super().__init__(root, System.WINDOWS)
        self.calls: list[tuple[str, str]] = []
        self.lost_on = lost_on
        self.taken: tuple[str, Path] | None = None

    def _remember(self, what: str, path: str) -> None:
        self.calls.append((what, path))
        if self.taken is not None and self.taken[0] == what:
            self.taken[1].unlink()

    def list_directory(self, directory: str) -> Any:
        """Remember and list."""
        self._remember("list", directory)
        return super().list_directory(directory)

    def read(self, path: str, *, limit: int) -> bytes:
        """Remember and read."""
        self._remember("read", path)
        return super().read(path, limit=limit)

    def move(self, source: str, destination: str) -> None:
        """Move, or lose the connection."""
        self._remember("move", source)
        if self.lost_on == "move":
            raise ConnectionLost("gone")
        super().move(source, destination)


@pytest.fixture
def disk(tmp_path: Path) -> Recording:
    """An empty volume with a folder for drivers."""
    (tmp_path / "Windows" / "drivers").mkdir(parents=True)
    return Recording(tmp_path)


@pytest.fixture
def plant(disk: Recording) -> Plant:
    """Put a file onto the volume."""

    def put(name: str, content: bytes = bytes.fromhex(HEAD) + b"rest", modified: float = BAD) -> Path:
        path = disk.root / "Windows" / "drivers" / name
        path.write_bytes(content)
        os.utime(path, (modified, modified))
        return path

    return put


def order(*orders: FileOrder, **more: Any) -> Order:
    """An order of files."""
    return Order(digest="d", files=orders, **more)


def remove(disposition: Disposition = Disposition.QUARANTINE, guard: FileGuard = GUARD) -> FileOrder:
    """The order for channel file 291."""
    return FileOrder("v", disposition, f"{FOLDER}\\C-00000291*.sys", guard, quarantine="C:\\unloop-quarantine\\c1")


def test_matching_file_moves_to_quarantine(disk: Recording, plant: Plant) -> None:
    """The faulty file lies in quarantine under a name that no driver looks for, and the evidence says so."""
    bad = plant("C-00000291-1.sys")
    other = plant("C-00000292-1.sys")
    report = perform(order(remove()), disk)
    path = f"{FOLDER}\\C-00000291-1.sys"
    moved_to = f"C:\\unloop-quarantine\\c1\\{hashlib.sha256(path.lower().encode()).hexdigest()}.q"
    evidence = report.actions[0].files[0]
    assert (Verdict.LANDED, path, HEAD, moved_to) == (report.verdict, evidence.path, evidence.header, evidence.moved_to)
    assert (bad.exists(), other.exists()) == (False, True)


def test_directory_is_listed_once_and_only_candidates_are_read(disk: Recording, plant: Plant) -> None:
    """In a window every round trip counts: one listing, one read per file that fits by date."""
    plant("C-00000291-1.sys")
    plant("C-00000291-0.sys", modified=BAD - 90_000)
    path = f"{FOLDER}\\C-00000291-1.sys"
    checks = (Check(CheckKind.FILE_PRESENT, pattern=f"{FOLDER}\\nothing"),)
    perform(order(remove(), already_good_if=checks), disk)
    assert [("list", FOLDER), ("read", path), ("move", path)] == disk.calls


def test_good_sibling_keeps_everything(disk: Recording, plant: Plant) -> None:
    """Where a recent enough sibling lies, the host is already good and nothing is touched or read."""
    bad = plant("C-00000291-1.sys")
    plant("C-00000291-2.sys", modified=GOOD)
    report = perform(order(remove()), disk)
    assert (report.verdict, bad.exists()) == (Verdict.ALREADY_GOOD, True)
    assert [item.judgement for item in report.actions[0].files] == [Judgement.GOOD_SIBLING] * 2


def test_other_header_is_suspicious_and_stops_what_follows(disk: Recording, plant: Plant) -> None:
    """A file of the right date with another header is left alone and reported, and no later step runs."""
    odd = plant("C-00000291-1.sys", content=b"x" * 20)
    later = FileOrder("put_file", Disposition.PUT, f"{FOLDER}\\new", content="")
    report = perform(order(remove(), later), disk)
    assert (report.verdict, len(report.actions), odd.exists()) == (Verdict.SUSPICIOUS, 1, True)


@pytest.mark.parametrize("names", [(), ("C-00000291-1.sys",)])
def test_nothing_in_range_is_no_match(disk: Recording, plant: Plant, names: tuple[str, ...]) -> None:
    """No file, or only files of another time: not a success."""
    for name in names:
        plant(name, modified=BAD - 90_000)
    assert perform(order(remove()), disk).verdict is Verdict.NO_MATCH


def test_missing_directory_is_no_match(disk: Recording) -> None:
    """A directory that is not there holds no file."""
    absent = FileOrder("v", Disposition.QUARANTINE, "C:\\Nowhere\\x*", quarantine="C:\\q")
    assert perform(order(absent), disk).verdict is Verdict.NO_MATCH


def test_directories_are_never_touched(disk: Recording) -> None:
    """A directory whose name matches is no file."""
    (disk.root / "Windows" / "drivers" / "C-00000291-x.sys").mkdir()
    assert perform(order(remove(guard=FileGuard())), disk).verdict is Verdict.NO_MATCH


def test_second_file_of_a_path_gets_a_name_of_its_own(disk: Recording, plant: Plant) -> None:
    """When the faulty file comes back, it is moved aside again, and the first copy stays."""
    plant("C-00000291-1.sys")
    first = perform(order(remove()), disk).actions[0].files[0].moved_to
    plant("C-00000291-1.sys")
    second = perform(order(remove()), disk).actions[0].files[0].moved_to
    path = f"{FOLDER}\\C-00000291-1.sys"
    quarantine = "C:\\unloop-quarantine\\c1"
    assert [f"{quarantine}\\{quarantine_name(path, number)}" for number in (0, 1)] == [first, second]


def test_delete_keeps_the_hash(disk: Recording, plant: Plant) -> None:
    """A deleted file leaves its hash as evidence and nothing in quarantine."""
    content = plant("C-00000291-1.sys").read_bytes()
    report = perform(order(remove(Disposition.DELETE)), disk)
    evidence = report.actions[0].files[0]
    assert (hashlib.sha256(content).hexdigest(), "") == (evidence.sha256, evidence.moved_to)
    assert list((disk.root / "unloop-quarantine" / "c1").iterdir()) == []


def test_put_writes_what_is_missing_and_overwrites_nothing(disk: Recording, plant: Plant) -> None:
    """A missing file is written; the same one is already there; another one is left alone."""
    put = FileOrder("put_file", Disposition.PUT, f"{FOLDER}\\a\\new.txt", content=base64.b64encode(b"new").decode())
    verdicts = [perform(order(put), disk).verdict for _ in range(2)]
    (disk.root / "Windows" / "drivers" / "a" / "new.txt").write_bytes(b"another")
    verdicts.append(perform(order(put), disk).verdict)
    assert verdicts == [Verdict.LANDED, Verdict.ALREADY_GOOD, Verdict.SUSPICIOUS]


def test_restore_brings_the_newest_copy_back(disk: Recording, plant: Plant) -> None:
    """The newest copy that passes the guard goes to its place; a second visit finds it there."""
    plant("old.q", b"old", BAD)
    plant("newer.q", b"newer", BAD + 5)
    plant("newest.q", b"x", BAD + 9)
    guard = FileGuard(size_min=2)
    restore = FileOrder("restore_file", Disposition.RESTORE, f"{FOLDER}\\it.exe", guard, source=f"{FOLDER}\\*.q")
    assert [perform(order(restore), disk).verdict for _ in range(2)] == [Verdict.LANDED, Verdict.ALREADY_GOOD]
    assert disk.read(f"{FOLDER}\\it.exe", limit=9) == b"newer"


def test_assessment_comes_first(disk: Recording, plant: Plant) -> None:
    """Where the playbook does not apply, or the host is good, nothing is touched."""
    bad = plant("C-00000291-1.sys")
    present = Check(CheckKind.FILE_PRESENT, pattern=f"{FOLDER}\\C-*.sys")
    absent = Check(CheckKind.FILE_ABSENT, pattern=f"{FOLDER}\\x*")
    reports = [
        perform(order(remove(), not_applicable_if=(absent,)), disk),
        perform(order(remove(), already_good_if=(present, absent)), disk),
    ]
    assert [report.verdict for report in reports] == [Verdict.NOT_APPLICABLE, Verdict.ALREADY_GOOD]
    assert bad.exists()


def test_assessment_without_an_answer_does_nothing(disk: Recording, plant: Plant) -> None:
    """What can't be assessed must not be changed."""
    bad = plant("C-00000291-1.sys")
    service = Check(CheckKind.SERVICE_RUNNING, name="x")
    report = perform(order(remove(), already_good_if=(service,)), disk)
    assert (report.verdict, bad.exists()) == (Verdict.FAILED, True)


def test_error_of_one_file_is_a_failed_action(disk: Recording, plant: Plant) -> None:
    """A file that can't be moved fails its action, with the reason, and the evidence of what was judged."""
    plant("C-00000291-1.sys")
    (disk.root / "unloop-quarantine").write_bytes(b"a file where a directory should be")
    report = perform(order(remove()), disk)
    assert (report.verdict, len(report.actions[0].files)) == (Verdict.FAILED, 1)
    assert report.actions[0].message


def test_lost_connection_is_raised(disk: Recording, plant: Plant) -> None:
    """When the exchange broke off nobody knows: that is an error, not a report."""
    plant("C-00000291-1.sys")
    disk.lost_on = "move"
    with pytest.raises(ConnectionLost):
        perform(order(remove()), disk)


@pytest.mark.parametrize("before", ["read", "move"])
def test_file_that_another_took_is_gone_not_failed(disk: Recording, plant: Plant, before: str) -> None:
    """When another channel was faster, the file is told to be gone; nothing was matched, and nothing went wrong."""
    disk.taken = (before, plant("C-00000291-1.sys"))
    report = perform(order(remove()), disk)
    assert (report.verdict, report.actions[0].files[0].judgement) == (Verdict.NO_MATCH, "gone")


def test_order_without_file_form_is_unsupported(disk: Recording) -> None:
    """Half a remedy is never carried."""
    with pytest.raises(Unsupported):
        perform(Order(digest="d"), disk)


def test_checks_are_answered_or_unknown(disk: Recording, plant: Plant) -> None:
    """File checks hold or not, by the same guards; every other check is unknown here."""
    plant("C-00000291-1.sys", content=b"x" * 9)
    checks = (
        Check(CheckKind.FILE_PRESENT, pattern=f"{FOLDER}\\C-*"),
        Check(CheckKind.FILE_PRESENT, pattern=f"{FOLDER}\\C-*", guard=GUARD),
        Check(CheckKind.FILE_ABSENT, pattern=f"{FOLDER}\\C-*", guard=GUARD),
        Check(CheckKind.UPDATE_ABSENT, name="KB1"),
    )
    assert [answer.holds for answer in check_files(checks, disk)] == [True, False, True, None]


class Seeing:
    """Answers a dialogue from a list, and remembers every round."""

    def __init__(self, *rounds: Answers) -> None:
        self.rounds: list[Round] = []
        self._answers = list(rounds)

    def hold(self, dialogue: Dialogue[RemedyReport]) -> RemedyReport:
        """Hold the dialogue to its end."""
        try:
            self.rounds.append(next(dialogue))
            while True:
                self.rounds.append(dialogue.send(self._answers[len(self.rounds) - 1]))
        except StopIteration as end:
            return end.value


EXACT = FileOrder("v", Disposition.QUARANTINE, f"{FOLDER}\\bad.sys", quarantine="C:\\q")
MOVED_TO = f"C:\\q\\{quarantine_name(EXACT.pattern)}"
ENTRY = FileEntry(EXACT.pattern, "bad.sys", 7, datetime(2024, 7, 19, tzinfo=UTC))


def test_a_file_named_exactly_is_moved_without_a_look_where_the_move_tells_what_it_was() -> None:
    """One round, and the evidence is whole all the same."""
    host = Seeing((ENTRY,))
    report = host.hold(remedy(order(EXACT), sees_moves=True))
    evidence = report.actions[0].files[0]

    assert host.rounds == [(Move(EXACT.pattern, MOVED_TO),)]
    assert (report.verdict, evidence.size, evidence.moved_to) == (Verdict.LANDED, 7, MOVED_TO)


@pytest.mark.parametrize(
    "more",
    [
        {"already_good_if": (Check(CheckKind.FILE_PRESENT, pattern="C:\\x"),)},
        {"files": (EXACT, EXACT)},
        {"files": (replace(EXACT, guard=FileGuard(size_min=1)),)},
        {"files": (replace(EXACT, pattern=f"{FOLDER}\\*.sys"),)},
    ],
)
def test_whatever_has_to_be_judged_is_looked_at_first(more: dict[str, Any]) -> None:
    """Guards, assessments, wildcards and further actions need the listing."""
    dialogue = remedy(replace(order(EXACT), **more), sees_moves=True)

    assert {type(ask) for ask in next(dialogue)} == {ListDirectory}


def test_a_missing_file_named_exactly_is_no_match() -> None:
    """Nothing was there: not a success."""
    assert Seeing((NotFound("no"),)).hold(remedy(order(EXACT), sees_moves=True)).verdict is Verdict.NO_MATCH


def test_rounds_hold_everything_that_can_be_asked_at_once() -> None:
    """One round lists every directory, one reads every header, one moves every file."""
    first, second = (replace(remove(), pattern=f"C:\\{name}\\C-00000291*.sys") for name in "ab")
    entry = [
        FileEntry(f"C:\\{name}\\C-00000291-{n}.sys", f"C-00000291-{n}.sys", 9, PROBLEM)
        for name, n in ("a1", "a2", "b1")
    ]
    head = bytes.fromhex(HEAD)
    host = Seeing(((entry[0], entry[1]), (entry[2],)), (head, head), (None, None), (head,), (None,))
    report = host.hold(remedy(order(first, second)))

    assert [[type(ask) for ask in asks] for asks in host.rounds] == [
        [ListDirectory] * 2,
        [ReadHead] * 2,
        [Move] * 2,
        [ReadHead],
        [Move],
    ]
    assert host.rounds[0][0] == ListDirectory("C:\\a", "C-00000291*.sys")
    assert report.verdict is Verdict.LANDED


FILES = st.dictionaries(
    st.sampled_from(["C-00000291-1.sys", "C-00000291-2.sys", "c-00000291-3.SYS", "C-00000292.sys"]),
    st.tuples(st.sampled_from([b"", bytes.fromhex(HEAD), b"other header"]), st.integers(BAD - 120, GOOD + 2)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(files=FILES, sibling=st.booleans(), sizes=st.sampled_from([(None, None), (1, None), (None, 8)]))
def test_perform_touches_exactly_what_the_judge_says(
    tmp_path_factory: pytest.TempPathFactory, files: Any, sibling: bool, sizes: tuple[int | None, int | None]
) -> None:
    """Whatever lies there, the files that are moved are those that the guard accepts, and no other."""
    disk = Recording(tmp_path_factory.mktemp("disk"))
    folder = disk.root / "Windows" / "drivers"
    folder.mkdir(parents=True)
    for name, (content, modified) in files.items():
        (folder / name).write_bytes(content)
        os.utime(folder / name, (modified, modified))
    guard = FileGuard(
        header=HEAD,
        modified_from=GUARD.modified_from,
        size_min=sizes[0],
        size_max=sizes[1],
        good_sibling_from=GUARD.good_sibling_from if sibling else None,
    )
    siblings = tuple(entry for entry in disk.list_directory(FOLDER) if entry.name.lower().startswith("c-00000291"))
    judged = {entry.name: judge_listing(guard, entry, siblings) for entry in siblings}
    expected = {
        name
        for name, judgement in judged.items()
        if judgement is Judgement.MATCH
        and judge_content(guard, head=(folder / name).read_bytes(), sha256="") is Judgement.MATCH
    }
    report = perform(order(remove(guard=guard)), disk)
    left = {path.name for path in folder.iterdir()}
    assert set(files) - expected == left
    assert (ActionStatus.CHANGED in {report.actions[0].status}) <= bool(expected)
