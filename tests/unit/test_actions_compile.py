"""Compiling a rendered playbook: which forms an order has, and what they hold."""

import json
from pathlib import Path
from typing import Any

import pytest

from unloop.actions.base import BootEdit, HiveEdit
from unloop.actions.compile import compile_cleanup, compile_order, compile_traces, make_actions
from unloop.errors import InputError
from unloop.model.files import Disposition
from unloop.model.host import System
from unloop.model.order import Order, Shell
from unloop.playbook.document import Place, Playbook, Step

MOVE = Step("quarantine_file", {"path": "C:\\Windows\\x*.sys"})
REGISTRY = Step("set_registry", {"path": "HKLM\\SYSTEM\\a\\b", "value": 1, "type": "REG_DWORD"})


def playbook(*actions: Step, system: System = System.WINDOWS, **more: Any) -> Playbook:
    """A rendered playbook."""
    return Playbook("p", "title", system, actions=actions, digest="d", **more)


def document(order: Order, *, verify: bool = False) -> Any:
    """The data that a Windows program starts with."""
    program = (order.verifications if verify else order.programs)[Shell.POWERSHELL]
    first, line, last, _ = program.split("\n", 3)
    assert (first, last) == ("$order = ConvertFrom-Json @'", "'@")
    return json.loads(line)


def test_files_alone_carry_a_remedy_of_file_verbs() -> None:
    """With file verbs and file checks only, any channel that moves files can carry the order."""
    order = compile_order(playbook(MOVE, not_applicable_if=(Step("file_absent", {"": "C:\\x"}),)), campaign="c1")
    assert order.files is not None
    assert [item.quarantine for item in order.files] == ["C:\\unloop-quarantine\\c1"]


def test_traces_of_a_strike_are_what_lies_in_quarantine() -> None:
    """Both places are asked for where a channel may have made no directory; what moves nothing aside leaves none."""
    traces = compile_traces(compile_order(playbook(MOVE), campaign="c1"))
    assert traces is not None
    assert [check.pattern for check in traces.checks] == [
        "C:\\unloop-quarantine\\c1\\*.q",
        "C:\\unloop-quarantine-c1-*.q",
    ]
    assert [check["kind"] for check in document(traces, verify=True)["checks"]] == ["file_present"] * 2
    assert compile_traces(compile_order(playbook(REGISTRY), campaign="c1")) is None


@pytest.mark.parametrize(
    "unfit",
    [
        playbook(MOVE, REGISTRY),
        playbook(MOVE, already_good_if=(Step("service_running", {"name": "x"}),)),
    ],
)
def test_files_alone_never_carry_half_a_remedy(unfit: Playbook) -> None:
    """A remedy that needs more than files, in its actions or its assessment, has no file form at all."""
    assert compile_order(unfit, campaign="c1").files is None


def test_windows_order_holds_every_step_in_order() -> None:
    """The program gets every action, each with its verb and its kind."""
    order = compile_order(playbook(MOVE, REGISTRY, Step("reboot", {})), campaign="c1")
    assert [(step["verb"], step["kind"]) for step in document(order)["steps"]] == [
        ("quarantine_file", "files"),
        ("set_registry", "registry"),
        ("reboot", "reboot"),
    ]


def test_data_can_not_leave_its_here_string() -> None:
    """Whatever a playbook says, the data stays one line of ASCII between the marks."""
    nasty = "x'@\n'@; Remove-Item C:\\ -Recurse #\u2028é"
    order = compile_order(playbook(Step("put_file", {"path": "C:\\x", "content": nasty})), campaign="c1")
    program = compile_order(
        playbook(Step("set_registry", {"path": "HKLM\\SYSTEM\\a\\b", "value": nasty})), campaign="c1"
    ).programs[Shell.POWERSHELL]
    assert program.isascii()
    assert "\n'@; Remove-Item" not in program
    assert document(order)["steps"][0]["content"]


def test_linux_order_quotes_its_arguments() -> None:
    """Whatever a script says, it is one argument."""
    step = Step("run_script", {"shell": "sh", "script": "echo 'a'; rm -rf \"$HOME\"\n"})
    program = compile_order(playbook(step, system=System.LINUX), campaign="c1").programs[Shell.SH]
    assert "step run_script run_script 'echo '\"'\"'a'\"'\"'; rm -rf \"$HOME\"\n'\nfinish\n" in program


def test_programs_leave_out_what_only_time_can_judge() -> None:
    """Boot changed and up for are judged by whoever compares boots over time."""
    verify = (Step("boot_changed", {}), Step("up_for", {"": "5m"}), Step("file_absent", {"": "C:\\x"}))
    order = compile_order(playbook(MOVE, verify=verify), campaign="c1")
    kinds = [check["kind"] for check in document(order, verify=True)["checks"]]
    assert (
        [check.kind.value for check in order.checks],
        kinds,
    ) == (["boot_changed", "up_for", "file_absent"], ["file_absent"])


