"""Checking playbooks: words, values and mistakes that look right, each at its line."""

from pathlib import Path

import pytest

from unloop.actions.vocabulary import vocabulary
from unloop.playbook.check import check
from unloop.playbook.load import load, loads
from unloop.playbook.shipped import shipped

DATA = Path(__file__).parents[1] / "data" / "playbooks"
HEAD = "unloop: 1\nname: x\ntitle: t\nsystem: windows\n"


def told(body: str, *, head: str = HEAD) -> list[str]:
    """What the checker says of a playbook; its body starts on line 5."""
    text = head + body
    text += "" if "verify:" in body else "verify: [boot_changed]\n"
    return [str(problem) for problem in check(loads(text, "p.yml"), vocabulary())]


def starts(expected: str, problems: list[str]) -> bool:
    """Whether one of the problems starts like that."""
    return any(problem.startswith(expected) for problem in problems)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "bad-path-part-missing",
            ":8:13: 'C:\\Windows\\System32\\drivers\\C-00000291*.sys' matches nothing: the file lies in",
        ),
        (
            "bad-nine-digits",
            ":8:13: 'C-000000291*.sys' matches nothing: the file is called C-00000291-00000000-000000NN.sys",
        ),
        ("bad-runbook-path", ":8:13: 'C00000291*.sys' matches nothing"),
        (
            "bad-runbook-path",
            ":8:13: delete_file: path: 'Windows/System/System32/drivers/CrowdStrike/C00000291*.sys' is no",
        ),
        (
            "bad-continues-after-restart",
            ":11: the script restarts the host here (shutdown /r /t 0): the lines below never",
        ),
        ("bad-version-tail", ":8:13: 'C-00000291*18.sys' names a version of the file, and published versions conflict"),
        ("bad-verb-after-reboot", ":9:5: delete_file stands after reboot (line 8): nothing continues after a restart"),
        (
            "bad-verb-after-reboot",
            ":9:25: delete_file takes every file '*.sys' out of C:\\Windows\\System32\\drivers\\Crowd",
        ),
    ],
)
def test_public_recipes_are_caught(name: str, expected: str) -> None:
    """Each mistake that a published recipe for channel file 291 made is caught with file and line."""
    path = DATA / f"{name}.yml"
    problems = [str(problem) for problem in check(load(path), vocabulary())]
    assert starts(f"{path}{expected}", problems), problems


def test_shipped_playbooks_are_clean() -> None:
    """No lint cries wolf over what we ship."""
    assert [check(load(path), vocabulary()) for path in shipped()] == [()] * len(shipped())


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("actions: [delet_file: 'C:\\x']\n", "p.yml:5:11: there is no verb 'delet_file'; did you mean 'delete_file'?"),
        ("actions: [reboot]\nverify: [file_gone: 'C:\\x']\n", "p.yml:6:10: there is no check 'file_gone'"),
        (
            "actions: [delete_file: {pth: 'C:\\x'}]\n",
            "p.yml:5:30: delete_file has no option 'pth'; did you mean 'path'?",
        ),
        ("actions: [delete_file: {}]\n", "p.yml:5:11: delete_file needs path"),
        ("actions: [delete_file: x.sys]\n", "p.yml:5:24: delete_file: path: 'x.sys' is no full path"),
        (
            "actions: [delete_file: 'C:\\*\\x.sys']\n",
            "p.yml:5:24: delete_file: path: 'C:\\*\\x.sys' has a wildcard in a dir",
        ),
        ("actions: [delete_file: 'C:/a/x.sys']\n", "p.yml:5:24: delete_file: path: 'C:/a/x.sys' is no full path"),
        ('actions: [delete_file: "C:\\\\a\\new"]\n', "p.yml:5:24: delete_file: path: 'C:\\a\\new' is no full path"),
        ("actions: [reboot: 5]\n", "p.yml:5:19: reboot takes its options as a mapping; it has none"),
        ("actions: [delete_file: /etc/x]\n", "p.yml:5:11: delete_file: '/etc/x' is no path of a windows host"),
        (
            "actions: [set_registry: {path: 'HKCU\\a\\b', value: 1}]\n",
            "p.yml:5:32: set_registry: path: 'HKCU\\a\\b' is no",
        ),
        ("actions: [reboot]\nverify: [up_for: 5x]\n", "p.yml:6:18: up_for: time: '5x' is no duration"),
        ("actions: [reboot]\nladder: [hands_on, in_band]\n", "p.yml:6:10: no rung can follow hands_on"),
        ("actions: [reboot]\nladder: [race, race]\n", "p.yml:6:16: rung race stands in the ladder twice"),
        (
            "actions: [reboot]\nhands_on: '{{ nme }}'\n",
            "p.yml:6:11: template: 'nme' is undefined; known: campaign, host",
        ),
        (
            "actions: [reboot]\nassess: {already_good_if: [up_for: 5m]}\n",
            "p.yml:6:28: up_for says nothing before a remedy",
        ),
        ("actions: [run_script: {shell: sh, script: ls}]\n", "p.yml:5:11: run_script: a windows host has no sh"),
    ],
)
def test_wrong_words_and_values_are_told(body: str, expected: str) -> None:
    """Each wrong word or value is told at its own line and column."""
    assert starts(expected, told(body)), told(body)


