"""The programs that unloop sends, byte for byte, on simulated hosts: they must say and do what the other ways say and do."""

import hashlib
import os
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulated import machine_with
from unloop.actions.compile import compile_order
from unloop.actions.facts import HostFacts
from unloop.actions.proof import CAMPAIGN
from unloop.channels.answers import JUDGED_BY_TIME, parse_boot, parse_checks, parse_report, verification
from unloop.channels.disk import DiskFiles
from unloop.channels.perform import check_files, perform
from unloop.model.files import FileEntry, judge_content, judge_listing
from unloop.model.host import System
from unloop.model.order import Order, Shell
from unloop.model.patterns import matches
from unloop.model.report import ActionReport, RemedyReport, Verdict
from unloop.playbook.document import Playbook, Step
from unloop.playbook.fixture import Changes, Fixture, FixtureFile
from unloop.playbook.fixture_load import fixture_paths, load_fixture
from unloop.playbook.load import load
from unloop.playbook.render import render
from unloop.playbook.shipped import locate, shipped
from unloop.rehearsal import faults
from unloop.rehearsal.filetree import FileTree
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.powershell.shell import run

BASE = datetime(2024, 7, 19, 4, 30, tzinfo=UTC)
FOLDER = "C:\\Windows\\System32\\drivers\\X"
CASES = [
    (path.stem, case.stem) for path in shipped() if load(path).system is System.WINDOWS for case in fixture_paths(path)
]


def carried_out(machine: Machine, program: str) -> str:
    """What a program prints; it must come to its end without an error."""
    outcome = run(machine, program, later=lambda _: None)
    assert (outcome.errors, outcome.code) == ((), 0)
    return outcome.text


def remedy(machine: Machine, order: Order) -> RemedyReport:
    """Carry out an order by its program."""
    return parse_report(carried_out(machine, order.programs[Shell.POWERSHELL]))


def host_of(fixture: Fixture) -> Machine:
    """A machine on which everything is as a fixture says."""
    machine = machine_with({})
    machine.files = faults.new_tree(System.WINDOWS)
    faults.put_on(machine, faults.Case(fixture, System.WINDOWS))
    return machine


def ordered(name: str, case: str) -> tuple[Order, Fixture]:
    """The order of a shipped playbook for the host of one of its fixtures."""
    playbook = load(locate(name))
    fixture = load_fixture(locate(name).parent / "fixtures" / name / f"{case}.yml", system=System.WINDOWS)
    rendered = render(playbook, host=fixture.host, variables=fixture.variables, campaign=CAMPAIGN)
    return compile_order(rendered, campaign=CAMPAIGN), fixture


def tree_of(files: FileTree, *place: str) -> dict[str, bytes]:
    """Every file with its content, by its path without case."""
    found: dict[str, bytes] = {}
    for node in files.children(place):
        path = (*place, node.name)
        found |= tree_of(files, *path) if node.is_directory else {"/".join(path).lower(): node.content}
    return found