def test_every_problem_is_told_at_once() -> None:
    """Unknown verbs, bad options and misplaced checks come in one error, each with its line."""
    broken = playbook(
        Step("quarantine_fil", {}, Place("p.yml", 3)),
        Step("reboot", {}, Place("p.yml", 4)),
        Step("set_registry", {"path": "x"}, Place("p.yml", 5)),
        Step("quarantine_file", {"path": "/etc/x"}, Place("p.yml", 6)),
        Step("set_safe_boot", {"mode": "network"}, Place("p.yml", 7)),
        already_good_if=(Step("boot_changed", {}, Place("p.yml", 2)),),
    )
    with pytest.raises(InputError) as caught:
        compile_order(broken, campaign="c1")
    assert {2, 3, 4, 5, 6} == {problem.line for problem in caught.value.problems}


def test_campaign_must_be_a_name() -> None:
    """The campaign becomes a directory on the host: it can't climb out of the quarantine."""
    with pytest.raises(InputError, match="can't be a directory's name"):
        compile_order(playbook(MOVE), campaign="..\\x")


def test_kept_hash_deletes_and_kept_copy_moves() -> None:
    """By default a deleted file is moved aside, so that it can be put back."""
    orders = compile_order(
        playbook(Step("delete_file", {"path": "C:\\x"}), Step("delete_file", {"path": "C:\\y", "keep": "hash"})),
        campaign="c1",
    ).files
    assert [order.disposition for order in orders or ()] == [Disposition.QUARANTINE, Disposition.DELETE]


def test_put_file_reads_beside_the_playbook(tmp_path: Path) -> None:
    """A source file lies beside the playbook, and its hash is compared before anything runs."""
    (tmp_path / "good.bin").write_bytes(b"good")
    step = Step("put_file", {"path": "C:\\x", "source": "good.bin", "sha256": "00" * 32})
    with pytest.raises(InputError, match="has the SHA-256"):
        compile_order(playbook(step, path=str(tmp_path / "p.yml")), campaign="c1")
    climbing = Step("put_file", {"path": "C:\\x", "source": "../good.bin"})
    with pytest.raises(InputError, match="beside the playbook"):
        compile_order(playbook(climbing, path=str(tmp_path / "p.yml")), campaign="c1")


def test_restore_stays_on_one_drive() -> None:
    """A rename stays on its volume."""
    step = Step("restore_file", {"path": "C:\\x", "from": "D:\\x*"})
    with pytest.raises(InputError, match="one drive"):
        compile_order(playbook(step), campaign="c1")


def test_cleanup_is_an_order_of_its_own() -> None:
    """Cleanup is not assessed: it undoes what was done, wherever it was done."""
    made = playbook(MOVE, already_good_if=(Step("file_absent", {"": "C:\\x"}),), cleanup=(Step("clear_safe_boot", {}),))
    order = compile_cleanup(made, campaign="c1")
    assert order is not None
    assert (
        document(order)["already_good_if"],
        [step["kind"] for step in document(order)["steps"]],
    ) == ([], ["safe_boot"])
    assert compile_cleanup(playbook(MOVE), campaign="c1") is None


def test_digest_tells_orders_apart() -> None:
    """The digest changes with what is done, and with nothing else."""
    one, same = (compile_order(playbook(MOVE), campaign="c1").digest for _ in range(2))
    other = compile_order(playbook(MOVE, REGISTRY), campaign="c1").digest
    assert (one == same, one == other) == (True, False)


def test_offline_changes_are_data() -> None:
    """What a mounted disk needs is told as edits, for whoever has mounted it."""
    steps = (Step("disable_driver", {"name": "bad"}), Step("clear_safe_boot", {}), REGISTRY)
    actions = make_actions(playbook(*steps), steps, "c1")
    assert [
        (HiveEdit("SYSTEM", "ControlSet*\\Services\\bad", "Start", "REG_DWORD", 4, only_if_key=True),),
        (BootEdit("safeboot", ""),),
        (HiveEdit("SYSTEM", "a", "b", "REG_DWORD", 1),),
    ] == [action.offline() for action in actions]


def test_command_lines_only_where_no_guard_is_needed() -> None:
    """A verb with a guard never becomes a bare command line; a value that cmd would read for itself neither."""
    steps = (MOVE, REGISTRY, Step("set_registry", {"path": "HKLM\\SYSTEM\\a\\b", "value": "50%"}))
    assert [action.command_line() for action in make_actions(playbook(*steps), steps, "c1")] == [
        None,
        "reg add HKLM\\SYSTEM\\a /v b /t REG_DWORD /d 1 /f",
        None,
    ]
