"""Everything that can be said of a playbook without a real host: shape, words, values, known mistakes and fixtures."""

from dataclasses import dataclass
from pathlib import Path

from unloop.actions.proof import Proof, idle_actions, prove_all
from unloop.actions.vocabulary import vocabulary
from unloop.errors import InputError, Problem
from unloop.playbook.check import check
from unloop.playbook.document import Playbook
from unloop.playbook.load import read


@dataclass(frozen=True, slots=True)
class Review:
    """What is wrong with a playbook (``problems``), and what is missing but stops nothing (``warnings``)."""

    path: str
    playbook: Playbook | None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    proofs: tuple[Proof, ...] = ()


def review(path: Path) -> Review:
    """Review one playbook; its fixtures are run once its text is in order. Never raises for a bad playbook."""
    try:
        reading = read(path)
    except InputError as error:
        return Review(str(path), None, error.problems)
    found = (*reading.problems, *check(reading.playbook, vocabulary()))
    if found:
        ordered = tuple(sorted(found, key=lambda problem: (problem.line or 0, problem.column or 0)))
        return Review(str(path), reading.playbook, ordered)
    proofs = prove_all(reading.playbook)
    failed = tuple(problem for proof in proofs for problem in proof.problems)
    problems = (*idle_actions(reading.playbook, proofs), *failed)
    return Review(str(path), reading.playbook, problems, tuple(_warnings(reading.playbook, proofs)), proofs)


def _warnings(playbook: Playbook, proofs: tuple[Proof, ...]) -> list[Problem]:
    place = f"{Path(playbook.path).parent}/fixtures/{Path(playbook.path).stem}/"
    if not proofs:
        hint = f"describe a host that must be repaired in {place}sick.yml"
        return [playbook.at("name").problem("nothing proves this playbook: it has no fixtures", hint)]
    if not any(proof.name.startswith("sick") for proof in proofs):
        return [playbook.at("name").problem("no fixture is a host that must be repaired", f"add {place}sick.yml")]
    if all(proof.name.startswith("sick") for proof in proofs):
        return [playbook.at("name").problem("no fixture is a host that must be left alone", f"add {place}healthy.yml")]
    return []
