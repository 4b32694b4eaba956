"""The verbs and checks that are installed, as the words that playbook.check judges a document by."""

from unloop.actions.checks import CHECKS
from unloop.actions.compile import make_actions
from unloop.actions.options import OptionSpec
from unloop.actions.registry import verbs
from unloop.errors import InputError, Problem
from unloop.playbook.document import Playbook, Step
from unloop.playbook.vocabulary import OptionRule, Vocabulary, Word


def vocabulary() -> Vocabulary:
    """Every verb and every check, with their options."""
    actions = {
        name: Word(
            name=name,
            title=action.title,
            options=_rules(action.option_specs()),
            bare=_bare(action.option_specs()),
            systems=action.systems,
            ends_boot=action.ends_boot,
            removes=action.removes,
            judge=_judge,
        )
        for name, action in verbs().items()
    }
    checks = {
        name: Word(
            name=name,
            title=spec.title,
            options=_rules(spec.option_specs()),
            bare=_bare(spec.option_specs()),
            systems=spec.systems,
            assesses=spec.assesses,
        )
        for name, spec in CHECKS.items()
    }
    return Vocabulary(actions, checks)


def _judge(step: Step, playbook: Playbook) -> tuple[Problem, ...]:
    """What a verb says of its options taken together."""
    try:
        make_actions(playbook, (step,), "check")
    except InputError as error:
        return error.problems
    return ()


def _rules(specs: tuple[OptionSpec, ...]) -> tuple[OptionRule, ...]:
    return tuple(OptionRule(spec.name, spec.help, spec.required, spec.read, spec.kind, spec.default) for spec in specs)


def _bare(specs: tuple[OptionSpec, ...]) -> str:
    """One plain value stands for the first option."""
    return specs[0].name if specs else ""
