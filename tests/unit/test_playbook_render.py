"""Rendering: strict, sandboxed, with the playbook's line in every error."""

import pytest

from unloop.errors import InputError
from unloop.model.host import Host
from unloop.playbook.document import Playbook
from unloop.playbook.load import loads
from unloop.playbook.render import preview, render
from unloop.playbook.write import as_yaml

HOST = Host(name="ws-1", address="192.0.2.7", site="LHR", labels={"owner": "O'Neil"})


def playbook(action: str, variables: str = "{a: one}") -> Playbook:
    """A playbook with one action."""
    head = f"unloop: 1\nname: x\ntitle: t\nsystem: windows\nvars: {variables}\nactions:\n"
    return loads(f"{head}{action}\nverify: [boot_changed]\n", "p.yml")


def value(action: str, *, variables: str = "{a: one}", **given: str) -> object:
    """What an action's plain value becomes."""
    made = render(playbook(f"  - v: {action}", variables), host=HOST, variables=given, campaign="c-1")
    return made.actions[0].options[""]


def told(action: str, variables: str = "{a: one}") -> str:
    """The one problem of rendering."""
    with pytest.raises(InputError) as caught:
        render(playbook(action, variables), host=HOST, variables={}, campaign="c-1")
    return str(caught.value)


def test_texts_are_filled_in() -> None:
    """Variables, the host and the campaign are known; a variable sees those above it."""
    assert value("'{{ a }} {{ host.name }} {{ host.site }} {{ campaign }}'") == "one ws-1 LHR c-1"
    assert value("'{{ b }}'", variables="{a: one, b: 'b of {{ a }}'}") == "b of one"


def test_given_values_win_and_are_no_templates() -> None:
    """--set overrides a default, and what an operator types is never executed as a template."""
    assert value("'{{ a }}'", a="{{ host.name }}") == "{{ host.name }}"


def test_undefined_names_are_errors_with_line_and_what_is_known() -> None:
    """The line is that of the template inside a block of text, and the known names are listed."""
    text = told("  - v:\n      script: |\n        fine\n        {{ aa }}\n")
    assert text == "p.yml:10: template: 'aa' is undefined; did you mean 'a'? known: a, campaign, host"


def test_missing_labels_name_the_host() -> None:
    """A label that one host hasn't is told with the host and its labels."""
    text = told("  - v: '{{ host.labels.onwer }}'")
    assert text.startswith(
        "p.yml:7:8: template: host ws-1 has no attribute 'onwer'; its labels: owner; or give a default"
    )


def test_unknown_host_fields_are_errors() -> None:
    """A misspelt field of the host is told with the nearest one."""
    assert "p.yml:7:8: template: host has no 'nme'; did you mean 'name'?" in told("  - v: '{{ host.nme }}'")


def test_syntax_errors_have_their_line() -> None:
    """A template that can't be parsed names its line in the playbook."""
    assert told("  - v: '{% if a %}'").startswith("p.yml:7:8: template: Unexpected end of template")


def test_all_problems_come_at_once() -> None:
    """Two wrong templates are two problems of one run."""
    assert len(told("  - v: '{{ b }}'\n  - v: '{{ c }}'").splitlines()) == 2


def test_the_sandbox_holds() -> None:
    """A template can't reach Python's insides."""
    assert "unsafe" in told("""  - v: "{{ ''.__class__.__mro__ }}" """)


def test_unknown_variables_are_refused() -> None:
    """A misspelt --set is told with the nearest name."""
    with pytest.raises(InputError, match="playbook x has no variable 'aa'; did you mean 'a'"):
        value("x", aa="1")


def test_required_variables_must_be_given() -> None:
    """A variable without a default names its place and how to give it."""
    assert told("  - v: x", "{a: }") == "p.yml:5:10: variable 'a' has no default; give it: --set a=..."


def test_values_can_be_quoted_for_scripts() -> None:
    """A label with a quote can't break out of a script's string."""
    assert value("'{{ host.labels.owner | powershell }}'") == "'O''Neil'"
    assert value("'{{ host.labels.owner | sh }}'") == "'O'\\''Neil'"
    assert value('"{{ host.labels.owner[:2] | hex }}"') == "4f27"


def test_a_preview_fills_in_what_needs_no_host() -> None:
    """Defaults are filled in, templates of the host and of required variables stay."""
    shown = preview(
        playbook("  - v: ['{{ a }}', '{{ host.name }}', '{{ b }}', '{{ c }}']", "{a: one, b: , c: '{{ b }}'}")
    )
    assert shown.actions[0].options[""] == ["one", "{{ host.name }}", "{{ b }}", "{{ c }}"]


def test_a_rendered_playbook_is_a_playbook() -> None:
    """What render shows loads again and says the same."""
    made = render(playbook("  - v: {p: 'C:\\x', n: 4, s: \"a\\nb\\n\"}"), host=HOST, variables={}, campaign="c")
    again = loads(as_yaml(made), "again.yml")
    assert [step.options for step in made.actions] == [step.options for step in again.actions]
    assert made.variables == again.variables