def disk_of(root: Path) -> dict[str, bytes]:
    """Every file of a directory with its content, by its path without case."""
    return {str(path.relative_to(root)).lower(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def on_disk(root: Path, files: dict[str, tuple[bytes, datetime]]) -> DiskFiles:
    """The same files on a real disk."""
    for path, (content, modified) in files.items():
        place = root.joinpath(*faults.tree_path(path))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        os.utime(place, (modified.timestamp(), modified.timestamp()))
    return DiskFiles(root, System.WINDOWS)


def told(action: ActionReport) -> tuple[Any, ...]:
    """What a report says, without the hash that only one of the ways takes, and with times as moments."""
    return action.status, action.message, [
        (item.path, item.size, datetime.fromisoformat(item.modified[:19]), item.judgement, item.header, item.moved_to)
        for item in sorted(action.files, key=lambda item: item.path)
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "case"), CASES)
def test_program_comes_to_what_the_fixture_expects(name: str, case: str) -> None:
    """Verdict, registry and updates are as the fixture of the shipped playbook says, and so is its verification."""
    order, fixture = ordered(name, case)
    machine = host_of(fixture)
    assert remedy(machine, order).verdict == fixture.expect.verdict
    values = {faults.registry_key(path): value for path, value in machine.state["registry"].items()}
    expected = {faults.registry_key(path): value for path, value in fixture.expect.registry.items()}
    assert expected == {path: values[path] for path in expected}
    assert {name: name in machine.state["updates"] for name in fixture.expect.updates} == dict(fixture.expect.updates)
    faults.apply(machine, fixture.after_boot)
    checks = parse_checks(carried_out(machine, order.verifications[Shell.POWERSHELL]), order.checks)
    if fixture.expect.verdict in {Verdict.LANDED, Verdict.ALREADY_GOOD}:
        assert all(check.holds for check in checks) is fixture.expect.verified


BY_FILES = [case for case in CASES if ordered(*case)[0].files is not None]


@pytest.mark.parametrize(("name", "case"), BY_FILES)
def test_program_and_file_orders_leave_the_same_files(name: str, case: str, tmp_path: Path) -> None:
    """Where a remedy goes by file operations too, both ways say the same and leave the same tree."""
    order, fixture = ordered(name, case)
    machine = host_of(fixture)
    disk = HostFacts.build(tmp_path, System.WINDOWS, fixture).files
    by_files, by_program = perform(order, disk), remedy(machine, order)
    assert (by_files.verdict, by_files.message) == (by_program.verdict, by_program.message)
    assert [told(action) for action in by_files.actions] == [told(action) for action in by_program.actions]
    assert disk_of(tmp_path) == tree_of(machine.files)


def compiled(*actions: Step, **more: Any) -> Order:
    """The order for a Windows host."""
    return compile_order(Playbook("p", "t", System.WINDOWS, actions=actions, **more), campaign="c1")


def planted(files: dict[str, tuple[bytes, datetime]]) -> Machine:
    """A machine with these files."""
    machine = machine_with({})
    machine.files = faults.new_tree(System.WINDOWS)
    faults.apply(machine, Changes(files=tuple(FixtureFile(path, when, data) for path, (data, when) in files.items())))
    return machine


def moment(seconds: int) -> str:
    """A time of a playbook."""
    return (BASE + timedelta(seconds=seconds)).isoformat()


NAMES = [
    "C-1.sys",
    "c-2.SYS",
    "C-[5].sys",
    "C-6 'x' & (y).sys",
    "D.sys",
    "C-`7.sys",
    "C-\u00e9.sys",
    "C-\U0001f600x.sys",
]
PATTERNS = ["C-*.sys", "*", "c-?.sys", "C-[5].sys", "*[5]*", "?-?.sys", "C-6 'x' & (y).sys", "C-`*", "C-\u00c9*"]
HEADS = [b"", b"\xaa", b"\xaa\xbb", b"\xaa\xbb\xcc", b"\x00\x00\n"]
TREES = st.dictionaries(st.sampled_from(NAMES), st.tuples(st.sampled_from(HEADS), st.integers(-3, 3)), max_size=6)
GUARDS = st.fixed_dictionaries(
    {},
    optional={
        "header": st.sampled_from(["aa", "aabb"]),
        "modified": st.sampled_from(
            [{"from": moment(0)}, {"before": moment(1)}, {"from": moment(-1), "before": moment(2)}]
        ),
        "size": st.sampled_from([{"min": 1}, {"max": 2}, {"min": 1, "max": 2}]),
        "unless_sibling_from": st.just(moment(3)),
        "sha256": st.just([hashlib.sha256(b"\xaa\xbb").hexdigest()]),
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(
    files=TREES,
    pattern=st.sampled_from(PATTERNS),
    guard=GUARDS,
    verb=st.sampled_from(["quarantine_file", "delete_file", "restore_file"]),
)
def test_program_and_file_operations_agree(
    tmp_path_factory: pytest.TempPathFactory, files: Any, pattern: str, guard: Any, verb: str
) -> None:
    """On any listing, with any guard, both ways judge alike, say the same and leave the same files behind."""
    there = {f"{FOLDER}\\{name}": (data, BASE + timedelta(seconds=later)) for name, (data, later) in files.items()}
    options: dict[str, Any] = {"path": f"{FOLDER}\\{pattern}", "guard": guard}
    if verb == "restore_file":
        options = {"path": "C:\\New\\it", "from": f"{FOLDER}\\{pattern}", "guard": guard}
    if verb == "delete_file":
        options["keep"] = "hash"
    check = Step("file_present", {"path": f"{FOLDER}\\{pattern}", "guard": guard})
    order = compiled(Step(verb, options), verify=(check,))
    root = tmp_path_factory.mktemp("disk")
    disk, machine = on_disk(root, there), planted(there)
    checked = parse_checks(carried_out(machine, order.verifications[Shell.POWERSHELL]))
    assert checked == check_files(order.checks, disk)
    by_files, by_program = perform(order, disk), remedy(machine, order)
    assert by_files.verdict == by_program.verdict
    assert told(by_files.actions[0]) == told(by_program.actions[0])
    assert disk_of(root) == tree_of(machine.files)


@settings(deadline=None, max_examples=100)
@given(files=TREES, pattern=st.sampled_from(PATTERNS), guard=GUARDS)
def test_guards_judge_as_the_model_does(files: Any, pattern: str, guard: Any) -> None:
    """The judgement of every file of any listing is that of the rules in Python."""
    order = compiled(Step("quarantine_file", {"path": f"{FOLDER}\\{pattern}", "guard": guard}))
    assert order.files is not None
    rules = order.files[0].guard
    there = {name: (data, BASE + timedelta(seconds=later)) for name, (data, later) in files.items()}
    entries = tuple(
        FileEntry(f"{FOLDER}\\{name}", name, len(data), modified)
        for name, (data, modified) in there.items()
        if matches(pattern, name, case_sensitive=False)
    )
    expected = {}
    for entry in entries:
        data = there[entry.name][0]
        judged = judge_listing(rules, entry, entries)
        if judged == "match":
            judged = judge_content(rules, head=data[: rules.header_length], sha256=hashlib.sha256(data).hexdigest())
        expected[entry.path] = str(judged)
    machine = planted({f"{FOLDER}\\{name}": found for name, found in there.items()})
    report = remedy(machine, order)
    assert expected == {item.path: item.judgement for item in report.actions[0].files}


PUT = Step("put_file", {"path": f"{FOLDER}\\new.txt", "content": "it's\n<\u00e9>\n"})


def test_put_writes_once_and_never_over_another() -> None:
    """A file is written, recognised when it is there already, and another in its place is reported."""
    machine, order = planted({}), compiled(PUT)
    assert [remedy(machine, order).verdict for _ in range(2)] == [Verdict.LANDED, Verdict.ALREADY_GOOD]
    place = faults.tree_path(f"{FOLDER}\\new.txt")
    assert machine.files.stat(place).content == "it's\n<\u00e9>\n".encode()
    machine.files.write(place, b"other", modified=BASE)
    assert remedy(machine, order).verdict is Verdict.SUSPICIOUS


@pytest.mark.parametrize("content", ["x", "x" * (1 << 20)])
def test_file_of_any_size_is_put(content: str) -> None:
    """The smallest file and the largest that the verb takes."""
    machine = planted({})
    assert remedy(machine, compiled(Step("put_file", {"path": "C:\\x", "content": content}))).verdict is Verdict.LANDED
    assert tree_of(machine.files) == {"x": content.encode()}


def test_file_that_comes_back_moves_under_another_name() -> None:
    """A second file of the same path goes to quarantine beside the first, and nothing is overwritten."""
    order = compiled(Step("quarantine_file", {"path": f"{FOLDER}\\x.sys"}))
    machine = planted({f"{FOLDER}\\x.sys": (b"1", BASE)})
    first = remedy(machine, order).actions[0].files[0].moved_to
    machine.files.write(faults.tree_path(f"{FOLDER}\\x.sys"), b"2", modified=BASE)
    second = remedy(machine, order).actions[0].files[0].moved_to
    assert second == first.replace(".q", "-1.q")
    assert machine.files.stat(faults.tree_path(second)).content == b"2"


def test_read_only_file_moves_and_goes_for_good() -> None:
    """A rename does not mind the protection, and a deletion takes it off first; flushing is refused, and that is told."""
    machine = planted({f"{FOLDER}\\x.sys": (b"1", BASE)})
    machine.files.change(faults.tree_path(f"{FOLDER}\\x.sys"), modified=BASE, read_only=True)
    order = compiled(Step("delete_file", {"path": f"{FOLDER}\\x.sys", "keep": "hash"}))
    report = remedy(machine, order)
    assert (report.verdict, "not flushed" in report.actions[0].message) == (Verdict.LANDED, True)
    assert tree_of(machine.files) == {}


def test_file_in_use_fails_and_stays() -> None:
    """What another process holds open can't be moved: the report says so, and what follows is not done."""
    machine = planted({f"{FOLDER}\\x.sys": (b"1", BASE)})
    machine.files.hold([faults.tree_path(f"{FOLDER}\\X.SYS")])
    report = remedy(machine, compiled(Step("quarantine_file", {"path": f"{FOLDER}\\x.sys"}), PUT))
    assert (report.verdict, len(report.actions)) == (Verdict.IN_USE, 1)
    assert "being used by another process" in report.actions[0].message
    assert list(tree_of(machine.files).values()) == [b"1"]


@pytest.mark.parametrize("name", ["C-6 'x' & \u00e9\u2028\U0001f600.sys", "C-\u212a.sys"])
def test_text_of_any_kind_comes_home(name: str) -> None:
    """Whatever is in a name arrives in the report as it was, also a letter that is ASCII in its other case."""
    machine = planted({f"{FOLDER}\\{name}": (b"1", BASE)})
    order = compiled(Step("quarantine_file", {"path": f"{FOLDER}\\*.sys"}))
    text = carried_out(machine, order.programs[Shell.POWERSHELL])
    assert text.isascii()
    assert parse_report(text).actions[0].files[0].path == f"{FOLDER}\\{name}"


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("REG_DWORD", 4294967295, 4294967295),
        ("REG_QWORD", (1 << 64) - 1, (1 << 64) - 1),
        ("REG_SZ", "a'b", "a'b"),
        ("REG_EXPAND_SZ", "%SystemRoot%\\x", "%SystemRoot%\\x"),
        ("REG_MULTI_SZ", ("a", "b"), ("a", "b")),
    ],
)
def test_registry_values_of_every_kind_are_set_once(kind: str, value: Any, kept: Any) -> None:
    """A value is set, reads back as wanted, and is left alone the next time."""
    machine = planted({})
    order = compiled(Step("set_registry", {"path": "HKLM\\SOFTWARE\\V\\n", "value": value, "type": kind}))
    assert [remedy(machine, order).verdict for _ in range(2)] == [Verdict.LANDED, Verdict.ALREADY_GOOD]
    assert machine.state["registry"] == {"HKLM\\SOFTWARE\\V\\n": kept}


@pytest.mark.parametrize(("kind", "there", "wanted"), [("REG_SZ", "no", "No"), ("REG_MULTI_SZ", ("a",), ("A",))])
def test_registry_text_in_the_other_case_is_another_value(kind: str, there: Any, wanted: Any) -> None:
    """It is set as it was asked for, and a check holds for it in that case only."""
    machine = planted({})
    path = "HKLM\\SOFTWARE\\V\\n"
    first, second = (Step("set_registry", {"path": path, "value": value, "type": kind}) for value in (there, wanted))
    check = Step("registry_value", {"path": path, "equals": wanted})
    held = []
    for step in (first, second):
        order = compiled(step, verify=(check,))
        assert remedy(machine, order).verdict is Verdict.LANDED
        text = carried_out(machine, verification(order.verifications[Shell.POWERSHELL], "powershell", landed=None))
        held.append(parse_checks(text, order.checks)[0].holds)
    assert (machine.state["registry"], held) == ({path: wanted}, [False, True])


def test_safe_boot_is_set_and_cleared() -> None:
    """Both verbs act once and then say that the entry is as wanted."""
    machine = planted({})
    setting, clearing = compiled(Step("set_safe_boot", {"mode": "network"})), compiled(Step("clear_safe_boot", {}))
    verdicts = [remedy(machine, order).verdict for order in (setting, setting, clearing, clearing)]
    assert verdicts == [Verdict.LANDED, Verdict.ALREADY_GOOD] * 2


@pytest.mark.parametrize(("pattern", "restarts"), [("*.sys", [5.0]), ("*.none", [])])
def test_restart_follows_a_change_only(pattern: str, restarts: list[float]) -> None:
    """A host on which nothing changed is not restarted; otherwise the report has five seconds to get home."""
    machine = planted({f"{FOLDER}\\x.sys": (b"1", BASE)})
    order = compiled(Step("quarantine_file", {"path": f"{FOLDER}\\{pattern}"}), Step("reboot", {}))
    told_times: list[float] = []
    outcome = run(machine, order.programs[Shell.POWERSHELL], later=told_times.append)
    assert (outcome.errors, told_times) == ((), restarts)


@pytest.mark.parametrize(
    ("age", "landed", "holds"),
    [(None, 600, True), (60, 600, True), (60, 30, True), ((60, 50), 600, False)],
)
def test_one_crash_after_the_remedy_is_allowed(age: Any, landed: int, holds: bool) -> None:
    """The boot in which the remedy landed may crash once more; a second crash is one too many."""
    machine, now = planted({}), datetime.now(UTC)
    ages = age if isinstance(age, tuple) else [] if age is None else [age]
    machine.bugchecks = [now - timedelta(seconds=seconds) for seconds in ages]
    order = compiled(PUT, verify=(Step("no_bugcheck", {}), Step("boot_changed", {})))
    program = verification(order.verifications[Shell.POWERSHELL], "powershell", landed=now - timedelta(seconds=landed))
    text = carried_out(machine, program)
    asked = [check for check in order.checks if check.kind not in JUDGED_BY_TIME]
    assert [(check.check, check.holds) for check in parse_checks(text, order.checks)] == [(str(asked[0]), holds)]


def test_boot_is_named() -> None:
    """Every program names the boot in which it ran; two boots have two names."""
    machine, order = planted({}), compiled(PUT)
    names = set()
    for hour in range(2):
        machine.boot_time = BASE + timedelta(hours=hour)
        names.add(parse_boot(carried_out(machine, order.programs[Shell.POWERSHELL])))
    assert len(names) == 2


def test_program_is_carried_out_in_few_steps() -> None:
    """A remedy for many files stays far below what a simulated host allows."""
    files = {f"{FOLDER}\\C-{number}.sys": (b"\xaa" * 100, BASE) for number in range(100)}
    order = compiled(Step("quarantine_file", {"path": f"{FOLDER}\\C-*.sys", "guard": {"header": "aa"}}))
    chance = random.Random(1)  # noqa: S311 - the same every time
    shuffled = dict(chance.sample(list(files.items()), len(files)))
    assert len(remedy(planted(shuffled), order).actions[0].files) == 100


def test_quarantine_names_are_those_of_the_other_ways() -> None:
    """Each way finds what the other has put aside."""
    order = compiled(Step("quarantine_file", {"path": f"{FOLDER}\\X.sys"}))
    machine = planted({f"{FOLDER}\\X.sys": (b"1", BASE)})
    expected = replace(order.files[0]).quarantine if order.files else ""
    path = f"{FOLDER}\\X.sys".lower()
    assert remedy(machine, order).actions[0].files[0].moved_to == (
        f"{expected}\\{hashlib.sha256(path.encode()).hexdigest()}.q"
    )
