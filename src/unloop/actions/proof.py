"""Prove a playbook on its fixtures: each is a host that must be repaired, left alone or reported, for reasons of its own."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from unloop.actions.base import Action
from unloop.actions.checks import make_check
from unloop.actions.compile import compile_cleanup, compile_order, make_actions
from unloop.actions.facts import HostFacts, answer, apply, crashes, registry_key, text_of
from unloop.channels.perform import perform
from unloop.errors import ChannelError, InputError, Problem
from unloop.model.order import Check, Order
from unloop.model.report import STOPPING, ActionReport, ActionStatus, RemedyReport, Verdict
from unloop.playbook.document import Playbook, Step
from unloop.playbook.fixture import Fixture
from unloop.playbook.fixture_load import fixture_paths, load_fixture
from unloop.playbook.render import render

CAMPAIGN = "proof"
MATCHED = frozenset({ActionStatus.CHANGED, ActionStatus.SENT})
QUARANTINES = ("unloop-quarantine/", "var/lib/unloop/quarantine/")
PROVEN = frozenset({Verdict.LANDED, Verdict.SENT, Verdict.ALREADY_GOOD})


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of one fixture. ``way`` tells how: by file operations over a real tree, or on facts."""

    name: str
    title: str
    path: str
    expected: str
    actual: str = ""
    way: str = ""
    actions: tuple[ActionReport, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether everything came as expected."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Trial:
    """A playbook rendered and compiled for one fixture's host."""

    order: Order
    actions: tuple[Action, ...]
    crashes_while: tuple[Check, ...]
    crashes_unless: tuple[Check, ...]

    def crashes(self, facts: HostFacts) -> bool:
        """Whether the host would crash as it is."""
        return crashes(facts, hold=self.crashes_while, unless=self.crashes_unless)


def prove_all(playbook: Playbook) -> tuple[Proof, ...]:
    """Prove a playbook on every fixture beside it."""
    return tuple(_prove_path(playbook, path) for path in fixture_paths(playbook.path))


def idle_actions(playbook: Playbook, proofs: tuple[Proof, ...]) -> tuple[Problem, ...]:
    """Actions that did nothing in any fixture: on a real host they would do nothing either."""
    if not proofs or any(not proof.way for proof in proofs):
        return ()
    return tuple(_idle(playbook, proofs))


def prove(playbook: Playbook, fixture: Fixture) -> Proof:
    """Prove a playbook on one fixture, in a temporary directory."""
    blank = Proof(fixture.name, fixture.title, fixture.path, str(fixture.expect.verdict))
    try:
        trial = _prepare(playbook, fixture)
    except InputError as error:
        return replace(blank, problems=error.problems)
    with tempfile.TemporaryDirectory(prefix="unloop-proof-") as directory:
        try:
            facts = HostFacts.build(Path(directory), playbook.system, fixture)
            return _try(blank, trial, facts)
        except (ChannelError, OSError) as error:
            return replace(blank, problems=(fixture.at("files").problem(f"this host can't be built: {error}"),))


def _prove_path(playbook: Playbook, path: Path) -> Proof:
    try:
        return prove(playbook, load_fixture(path, system=playbook.system))
    except InputError as error:
        return Proof(path.stem, "", str(path), "", problems=error.problems)


def _prepare(playbook: Playbook, fixture: Fixture) -> Trial:
    rendered = render(playbook, host=fixture.host, variables=fixture.variables, campaign=CAMPAIGN)
    order = compile_order(rendered, campaign=CAMPAIGN)
    compile_cleanup(rendered, campaign=CAMPAIGN)
    fault = replace(playbook, not_applicable_if=fixture.crashes_while, already_good_if=fixture.crashes_unless)
    fault = render(fault, host=fixture.host, variables=fixture.variables, campaign=CAMPAIGN)
    return Trial(
        order=order,
        actions=make_actions(rendered, rendered.actions, CAMPAIGN),
        crashes_while=tuple(make_check(step, playbook.system, assessing=True) for step in fault.not_applicable_if),
        crashes_unless=tuple(make_check(step, playbook.system, assessing=True) for step in fault.already_good_if),
    )


def _try(blank: Proof, trial: Trial, facts: HostFacts) -> Proof:
    fixture = facts.fixture
    before = facts.snapshot()
    problems = list(_before(trial, facts))
    report = perform(trial.order, facts.files) if trial.order.files is not None else _carry_out(trial, facts)
    if report.verdict != fixture.expect.verdict:
        what = f"expected {fixture.expect.verdict}, came to {report.verdict}{_reasons(report)}"
        problems.append(fixture.at("expect", "verdict").problem(what))
    problems += _files(fixture, facts, before)
    problems += _facts(fixture, facts)
    facts.change(fixture.after_boot)
    if report.verdict in PROVEN:
        problems += _after(trial, facts)
    return replace(
        blank,
        actual=str(report.verdict),
        way="files" if trial.order.files is not None else "facts",
        actions=report.actions,
        problems=tuple(problems),
    )


def _carry_out(trial: Trial, facts: HostFacts) -> RemedyReport:
    """The whole remedy on facts, in the same order as the programs."""
    reason = next((check for check in trial.order.not_applicable_if if answer(check, facts).holds), None)
    if reason is not None:
        return RemedyReport(Verdict.NOT_APPLICABLE, message=str(reason))
    good = trial.order.already_good_if
    if good and all(answer(check, facts).holds for check in good):
        return RemedyReport(Verdict.ALREADY_GOOD, message="the host is as the playbook wants it")
    done: tuple[ActionReport, ...] = ()
    for action in trial.actions:
        done = (*done, apply(action, facts, done))
        if done[-1].status in STOPPING:
            break
    return RemedyReport.of(done)


def _before(trial: Trial, facts: HostFacts) -> Iterator[Problem]:
    """A sick host must crash, and must not pass verification: a proof that always holds proves nothing."""
    fixture = facts.fixture
    if not fixture.is_sick:
        return
    holds = [answer(check, facts).holds for check in trial.order.checks]
    answered = [held for held in holds if held is not None]
    if answered and all(answered):
        yield fixture.at("title").problem("this host passes verification before the remedy, so verify proves nothing")
    if (trial.crashes_while or trial.crashes_unless) and not trial.crashes(facts):
        failing = [str(check) for check in trial.crashes_while if not answer(check, facts).holds]
        what = f"this host would not crash: {', '.join(failing) or 'crashes_unless holds'}"
        yield fixture.at("crashes_while" if failing else "crashes_unless").problem(what)


def _after(trial: Trial, facts: HostFacts) -> Iterator[Problem]:
    fixture = facts.fixture
    failing = [str(check) for check in trial.order.checks if answer(check, facts).holds is False]
    if not fixture.expect.verified:
        if not failing:
            yield fixture.at("expect", "verified").problem("verification was to fail afterwards, and would hold")
        return
    for check in failing:
        yield fixture.at("expect").problem(f"verification would fail on this host afterwards: {check}")
    if trial.crashes(facts):
        yield fixture.at("crashes_while").problem("the host would still crash after the remedy")


def _files(fixture: Fixture, facts: HostFacts, before: dict[str, str]) -> Iterator[Problem]:
    after = facts.snapshot()
    touched = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    touched = {name for name in touched if not name.replace("\\", "/").startswith(QUARANTINES)}
    known = {name.lower(): name for name in before.keys() | after.keys()}
    expected = set()
    for part in ("changed", "kept"):
        for index, path in enumerate(getattr(fixture.expect, part)):
            name = _relative(path, facts, known)
            expected.add(name)
            if part == "changed" and name not in touched:
                yield fixture.at("expect", part, index).problem(f"{path} was to be changed, and was not")
            if part == "kept" and (name in touched or name not in after):
                yield fixture.at("expect", part, index).problem(f"{path} was to be kept, and was not")
    for name in sorted(touched - expected):
        yield fixture.at("expect", "changed").problem(f"{name} was changed, and the fixture doesn't expect it")


def _relative(path: str, facts: HostFacts, known: dict[str, str]) -> str:
    name = str(facts.place(path).relative_to(facts.root))
    return known.get(name.lower(), name) if facts.system == "windows" else name


def _facts(fixture: Fixture, facts: HostFacts) -> Iterator[Problem]:
    at = fixture.at
    for path, value in fixture.expect.registry.items():
        found = facts.registry.get(registry_key(path))
        if found != text_of(value):
            yield at("expect", "registry", path).problem(f"{path} was to be {value!r}, and is {found!r}")
    for name, state in fixture.expect.services.items():
        if facts.services.get(name.lower()) != state:
            yield at("expect", "services", name).problem(
                f"{name} was to be {state}, is {facts.services.get(name.lower())}"
            )
    for name, is_installed in fixture.expect.updates.items():
        if (name in facts.updates) is not is_installed:
            yield at("expect", "updates", name).problem(f"{name} was to be {'' if is_installed else 'un'}installed")


def _reasons(report: RemedyReport) -> str:
    reasons = [f"{action.verb}: {action.status} {action.message}".strip() for action in report.actions]
    text = "; ".join(filter(None, [report.message, *reasons]))
    return f" ({text})" if text else ""


def _idle(playbook: Playbook, proofs: tuple[Proof, ...]) -> Iterator[Problem]:
    for index, step in enumerate(playbook.actions):
        statuses = {proof.actions[index].status for proof in proofs if index < len(proof.actions)}
        if not statuses & MATCHED:
            yield _idle_problem(step, proofs)


def _idle_problem(step: Step, proofs: tuple[Proof, ...]) -> Problem:
    sick = [proof.name for proof in proofs if proof.name.startswith("sick")]
    what = f"{step.verb} does nothing on any of its fixtures ({', '.join(sick) or 'none is called sick...'})"
    return step.at("path").problem(
        what, "on a real host it would match nothing either; compare its path with the fixtures' files"
    )
