"""The simulated sh by itself: what it refuses, where its bounds are, and what of the host it can reach."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulated import machine_with
from unloop.model.host import System
from unloop.playbook.fixture import Changes, ScriptEffect
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.posix.shell import Outcome, run

CHARACTERS = "abx19 \t\n;&|<>(){}!$*?[]'\"`\\~#=-+/%:.\0é\udcff"
WORDS = (
    "$(,${,$((,)),<<E\n,\nE\n,if ,then ,fi,while ,do ,done,for x in ,case x in ,esac,f() ,echo ,printf ,%s,set -- ,shift ,"
    "read -r x ,cat ,mv ,sed s/,tr ,od -A n -v -t x1 ,date -d @,expr ,[ ,stat -c ,cd ,exit "
)
FRAGMENTS = st.sampled_from([*CHARACTERS, *WORDS.split(",")])


def host(**files: bytes) -> Machine:
    """A Linux host with files in /etc."""
    machine = machine_with({("etc", name): content for name, content in files.items()}, system=System.LINUX)
    for name in ("root", "etc"):
        machine.files.make_directory((name,), modified=machine.boot_time)
    return machine


def answer(command: str, given_input: bytes = b"", machine: Machine | None = None) -> Outcome:
    """What a host makes of a command line; it must not restart."""

    def never(seconds: float) -> None:
        pytest.fail(f"a restart in {seconds} s")

    return run(machine or host(), command, given_input, later=never)


def test_a_program_says_and_does_what_it_should() -> None:
    """Exit code, output and errors are those of the program, and files change in the tree alone."""
    machine = host(a=b"x")
    outcome = answer("mv /etc/a /etc/b && cat /etc/b; echo no >&2; exit 3", machine=machine)
    assert outcome == Outcome(3, b"x", b"no\n")
    assert (machine.files.exists(("etc", "a")), machine.files.stat(("etc", "b")).content) == (False, b"x")


def test_names_that_are_no_text_survive() -> None:
    """A name of the host goes through the shell byte for byte, whatever it holds."""
    machine = host()
    assert answer("printf '%s' x >\"$(printf '/etc/\\377\\303\\251')\"", machine=machine).code == 0
    assert [node.name for node in machine.files.children(("etc",))] == ["\udcffé"]
    assert answer("cd /etc; ls; echo ???", machine=machine).stdout == b"\xff\xc3\xa9\n\xff\xc3\xa9\n"


@pytest.mark.parametrize(
    "program",
    [
        "while :; do :; done",
        "f() { f; }; f",
        "f() { f | f; }; f",
        "x=aaaaaaaa; while :; do x=$x$x; done",
        "set -- a; while :; do set -- $@ $@; done",
        "while :; do echo aaaaaaaaaaaaaaaa; done",
        "while :; do echo aaaaaaaaaaaaaaaa; done >/etc/x",
        "while :; do echo a; done | while read -r x; do :; done",
        "x=aaaaaaaaaaaaaaaa; for i in 1 2 3 4 5 6 7 8 9; do x=$x$x; done; while :; do case $x in *a*a*a*a*b) ;; esac; done",
        "x=aaaaaaaaaaaaaaaa; for i in 1 2 3 4 5 6 7 8 9 0 1 2 3 4; do x=$x$x; done; while :; do y=${x%%*b*}; done",
        "printf '%999999s' '' >/etc/x; while :; do cat /etc/x >>/etc/y; done",
        "printf '%999999d%999999d%999999d%999999d%999999d'",
        "x='x=$x$x; eval'; sh -c 'sh -c \"sh -c :; sh -s\"' | sh; while sh -c 'exit 0'; do :; done",
        f"echo {'$(' * 200}{')' * 200}",
        f"echo {'${x:-' * 200}{'}' * 200}",
        f"echo $(({'(' * 200}1{')' * 200}))",
        "(" * 200 + ":" + ")" * 200,
        "if :; then " * 150 + ":" + "; fi" * 150,
    ],
)
def test_a_hostile_program_ends_in_an_error(program: str) -> None:
    """A program that wants too much time, memory or depth is refused, not carried out for ever."""
    outcome = answer(program)
    assert (outcome.code, outcome.refused != "") == (2, True)


@settings(max_examples=400, deadline=None)
@given(st.lists(FRAGMENTS, max_size=30).map("".join))
def test_garbage_is_never_more_than_an_error(text: str) -> None:
    """Whatever the text of a program is, the shell answers with an exit code."""
    assert 0 <= run(host(a=b"1\n2\n"), text, b"input\n", later=lambda _: None).code < 256


@pytest.mark.parametrize(
    "command",
    ["systemctl reboot", "systemctl --no-block reboot", "reboot", "/sbin/reboot", "shutdown -r now", "nohup reboot &"],
)
def test_a_restart_is_ordered_and_the_program_goes_on(command: str) -> None:
    """An orderly restart comes after the program's own end, as far as nothing slept before it."""
    ordered: list[float] = []
    outcome = run(host(), f"PATH=$PATH:/sbin; {command}\necho on", later=ordered.append)
    assert (ordered, outcome.stdout) == ([0.0], b"on\n")


def test_a_background_job_sleeps_beside_the_shell() -> None:
    """What a background job waits for delays its own restart, and not the answer; wait waits for it."""
    ordered: list[float] = []
    program = "nohup sh -c 'sleep 3; systemctl reboot || reboot' >/dev/null 2>&1 </dev/null &"
    assert run(host(), program, later=ordered.append).waited == 0.0
    assert ordered == [3.0]
    assert answer("sleep 1.5; sleep 4 & sleep 1").waited == 2.5
    assert answer("sleep 1; sleep 4 & wait").waited == 5.0


def test_a_script_that_a_fixture_knows_has_the_effect_which_that_says() -> None:
    """A script of a playbook is not run: its fixture says what it says and changes."""
    script = "set -eu\neval echo 'it''s é'\n"
    machine = host()
    effect = ScriptEffect("", 3, "né\n", Changes(services={"ssh": "running"}))
    machine.state["scripts"] = {hashlib.sha256(script.encode()).hexdigest(): effect}
    quoted = script.replace("'", "'\\''")
    assert answer(f"sh -c '{quoted}' </dev/null", machine=machine) == Outcome(3, "né\n".encode(), b"")
    assert answer("systemctl is-active ssh", machine=machine).stdout == b"active\n"


def test_the_host_tells_about_itself() -> None:
    """Kernel, boot time and services are those of the simulated machine."""
    machine = host()
    machine.files.make_directory(("proc", "sys", "kernel"), modified=machine.boot_time)
    machine.files.write(("proc", "sys", "kernel", "osrelease"), b"6.1.0-9\n", modified=machine.boot_time)
    assert answer("uname -r; uname -n; hostname", machine=machine).stdout == b"6.1.0-9\nws-1\nws-1\n"
    seconds = int(machine.boot_time.timestamp())
    assert answer("sed -n 's/^btime //p' /proc/stat", machine=machine).stdout == f"{seconds}\n".encode()
    assert answer("systemctl is-active --quiet nothing", machine=machine).code == 3
