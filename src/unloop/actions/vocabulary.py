"""The verbs and checks that are installed, as the words that playbook.check judges a document by."""

from unloop.actions.checks import CHECKS
from unloop.actions.options import OptionSpec
from unloop.actions.registry import verbs
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
        )
        for name, action in verbs().items()
    }
    checks = {
        name: Word(name, spec.title, _rules(spec.option_specs()), _bare(spec.option_specs()), spec.systems)
        for name, spec in CHECKS.items()
    }
    return Vocabulary(actions, checks)


def _rules(specs: tuple[OptionSpec, ...]) -> tuple[OptionRule, ...]:
    return tuple(OptionRule(spec.name, spec.help, spec.required, spec.read, spec.kind, spec.default) for spec in specs)


def _bare(specs: tuple[OptionSpec, ...]) -> str:
    """One plain value stands for the first option."""
    return specs[0].name if specs else ""