GUARDED = "actions:\n  - delete_file:\n      path: 'C:\\a\\x*.sys'\n      guard:\n"


@pytest.mark.parametrize(
    ("guard", "expected"),
    [
        ("        header: A1 XX\n", "p.yml:9:17: delete_file: guard.header: 'A1 XX' is no row of hex bytes"),
        ("        headr: A1\n", "p.yml:9:16: delete_file: guard.headr: guard has no 'headr'; did you mean 'header'?"),
        ("        sha256: [abc]\n", "p.yml:9:18: delete_file: guard.sha256: 'abc' is no SHA-256"),
        (
            "        modified: {from: yesterday}\n",
            "p.yml:9:26: delete_file: guard.modified.from: 'yesterday' is no ISO 8601",
        ),
        (
            "        modified: {from: '2024-07-19T04:09:00'}\n",
            "p.yml:9:26: delete_file: guard.modified.from: '2024-07-19T",
        ),
        (
            "        modified: {from: '2024-07-19T05:27:00Z', before: '2024-07-19T04:09:00Z'}\n",
            "p.yml:9:9: delete_file: guard: modified.from is not before modified.before: no file can match",
        ),
        ("        size: {min: 9, max: 3}\n", "p.yml:9:9: delete_file: guard: size.min is above size.max"),
    ],
)
def test_wrong_guards_are_told(guard: str, expected: str) -> None:
    """A guard's wrong value is told at that value; values that contradict each other, at the guard."""
    assert starts(expected, told(GUARDED + guard)), told(GUARDED + guard)


def test_several_wrong_values_of_one_guard_are_told_at_once() -> None:
    """A bad header doesn't hide reversed dates."""
    guard = "        header: XX\n        modified: {from: '2024-07-20T00:00:00Z', before: '2024-07-19T00:00:00Z'}\n"
    assert len(told(GUARDED + guard)) == 2


def test_values_are_judged_as_the_defaults_render_them() -> None:
    """A wrong default is found where it is used, although a template stands there."""
    body = "vars: {when: yesterday}\n" + GUARDED + "        modified: {from: '{{ when }}'}\n"
    assert starts("p.yml:10:26: delete_file: guard.modified.from: 'yesterday' is no ISO 8601 time", told(body))


def test_values_that_depend_on_the_host_wait_for_it() -> None:
    """What only a host can fill in isn't judged before."""
    assert told("actions: [delete_file: '{{ host.labels.path }}']\n") == []


@pytest.mark.parametrize("path", ["C:\\Windows\\System32\\drivers\\*.sys", "C:\\Windows\\System32\\config\\TxR\\*.blf"])
def test_wildcards_on_boot_directories_want_a_guard(path: str) -> None:
    """A glob on what hosts need to boot is refused bare, and taken with a header."""
    assert any("give it a guard" in problem for problem in told(f"actions: [delete_file: '{path}']\n"))
    assert told(f"actions: [delete_file: {{path: '{path}', guard: {{header: 4D5A}}}}]\n") == []


@pytest.mark.parametrize(
    "path",
    [
        "C:\\Windows\\System32\\drivers\\CrowdStrike\\C-00000291*.sys",
        "D:\\WINNT\\system32\\DRIVERS\\crowdstrike\\c-00000291-*.sys",
        "{{ host.labels.directory }}\\C-00000291*.sys",
    ],
)
def test_right_paths_of_channel_291_pass(path: str) -> None:
    """The lint for known recipes lets every right spelling pass."""
    assert told(f"actions: [delete_file: {{path: '{path}', guard: {{header: AAAA}}}}]\n") == []


@pytest.mark.parametrize("line", ["Restart-Computer -Force", "shutdown.exe /r /t 0", "shutdown -t 0 -r"])
def test_scripts_that_restart_are_told(line: str) -> None:
    """A restart inside a script is uncounted; even as its last line it belongs into the verb."""
    body = f"actions:\n  - run_script:\n      shell: powershell\n      script: |\n        echo a\n        {line}\n"
    assert starts("p.yml:10: the script restarts the host by itself", told(body)), told(body)


@pytest.mark.parametrize(
    "line", ["# reboot later", "grub-reboot 1", "Write-Output 'a'; $rebooted = 1", "reg add /reg:64 /r"]
)
def test_scripts_that_only_sound_like_it_pass(line: str) -> None:
    """Comments, grub-reboot and other words are no restart."""
    body = f"actions:\n  - run_script:\n      shell: powershell\n      script: |\n        {line}\n        echo a\n"
    assert told(body) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ 1 // 0 }}", "p.yml:5:24: template: integer division or modulo by zero"),
        ("{{ 'a' | uper }}", "p.yml:5:24: template: No filter named 'uper'."),
        ("{{ host.nme }}", "p.yml:5:24: template: host has no 'nme'; did you mean 'name'?"),
    ],
)
def test_templates_that_fail_on_every_host_are_told_before_any(text: str, expected: str) -> None:
    """What needs no host to go wrong is found without one."""
    assert starts(expected, told(f'actions: [delete_file: "{text}"]\n'))
