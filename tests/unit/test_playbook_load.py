"""Loading playbooks: shape, places, and every problem at once."""

import hashlib

import pytest

from unloop.errors import InputError
from unloop.model.host import System
from unloop.playbook.document import LadderRung, Place, Step
from unloop.playbook.ladder import rung_values
from unloop.playbook.load import loads, read_playbook

GOOD = """\
unloop: 1
name: small
title: A small one
system: windows
vars:
  file: 'C:\\Data\\x.bin'
  size: 10
  needed:
actions:
  - delete_file: '{{ file }}'
  - reboot
verify:
  - file_absent: {path: '{{ file }}', guard: {size: {min: 1}}}
ladder: [in_band, {race: {resets: 3, watch: 2m}}]
"""


def test_a_playbook_is_read_whole() -> None:
    """Every part becomes its record, texts as they were written."""
    playbook = loads(GOOD, "p.yml")
    assert (playbook.name, playbook.system) == ("small", System.WINDOWS)
    assert playbook.variables == {"file": "C:\\Data\\x.bin", "size": "10", "needed": ""}
    assert playbook.required == ("needed",)
    assert (
        Step("delete_file", {"": "{{ file }}"}, Place("p.yml", 10, 5)),
        Step("reboot", {}, Place("p.yml", 11, 5)),
    ) == (playbook.actions)
    assert tuple(rung.name for rung in playbook.ladder) == ("in_band", "race")
    assert hashlib.sha256(GOOD.encode()).hexdigest() == playbook.digest


def test_options_know_their_places() -> None:
    """A value deep inside an option is found again, and what is missing takes the place around it."""
    step = loads(GOOD, "p.yml").verify[0]
    assert Place("p.yml", 13, 59) == step.at("guard", "size", "min")
    assert step.at("guard", "size") == step.at("guard", "size", "max")


def test_all_problems_of_shape_come_at_once() -> None:
    """Unknown keys at every level, missing ones, a wrong system and a wrong version: one run tells them all."""
    text = GOOD.replace("title:", "titel:").replace("windows", "windws").replace("unloop: 1", "unloop: 2")
    text = text.replace("actions:", "assess: {alredy_good_if: []}\nactions:").replace("  - reboot", "  - {a: 1, b: 2}")
    told = [str(problem) for problem in read_playbook(text, "p.yml").problems]
    expected = [
        "p.yml:1:9: this is version 2 of the language; this unloop knows version 1",
        "p.yml:1: 'title' is missing",
        "p.yml:3:1: a playbook has no key 'titel'; did you mean 'title'?",
        "p.yml:4:9: there is no system 'windws'; did you mean 'windows'?",
        "p.yml:9:10: assess has no key 'alredy_good_if'; did you mean 'already_good_if'?",
        (
            "p.yml:12:5: an item of actions has one key, its word; is its indentation right? its options stand two spaces "
            "further in"
        ),
    ]
    assert sorted(expected) == sorted(told)


def test_a_list_is_no_playbook() -> None:
    """A file of another kind is told as such."""
    with pytest.raises(InputError, match=r"p\.yml:1:1: a playbook is a mapping of keys"):
        loads("- a\n", "p.yml")


def test_names_of_variables_are_names() -> None:
    """A variable can't shadow the host, and can't hold a list."""
    text = GOOD.replace("  size: 10", "  host: x\n  my-name: y\n  many: [1, 2]")
    assert len(read_playbook(text, "p.yml").problems) == 3


def test_rungs_have_typed_values() -> None:
    """Counts, durations and flags of a rung come out as numbers, seconds and bools, from YAML or from a template."""
    rung = LadderRung("race", {"resets": "3", "watch": "2m", "elapsed": 90})
    assert rung_values(rung) == {"resets": 3, "watch": 120.0, "elapsed": 90.0}
    assert rung_values(LadderRung("safe_mode", {"dsrepair": "true"})) == {"dsrepair": True}


def test_a_wrong_rung_is_told() -> None:
    """A misspelt rung and a yes that is no flag are named."""
    with pytest.raises(InputError, match="there is no rung 'rase'; did you mean 'race'"):
        rung_values(LadderRung("rase"))
    with pytest.raises(InputError, match="'yes' is neither true nor false"):
        rung_values(LadderRung("safe_mode", {"dsrepair": "yes"}))
