"""The programs that are sent to Linux hosts, run by the simulated sh and by the real one: one report, one tree."""

import hashlib
import os
import re
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servers import require
from simulated import MOMENT, machine_with
from unloop.actions.compile import compile_order
from unloop.channels.answers import parse_checks, parse_report
from unloop.model.host import System
from unloop.model.order import Order, Shell
from unloop.model.report import Verdict
from unloop.playbook.document import Playbook, Step
from unloop.playbook.fixture import Fixture, FixtureFile, ScriptEffect
from unloop.playbook.fixture_load import fixture_paths, load_fixture
from unloop.playbook.load import load
from unloop.playbook.render import render
from unloop.playbook.shipped import locate
from unloop.rehearsal import faults
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.posix.shell import run

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PLAYBOOK = "linux-previous-kernel"
CASES = [path.stem for path in fixture_paths(locate(PLAYBOOK))]
QUARANTINE = "/var/lib/unloop/quarantine/c1"
SHIM = """#!/bin/dash
effect=$EFFECTS/$(printf '%s' "$2" | sha256sum | cut -c1-64)
[ "$1" = -c ] && [ -d "$effect" ] || exec /bin/dash "$@"
cat "$effect/said"
cp -r "$effect/files/." "$ROOT"
exit "$(cat "$effect/code")"
"""
"""A sh that knows the scripts of a fixture by their hashes, as the simulated one does."""


def fixture(case: str) -> Fixture:
    """A fixture of the shipped playbook for Linux."""
    return load_fixture(locate(PLAYBOOK).parent / "fixtures" / PLAYBOOK / f"{case}.yml", system=System.LINUX)


def order_for(found: Fixture) -> Order:
    """The order for the host of a fixture."""
    rendered = render(load(locate(PLAYBOOK)), host=found.host, variables=found.variables, campaign="c1")
    return compile_order(rendered, campaign="c1")


def machine_of(files: Iterable[FixtureFile] = (), scripts: Iterable[ScriptEffect] = (), *, below: str = "") -> Machine:
    """A host with the files of a fixture below a directory, and the boot id of this machine."""
    machine = machine_with({}, system=System.LINUX)
    for name in ("root", "boot", "tmp"):
        machine.files.make_directory((name,), modified=MOMENT)
    for file in files:
        plant(machine, f"{below}{file.path}", file.content, file.modified)
    machine.state["scripts"] = {effect.sha256: effect for effect in scripts}
    plant(machine, str(BOOT_ID), BOOT_ID.read_bytes(), MOMENT)
    return machine


def plant(machine: Machine, path: str, content: bytes, modified: datetime) -> None:
    """A file of a simulated host."""
    place = tuple(path.split("/")[1:])
    machine.files.make_directory(place[:-1], modified=modified)
    machine.files.write(place, content, modified=modified)


def simulated(machine: Machine, program: str) -> bytes:
    """What a program says on a simulated host; it is sent as our channel sends it."""
    outcome = run(machine, "sh -s", program.encode(), later=lambda _: None)
    assert (outcome.code, outcome.stderr) == (0, b"")
    return outcome.stdout


