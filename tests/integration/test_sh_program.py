"""The program for Linux, run by real shells on a real tree: it must say and do what the file operations do."""

import os
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servers import require
from unloop.actions.compile import compile_order
from unloop.channels.answers import parse_boot, parse_checks, parse_report
from unloop.channels.disk import DiskFiles
from unloop.channels.perform import check_files, perform
from unloop.model.host import System
from unloop.model.order import Order, Shell
from unloop.model.report import ActionReport, RemedyReport, Verdict
from unloop.playbook.document import Playbook, Step

BASE = 1_721_362_200
SHELLS = ("dash", "bash")
QUARANTINE = "/var/lib/unloop/quarantine/c1"
every_shell = pytest.mark.parametrize("shell", SHELLS)


def moment(seconds: int) -> str:
    """A time of a playbook."""
    return datetime.fromtimestamp(BASE + seconds, UTC).isoformat()


def compiled(tree: Path, *actions: Step, **more: Any) -> Order:
    """The order for a Linux host."""
    playbook = Playbook("p", "t", System.LINUX, actions=actions, path=str(tree / "p.yml"), **more)
    return compile_order(playbook, campaign="c1")


def run(shell: str, program: str, tree: Path) -> str:
    """Run a program with its quarantine below the tree, as on a host whose root is elsewhere."""
    text = program.replace(QUARANTINE, f"{tree}/quarantine")
    arguments = [require(shell), "--posix", "-s"] if shell == "bash" else [require(shell), "-s"]
    done = subprocess.run(arguments, input=text.encode(), capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def remedy(shell: str, order: Order, tree: Path) -> RemedyReport:
    """Carry out an order and read its report."""
    return parse_report(run(shell, order.programs[Shell.SH], tree))


def write(path: Path, content: bytes, seconds: float = 0) -> Path:
    """A file of a known time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (BASE + seconds, BASE + seconds))
    return path


@every_shell
def test_file_moves_aside_with_evidence(shell: str, tmp_path: Path) -> None:
    """A matching file lies in quarantine, with hash, size, time and header as evidence, and its boot is named."""
    bad = write(tmp_path / "etc" / 'it\'s a "bad" [x] $HOME.conf', b"\xaa\xaa rest")
    order = compiled(tmp_path, Step("quarantine_file", {"path": f"{bad}", "guard": {"header": "AA AA"}}))
    output = run(shell, order.programs[Shell.SH], tmp_path)
    report, evidence = parse_report(output), parse_report(output).actions[0].files[0]
    assert (Verdict.LANDED, str(bad), "aaaa", 7) == (report.verdict, evidence.path, evidence.header, evidence.size)
    assert (Path(evidence.moved_to).read_bytes(), bad.exists()) == (b"\xaa\xaa rest", False)
    assert parse_boot(output) is not None


@every_shell
def test_second_visit_finds_nothing_or_moves_the_file_that_came_back(shell: str, tmp_path: Path) -> None:
    """A second visit is no success of its own; a file that came back moves under another name."""
    order = compiled(tmp_path, Step("quarantine_file", {"path": f"{tmp_path}/x*"}))
    verdicts = []
    for plant in (True, False, True):
        if plant:
            write(tmp_path / "x1", b"bad")
        verdicts.append(remedy(shell, order, tmp_path).verdict)
    assert verdicts == [Verdict.LANDED, Verdict.NO_MATCH, Verdict.LANDED]
    assert len(list((tmp_path / "quarantine").iterdir())) == 2


@every_shell
def test_put_restore_and_script(shell: str, tmp_path: Path) -> None:
    """Files are written and brought back without overwriting; a script says itself what it did."""
    write(tmp_path / "q" / "a.q", b"older", 1)
    write(tmp_path / "q" / "b.q", b"newer", 2)
    order = compiled(
        tmp_path,
        Step("put_file", {"path": f"{tmp_path}/d/new", "content": "a\nb'\"\\ é\n"}),
        Step("restore_file", {"path": f"{tmp_path}/e/back", "from": f"{tmp_path}/q/*.q"}),
        Step("run_script", {"shell": "sh", "script": f"echo it\\'s; touch '{tmp_path}/ran' && echo unloop-changed\n"}),
    )
    report = remedy(shell, order, tmp_path)
    assert ([action.status.value for action in report.actions], report.actions[2].message) == (["changed"] * 3, "it's")
    assert (
        (tmp_path / "d" / "new").read_text(),
        (tmp_path / "e" / "back").read_text(),
        (tmp_path / "ran").exists(),
    ) == ("a\nb'\"\\ é\n", "newer", True)
    again = remedy(shell, order, tmp_path)
    assert [action.status.value for action in again.actions] == ["already", "already", "changed"]
    (tmp_path / "d" / "new").write_text("another")
    assert remedy(shell, order, tmp_path).verdict is Verdict.SUSPICIOUS


@every_shell
@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("exit 3", "failed"),
        ("true", "sent"),
        ("echo unloop-already", "already"),
        ("echo unloop-changed; exit 143", "failed"),
    ],
)
def test_script_is_judged_by_what_it_says(shell: str, script: str, status: str, tmp_path: Path) -> None:
    """Exit code 0 alone is only 'sent'; anything else than 0 failed."""
    order = compiled(tmp_path, Step("run_script", {"shell": "sh", "script": script}))
    assert status == remedy(shell, order, tmp_path).actions[0].status.value


@every_shell
def test_steps_stop_after_a_failure(shell: str, tmp_path: Path) -> None:
    """What follows a failed step does not run."""
    kept = write(tmp_path / "kept", b"x")
    order = compiled(
        tmp_path,
        Step("run_script", {"shell": "sh", "script": "exit 1"}),
        Step("quarantine_file", {"path": str(kept)}),
    )
    report = remedy(shell, order, tmp_path)
    assert (report.verdict, len(report.actions), kept.exists()) == (Verdict.FAILED, 1, True)


@every_shell
def test_links_and_directories_are_left_alone(shell: str, tmp_path: Path) -> None:
    """Only regular files are meant."""
    (tmp_path / "x-directory").mkdir()
    (tmp_path / "x-link").symlink_to("/etc/passwd")
    order = compiled(tmp_path, Step("quarantine_file", {"path": f"{tmp_path}/x*"}))
    assert remedy(shell, order, tmp_path).verdict is Verdict.NO_MATCH
    assert (tmp_path / "x-link").is_symlink()


@every_shell
def test_no_restart_when_nothing_changed(shell: str, tmp_path: Path) -> None:
    """A restart follows a change; without one the host stays up."""
    order = compiled(tmp_path, Step("quarantine_file", {"path": f"{tmp_path}/none*"}), Step("reboot", {}))
    assert [action.status.value for action in remedy(shell, order, tmp_path).actions] == ["no_match", "already"]


def test_program_runs_with_few_programs(tmp_path: Path) -> None:
    """Nothing but the programs that the header lists is used: the PATH holds no other."""
    listed = [
        "stat",
        "od",
        "sha256sum",
        "cut",
        "tr",
        "sed",
        "date",
        "expr",
        "mv",
        "mkdir",
        "rm",
        "base64",
        "sync",
        "sh",
    ]
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in listed:
        (tools / name).symlink_to(str(shutil.which(name)))
    write(tmp_path / 'x "1"', b"bad")
    order = compiled(
        tmp_path,
        Step("delete_file", {"path": f"{tmp_path}/x*", "keep": "hash", "guard": {"header": "62"}}),
        Step("put_file", {"path": f"{tmp_path}/y", "content": "y"}),
    )
    program = order.programs[Shell.SH].replace('PATH="$PATH:/usr/sbin:/usr/bin:/sbin:/bin"', f'PATH="{tools}"')
    assert f'PATH="{tools}"' in program
    assert parse_report(run("dash", program, tmp_path)).verdict is Verdict.LANDED


@every_shell
def test_verification_answers_every_check(shell: str, tmp_path: Path) -> None:
    """Each check that a program can answer is answered, in the words of the playbook."""
    write(tmp_path / "there", b"x")
    order = compiled(
        tmp_path,
        Step("quarantine_file", {"path": f"{tmp_path}/x"}),
        verify=(
            Step("file_absent", {"": f"{tmp_path}/there"}),
            Step("file_present", {"path": f"{tmp_path}/ther?"}),
            Step("file_absent", {"": f"{tmp_path}/nowhere/x"}),
            Step("no_bugcheck", {"within": "1s"}),
            Step("boot_changed", {}),
        ),
    )
    output = run(shell, order.verifications[Shell.SH], tmp_path)
    assert [answer.holds for answer in parse_checks(output, order.checks)] == [False, True, True, True]


NAMES = ["C-1.sys", "C-2.sys", ".C-3.sys", "c-4.sys", "C-[5].sys", "C-6 'x\".sys", "D.sys"]
PATTERNS = ["C-*.sys", "*", "C-?.sys", "C-[5].sys", "*[5]*", "?-?.sys", ".*", "C-6 'x\".sys"]
HEADS = [b"", b"\xaa", b"\xaa\xbb", b"\xaa\xbb\xcc", b"\x00\x00\n"]
TREES = st.dictionaries(st.sampled_from(NAMES), st.tuples(st.sampled_from(HEADS), st.integers(-3, 3)), max_size=5)
SIZES = st.sampled_from([{}, {"min": 1}, {"max": 2}, {"min": 1, "max": 2}])
GUARDS = st.fixed_dictionaries(
    {},
    optional={
        "header": st.sampled_from(["aa", "aabb"]),
        "modified": st.sampled_from(
            [{"from": moment(0)}, {"before": moment(1)}, {"from": moment(-1), "before": moment(2)}]
        ),
        "size": SIZES,
        "unless_sibling_from": st.just(moment(3)),
        "sha256": st.just(["dbc1b4c900ffe48d575b5da5c638040125f65db0fe3e24494b76ea986457d986"]),
    },
)


def told(action: ActionReport, tree: Path) -> tuple[str, set[tuple[str, str, str, bool]]]:
    """What a report says, without what may differ between ways: the tree's own path, and hashes taken afterwards."""
    return action.status.value, {
        (item.path.replace(str(tree), ""), item.judgement, item.header, bool(item.moved_to)) for item in action.files
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    files=TREES,
    pattern=st.sampled_from(PATTERNS),
    guard=GUARDS,
    verb=st.sampled_from(["quarantine_file", "delete_file", "restore_file"]),
    shell=st.sampled_from(SHELLS),
)
def test_program_and_file_operations_agree(
    tmp_path_factory: pytest.TempPathFactory, files: Any, pattern: str, guard: Any, verb: str, shell: str
) -> None:
    """On any tree, with any guard, both ways judge alike, say the same and leave the same files behind."""
    sides = [tmp_path_factory.mktemp("side") for _ in range(2)]
    for side in sides:
        for name, (content, seconds) in files.items():
            write(side / "etc" / name, content, seconds)
    options: dict[str, Any] = {"path": f"{sides[0]}/etc/{pattern}", "guard": guard}
    if verb == "restore_file":
        options = {"path": f"{sides[0]}/new/it", "from": f"{sides[0]}/etc/{pattern}", "guard": guard}
    if verb == "delete_file":
        options["keep"] = "hash"
    check = Step("file_present", {"path": f"{sides[0]}/etc/{pattern}", "guard": guard})
    order = compiled(sides[0], Step(verb, options), verify=(check,))
    on_disk = DiskFiles(Path("/"), System.LINUX)
    local = compiled(
        sides[1], Step(verb, _moved(options, sides)), verify=(Step("file_present", _moved(check.options, sides)),)
    )
    checked = (
        parse_checks(run(shell, order.verifications[Shell.SH], sides[0]))[0].holds,
        check_files(local.checks, on_disk)[0].holds,
    )
    assert checked[0] == checked[1]
    by_program = remedy(shell, order, sides[0])
    by_files = perform(_with_quarantine(local, sides[1]), on_disk)
    assert by_files.verdict == by_program.verdict
    assert told(by_files.actions[0], sides[1]) == told(by_program.actions[0], sides[0])
    assert _left(sides[1]) == _left(sides[0])


@every_shell
@pytest.mark.parametrize("sibling", [{}, {"unless_sibling_from": moment(4)}, {"unless_sibling_from": moment(3)}])
def test_every_edge_of_a_guard_is_the_same(shell: str, sibling: dict[str, str], tmp_path: Path) -> None:
    """Files on, before and after each edge of size and time: the program moves the ones that the guard accepts."""
    sides = [tmp_path / "program", tmp_path / "files"]
    for side in sides:
        for size in range(5):
            for seconds in range(4):
                write(side / f"f-{size}-{seconds}", b"\xaa" * size, seconds)
    guard = {
        "header": "aa",
        "size": {"min": 2, "max": 3},
        "modified": {"from": moment(1), "before": moment(3)},
        **sibling,
    }
    orders = [compiled(side, Step("quarantine_file", {"path": f"{side}/f*", "guard": guard})) for side in sides]
    by_program = remedy(shell, orders[0], sides[0])
    by_files = perform(_with_quarantine(orders[1], sides[1]), DiskFiles(Path("/"), System.LINUX))
    moved = {item.path.rpartition("/")[2] for item in by_program.actions[0].files if item.moved_to}
    expected = set() if sibling == {"unless_sibling_from": moment(3)} else {"f-2-1", "f-2-2", "f-3-1", "f-3-2"}
    assert expected == moved
    assert told(by_files.actions[0], sides[1]) == told(by_program.actions[0], sides[0])


def _moved(options: Any, sides: list[Path]) -> dict[str, Any]:
    return {
        name: value.replace(str(sides[0]), str(sides[1])) if isinstance(value, str) else value
        for name, value in options.items()
    }


def _with_quarantine(order: Order, side: Path) -> Order:
    orders = tuple(replace(item, quarantine=item.quarantine and f"{side}/quarantine") for item in order.files or ())
    return replace(order, files=orders)


def _left(side: Path) -> list[tuple[str, bytes]]:
    """What is where; names in quarantine are hashes of a path that differs, so only their number counts."""
    found = [(path, path.read_bytes()) for path in side.rglob("*") if path.is_file()]
    return sorted(
        ("q" if path.parent.name == "quarantine" else str(path.relative_to(side)), data) for path, data in found
    )
