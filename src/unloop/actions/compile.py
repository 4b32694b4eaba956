"""Compile a rendered playbook into an order: the remedy in every form that a channel can carry."""

import hashlib
import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from unloop.actions.base import Action
from unloop.actions.checks import make_check
from unloop.actions.encode import check_arguments, check_json
from unloop.actions.registry import verbs
from unloop.channels.answers import JUDGED_BY_TIME
from unloop.errors import InputError, Problem, did_you_mean
from unloop.model.files import Disposition, FileOrder
from unloop.model.host import System
from unloop.model.order import Check, CheckKind, Order, Shell
from unloop.model.patterns import flattened, join
from unloop.playbook.document import Playbook, Step

CAMPAIGN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
ResultT = TypeVar("ResultT")


def compile_order(rendered: Playbook, *, campaign: str) -> Order:
    """The order of a playbook rendered for one host; raises InputError with every problem."""
    return _compile(rendered, rendered.actions, campaign)


def compile_cleanup(rendered: Playbook, *, campaign: str) -> Order | None:
    """The order of a playbook's cleanup, without assessment or checks; None when there is nothing to clean up."""
    return _compile(rendered, rendered.cleanup, campaign, bare=True) if rendered.cleanup else None


def compile_traces(order: Order) -> Order | None:
    """The order that asks whether an order has moved anything aside; None where it moves nothing aside.

    Where a channel makes no directories, the quarantine is flat (see model/patterns).
    """
    system = System.LINUX if order.case_sensitive else System.WINDOWS
    places = dict.fromkeys(
        join(found.quarantine, "*.q") for found in order.files or () if found.disposition is Disposition.QUARANTINE
    )
    if system is System.WINDOWS:
        places |= dict.fromkeys(flattened(place) for place in tuple(places))
    checks = tuple(Check(CheckKind.FILE_PRESENT, place) for place in places)
    if not checks:
        return None
    return replace(order, checks=checks, verifications=_verifications(system, checks))


def make_actions(rendered: Playbook, steps: tuple[Step, ...], campaign: str) -> tuple[Action, ...]:
    """The actions of rendered steps; raises InputError with every problem."""
    problems = [] if CAMPAIGN.fullmatch(campaign) else [Problem(f"{campaign!r} can't be a directory's name")]
    directory = str(Path(rendered.path).parent) if rendered.path else ""

    def make(step: Step) -> Action:
        if step.verb not in verbs():
            raise InputError(step.place.problem(f"there is no verb {step.verb!r}", did_you_mean(step.verb, verbs())))
        return verbs()[step.verb].make(step, system=rendered.system, campaign=campaign, directory=directory)

    actions = _collect(make, steps, problems)
    problems += [
        action.context.at.problem(f"{action.verb} must be the last action: nothing can follow it")
        for action in actions[:-1]
        if action.ends_boot
    ]
    if problems:
        raise InputError(*problems)
    return actions


def _compile(rendered: Playbook, steps: tuple[Step, ...], campaign: str, *, bare: bool = False) -> Order:
    problems: list[Problem] = []

    def checks(found: tuple[Step, ...], *, assessing: bool) -> tuple[Check, ...]:
        made = (lambda step: make_check(step, rendered.system, assessing=assessing)) if not bare else None
        return _collect(made, found, problems) if made else ()

    not_applicable_if = checks(rendered.not_applicable_if, assessing=True)
    already_good_if = checks(rendered.already_good_if, assessing=True)
    verify = checks(rendered.verify, assessing=False)
    try:
        actions = make_actions(rendered, steps, campaign)
    except InputError as error:
        raise InputError(*problems, *error.problems) from error
    if problems:
        raise InputError(*problems)
    programs = _remedy_programs(rendered.system, actions, not_applicable_if, already_good_if)
    orders = _file_orders(actions, (*not_applicable_if, *already_good_if))
    return Order(
        digest=_digest(rendered.digest, orders, programs),
        not_applicable_if=not_applicable_if,
        already_good_if=already_good_if,
        files=orders,
        programs=programs,
        checks=verify,
        verifications=_verifications(rendered.system, verify),
        case_sensitive=rendered.system is System.LINUX,
    )


def _collect(make: Callable[[Step], ResultT], steps: tuple[Step, ...], problems: list[Problem]) -> tuple[ResultT, ...]:
    """Make something of each step; what is wrong goes to ``problems``, all of it."""
    made = []
    for step in steps:
        try:
            made.append(make(step))
        except InputError as error:
            problems += error.problems
    return tuple(made)


def _file_orders(actions: tuple[Action, ...], assessment: tuple[Check, ...]) -> tuple[FileOrder, ...] | None:
    orders = [action.file_orders() for action in actions]
    if not all(check.needs_files_only for check in assessment):
        return None
    return None if None in orders else tuple(order for found in orders for order in found or ())


def _digest(playbook: str, orders: tuple[FileOrder, ...] | None, programs: Mapping[Shell, str]) -> str:
    """What was ordered, as one hash: the playbook's text, and what it became for this host."""
    document = [playbook, [order.to_json() for order in orders or ()], dict(programs)]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _remedy_programs(
    system: System,
    actions: tuple[Action, ...],
    not_applicable_if: tuple[Check, ...],
    already_good_if: tuple[Check, ...],
) -> dict[Shell, str]:
    if system is System.WINDOWS:
        steps = [(action.verb, action.powershell_step()) for action in actions]
        document = {
            "not_applicable_if": [check_json(check) for check in not_applicable_if],
            "already_good_if": [check_json(check) for check in already_good_if],
            "steps": [{"verb": verb, **step} for verb, step in steps if step is not None],
        }
        complete = len(document["steps"]) == len(actions)
        return {Shell.POWERSHELL: _powershell("remedy", document)} if complete else {}
    calls = [(action.verb, action.sh_step()) for action in actions]
    lines = [
        *(("not_applicable_if", *check_arguments(check)) for check in not_applicable_if),
        *(("already_good_if", *check_arguments(check)) for check in already_good_if),
        ("assessed",),
        *(("step", verb, *call) for verb, call in calls if call is not None),
        ("finish",),
    ]
    return {Shell.SH: _sh("remedy", lines)} if all(call is not None for _, call in calls) else {}


def _verifications(system: System, verify: tuple[Check, ...]) -> dict[Shell, str]:
    asked = [check for check in verify if check.kind not in JUDGED_BY_TIME]
    if system is System.WINDOWS:
        return {Shell.POWERSHELL: _powershell("verify", {"checks": [check_json(check) for check in asked]})}
    return {Shell.SH: _sh("verify", [*(("check", *check_arguments(check)) for check in asked), ("finish",)])}


def _powershell(name: str, order: Mapping[str, Any]) -> str:
    """The order as a literal here-string (one line of ASCII, so that nothing in it can end it), then the program."""
    document = json.dumps(order, ensure_ascii=True, separators=(",", ":"))
    return f"$order = ConvertFrom-Json @'\n{document}\n'@\n{_program('guards.ps1')}{_program(f'{name}.ps1')}"


def _sh(name: str, calls: Iterable[tuple[str, ...]]) -> str:
    """The program, then one call per line, every argument quoted."""
    lines = "".join(f"{shlex.join(call)}\n" for call in calls)
    return f"{_program('guards.sh')}{_program(f'{name}.sh')}{lines}"


@cache
def _program(name: str) -> str:
    """A static program without its comments and indentation: it travels in every window."""
    text = files("unloop.actions").joinpath("programs", name).read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines()]
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("#"))