def real(program: str, **environment: str) -> bytes:
    """What it says on this machine."""
    paths = {"PATH": f"{environment.get('TOOLS', '')}:/usr/bin:/bin"}
    done = subprocess.run(
        [require("dash"), "-s"],
        input=program.encode(),
        capture_output=True,
        env=environment | paths,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


def real_files(root: Path) -> dict[str, tuple[bytes, int]]:
    """The files below a directory, with their times."""
    return {str(path): (path.read_bytes(), int(path.stat().st_mtime)) for path in root.rglob("*") if path.is_file()}


def tree_files(machine: Machine, root: str) -> dict[str, tuple[bytes, int]]:
    """The same of a simulated host."""
    found: dict[str, tuple[bytes, int]] = {}
    for node in machine.files.children(tuple(root.split("/")[1:])):
        path = f"{root}/{node.name}"
        if node.is_directory:
            found |= tree_files(machine, path)
        else:
            found[path] = (node.content, int(node.modified.timestamp()))
    return found


def put_down(root: Path, files: Iterable[FixtureFile]) -> None:
    """The files of a fixture on a real disk."""
    for file in files:
        path = root / file.path[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        os.utime(path, (file.modified.timestamp(), file.modified.timestamp()))


def put_effects(directory: Path, effects: Iterable[ScriptEffect]) -> None:
    """What scripts would do, for the shim."""
    for effect in effects:
        place = directory / effect.sha256
        (place / "files").mkdir(parents=True)
        (place / "said").write_text(effect.stdout)
        (place / "code").write_text(str(effect.exit_code))
        put_down(place / "files", effect.changes.files)


@pytest.mark.parametrize("case", CASES)
def test_the_shipped_remedy_comes_to_what_its_fixture_says(case: str) -> None:
    """The program as it is sent: verdict and verification on a simulated host are those of the fixture."""
    found = fixture(case)
    order, machine = order_for(found), machine_of(found.files, found.scripts)
    report = parse_report(simulated(machine, order.programs[Shell.SH]).decode())
    assert report.verdict is found.expect.verdict
    faults.apply(machine, found.after_boot)
    if found.expect.verified and report.verdict in {Verdict.LANDED, Verdict.ALREADY_GOOD}:
        answers = parse_checks(simulated(machine, order.verifications[Shell.SH]).decode(), order.checks)
        assert [answer.holds for answer in answers if answer.holds is not None] == [True] * len(answers)


@pytest.mark.parametrize("case", CASES)
def test_the_shipped_remedy_is_the_same_in_the_real_sh(case: str, tmp_path: Path) -> None:
    """Byte for byte the same program: the same words, and the same files afterwards, where the host is a directory."""
    found, root = fixture(case), tmp_path / "root"
    order, machine = order_for(found), machine_of(found.files, found.scripts, below=str(root))
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "sh").write_text(SHIM)
    (tmp_path / "tools" / "sh").chmod(0o755)
    put_down(root, found.files)
    put_effects(tmp_path / "effects", found.scripts)
    environment = {"TOOLS": str(tmp_path / "tools"), "EFFECTS": str(tmp_path / "effects"), "ROOT": str(root)}
    for program in (order.programs[Shell.SH], order.verifications[Shell.SH]):
        # Paths of checks are moved below the root; a script is known by its hash, so it stays.
        text = re.sub(r"(file_(?:absent|present) )/", rf"\1{root}/", program)
        expected = real(text, **environment)
        assert simulated(machine, text) == expected
        for effect in found.scripts:
            move_below(machine, effect, str(root))
    assert contents(tree_files(machine, str(root))) == contents(real_files(root))


def contents(files: dict[str, tuple[bytes, int]]) -> dict[str, bytes]:
    """Files without their times."""
    return {path: content for path, (content, _) in files.items()}


def move_below(machine: Machine, effect: ScriptEffect, root: str) -> None:
    """A script's effect on a simulated host, moved to where the host's files are."""
    for file in effect.changes.files:
        place = tuple(file.path.split("/")[1:])
        if machine.files.exists(place):
            content = machine.files.stat(place).content
            plant(machine, f"{root}{file.path}", content, MOMENT)


BASE = 1_721_362_200
NAMES = st.sampled_from(
    ["C-1.sys", "C-2.sys", ".C-3.sys", "c-4.sys", "C-[5].sys", "C-6 'x\".sys", "C-é\\.sys", "D\t.sys"]
)
PATTERNS = st.sampled_from(["C-*.sys", "*", "C-?.sys", "C-[5].sys", "*[5]*", ".*", "C-6 'x\".sys"])
HEADS = st.sampled_from([b"", b"\xaa", b"\xaa\xbb", b"\xaa\xbb\xcc" * 7, b"\x00\x00\n"])
TREES = st.dictionaries(NAMES, st.tuples(HEADS, st.integers(-3, 3)), max_size=5)
HASHES = st.just([hashlib.sha256(b"\xaa\xbb").hexdigest(), "0" * 64])


def moment(seconds: int) -> str:
    """A time of a playbook."""
    return datetime.fromtimestamp(BASE + seconds, UTC).isoformat()


GUARDS = st.fixed_dictionaries(
    {},
    optional={
        "header": st.sampled_from(["aa", "aabb"]),
        "modified": st.sampled_from([{"from": moment(0)}, {"from": moment(-1), "before": moment(2)}]),
        "size": st.sampled_from([{"min": 1}, {"max": 2}, {"min": 1, "max": 2}]),
        "unless_sibling_from": st.just(moment(3)),
        "sha256": HASHES,
    },
)


def steps_for(verb: str, directory: str, pattern: str, guard: Any) -> tuple[Step, ...]:
    """The remedy with one verb."""
    options: dict[str, Any] = {"path": f"{directory}/{pattern}", "guard": guard}
    if verb == "restore_file":
        options = {"path": f"{directory}/new/it", "from": f"{directory}/{pattern}", "guard": guard}
    if verb == "delete_file":
        options["keep"] = "hash"
    if verb == "put_file":
        options = {"path": f"{directory}/d/new", "content": "a\nb'\"\\ é\n" * 40}
    return (Step(verb, options),)


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=60)
@given(
    files=TREES,
    pattern=PATTERNS,
    guard=GUARDS,
    verb=st.sampled_from(["quarantine_file", "delete_file", "restore_file", "put_file"]),
)
def test_any_remedy_is_the_same_in_the_real_sh(
    tmp_path_factory: pytest.TempPathFactory, files: Any, pattern: str, guard: Any, verb: str
) -> None:
    """On any tree, with any guard: the same report byte for byte, the same files, sizes, times and quarantine."""
    root = tmp_path_factory.mktemp("host")
    directory = f"{root}/etc"
    check = Step("file_present", {"path": f"{directory}/{pattern}", "guard": guard})
    steps = steps_for(verb, directory, pattern, guard)
    order = compile_order(
        Playbook("p", "t", System.LINUX, actions=steps, verify=(check,), path=str(root / "p.yml")), campaign="c1"
    )
    machine = machine_of()
    (root / "etc").mkdir()
    machine.files.make_directory(tuple(directory.split("/")[1:]), modified=MOMENT)
    for name, (content, seconds) in files.items():
        path = root / "etc" / name
        path.write_bytes(content)
        os.utime(path, (BASE + seconds, BASE + seconds))
        plant(machine, str(path), content, datetime.fromtimestamp(BASE + seconds, UTC))
    for program in (order.verifications[Shell.SH], order.programs[Shell.SH], order.verifications[Shell.SH]):
        text = program.replace(QUARANTINE, f"{root}/quarantine")
        assert without_now(simulated(machine, text)) == without_now(real(text))
    assert before_now(tree_files(machine, str(root))) == before_now(real_files(root))


def before_now(files: dict[str, tuple[bytes, int]]) -> dict[str, tuple[bytes, int]]:
    """Files without the time of those that were written just now."""
    return {path: (content, min(time, BASE + 9)) for path, (content, time) in files.items()}


def without_now(said: bytes) -> bytes:
    """A report without the time at which a file was written just now."""
    return re.sub(rb'"modified":"20(?:2[5-9]|[3-9]\d)[^"]*"', b'"modified":"now"', said)
