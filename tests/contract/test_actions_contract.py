"""The contract that every installed verb keeps."""

from typing import Any

import pytest

from unloop.actions.base import Action
from unloop.actions.checks import CHECKS, make_check
from unloop.actions.registry import verb, verbs
from unloop.actions.vocabulary import vocabulary
from unloop.errors import InputError
from unloop.model.host import System
from unloop.model.order import CheckKind
from unloop.playbook.document import Step

EXAMPLES: dict[str, dict[str, Any]] = {
    "clear_safe_boot": {},
    "delete_file": {"path": "C:\\Windows\\x*.sys", "guard": {"header": "aa01"}, "keep": "hash"},
    "disable_driver": {"name": "csagent"},
    "put_file": {"path": "C:\\Windows\\x.txt", "content": "hello"},
    "quarantine_file": {"path": "C:\\Windows\\x*.sys", "guard": {"size": {"min": 1, "max": 9}}},
    "reboot": {},
    "restore_file": {"path": "C:\\Windows\\x.exe", "from": "C:\\Quarantine\\x*.exe"},
    "run_script": {"shell": "powershell", "script": "Write-Output 'unloop-already'"},
    "set_registry": {"path": "HKLM\\SOFTWARE\\x\\y", "value": 3, "type": "REG_DWORD"},
    "set_safe_boot": {"mode": "minimal"},
    "uninstall_update": {"kb": "KB5034441"},
}
CHECK_EXAMPLES: dict[str, dict[str, Any]] = {
    "file_absent": {"path": "C:\\x\\y"},
    "file_present": {"path": "C:\\x\\y*", "guard": {"unless_sibling_from": "2024-07-19T05:27:00Z"}},
    "registry_value": {"path": "HKLM\\SYSTEM\\x\\y", "equals": 4},
    "service_running": {"name": "LanmanServer"},
    "update_absent": {"kb": "KB5034441"},
    "no_bugcheck": {"within": "2h"},
    "boot_changed": {},
    "up_for": {"time": "5m"},
}
every_verb = pytest.mark.parametrize("name", sorted(verbs()))


def make(name: str) -> Action:
    """The example of a verb."""
    return verb(name).make(Step(name, EXAMPLES[name]), system=System.WINDOWS, campaign="c1")


@every_verb
def test_verb_introduces_itself(name: str) -> None:
    """A verb's class carries the name it is registered by, and a title of one line."""
    action = verbs()[name]
    assert name == action.verb
    assert action.title
    assert "\n" not in action.title


@every_verb
def test_every_option_has_help(name: str) -> None:
    """Docs and help follow from the options: each has a sentence and a kind."""
    assert [spec.name for spec in verbs()[name].option_specs() if not (spec.help and spec.kind)] == []


@every_verb
def test_verb_has_a_way_to_run(name: str) -> None:
    """A verb that can run nowhere is no verb; online on Windows each of them can."""
    assert "powershell" in make(name).ways()


@every_verb
def test_options_make_the_round_trip(name: str) -> None:
    """What to_values writes makes the same action again."""
    action = make(name)
    again = type(action).make(Step(name, action.to_values()), system=System.WINDOWS, campaign="c1")
    assert action.options == again.options


@every_verb
def test_unknown_option_is_refused(name: str) -> None:
    """A misspelt option is a problem, never ignored."""
    with pytest.raises(InputError, match="has no option 'colour'"):
        verb(name).make(Step(name, {**EXAMPLES[name], "colour": "red"}), system=System.WINDOWS, campaign="c1")


@every_verb
def test_missing_required_options_are_named(name: str) -> None:
    """Every required option that is missing is a problem of its own."""
    required = [spec.name for spec in verbs()[name].option_specs() if spec.required]
    if not required:
        return
    with pytest.raises(InputError) as caught:
        verb(name).make(Step(name, {}), system=System.WINDOWS, campaign="c1")
    assert [f"{name} needs {option!r}" for option in required] == [problem.what for problem in caught.value.problems]


@every_verb
def test_other_system_is_refused_or_served(name: str) -> None:
    """On a system that a verb is not for, making it is an error."""
    if System.LINUX in verbs()[name].systems:
        return
    with pytest.raises(InputError, match="not for linux"):
        verb(name).make(Step(name, EXAMPLES[name]), system=System.LINUX, campaign="c1")


@every_verb
def test_file_orders_and_steps_carry_the_verb(name: str) -> None:
    """Reports name the verb of the playbook, whatever the order became."""
    assert {name} >= {order.verb for order in make(name).file_orders() or ()}


@pytest.mark.parametrize("kind", list(CheckKind))
def test_every_check_is_in_the_language(kind: CheckKind) -> None:
    """Each kind of check can be written in a playbook and becomes a record of that kind."""
    check = make_check(Step(kind.value, CHECK_EXAMPLES[kind.value]), System.WINDOWS, assessing=False)
    assert kind == check.kind


def test_vocabulary_holds_all_words() -> None:
    """The checker is handed every verb and every check that is installed."""
    words = vocabulary()
    assert (set(verbs()), set(CHECKS)) == (set(words.verbs), set(words.checks))
