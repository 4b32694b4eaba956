"""Check a playbook: words, options, values, templates, and mistakes that public recipes for the same fault have made."""

from collections.abc import Iterator, Mapping
from typing import Any

from unloop.errors import Problem, did_you_mean
from unloop.playbook.document import LadderRung, Path, Playbook, Step, leaves
from unloop.playbook.ladder import rung_problems
from unloop.playbook.lint import lint, path_advice
from unloop.playbook.render import preview, preview_problems, template_problems
from unloop.playbook.vocabulary import OptionRule, Vocabulary, Word

NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


def check(playbook: Playbook, vocabulary: Vocabulary) -> tuple[Problem, ...]:
    """Everything that is wrong with a playbook, rendered or not, in the order of the file.

    Values that depend on the host are judged once it is rendered for one; the others with the variables' defaults.
    """
    shown = preview(playbook)
    problems = [
        *_name(playbook),
        *_texts(playbook),
        *preview_problems(playbook),
        *_ladder(shown),
        *_steps(shown, (*shown.actions, *shown.cleanup), vocabulary.verbs, "verb"),
        *_steps(shown, shown.checks, vocabulary.checks, "check"),
        *_assessment(shown, vocabulary),
        *lint(shown, vocabulary),
    ]
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: (problem.line or 0, problem.column or 0)))


def named_options(step: Step, word: Word) -> dict[str, Any]:
    """The options of a step by name: a plain value stands for the word's main option."""
    return {word.bare if name == "" else name: value for name, value in step.options.items()}


def is_template(value: Any) -> bool:
    """Whether a value still holds Jinja, so that it can't be judged yet."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _name(playbook: Playbook) -> Iterator[Problem]:
    if playbook.name and not set(playbook.name) <= NAME_CHARACTERS:
        yield playbook.at("name").problem(f"the name {playbook.name!r} isn't one of small letters, digits and -")


def _ladder(playbook: Playbook) -> Iterator[Problem]:
    names = [rung.name for rung in playbook.ladder]
    for index, rung in enumerate(playbook.ladder):
        yield from rung_problems(rung)
        if rung.name in names[:index]:
            yield rung.place.problem(f"rung {rung.name} stands in the ladder twice")
        if rung.name == "hands_on" and index + 1 < len(names):
            yield rung.place.problem("no rung can follow hands_on", "people have the host by then")
    if "hands_on" in names and not playbook.hands_on:
        yield playbook.ladder[names.index("hands_on")].place.problem(
            "the ladder ends in people's hands, but hands_on says nothing to them", "write a hands_on text"
        )


def _texts(playbook: Playbook) -> Iterator[Problem]:
    earlier: dict[str, str] = {}
    for name, text in playbook.variables.items():
        yield from template_problems(text, playbook.at("vars", name), earlier)
        earlier[name] = text
    for part, text in (("title", playbook.title), ("hands_on", playbook.hands_on)):
        yield from template_problems(text, playbook.at(part), playbook.variables)
    items: tuple[Step | LadderRung, ...] = (*playbook.checks, *playbook.actions, *playbook.cleanup, *playbook.ladder)
    for item in items:
        for path, value in leaves(item.options):
            if isinstance(value, str):
                yield from template_problems(value, item.at(*path), playbook.variables)


def _steps(playbook: Playbook, steps: tuple[Step, ...], words: Mapping[str, Word], what: str) -> Iterator[Problem]:
    for step in steps:
        word = words.get(step.verb)
        if word is None:
            yield step.place.problem(f"there is no {what} {step.verb!r}", did_you_mean(step.verb, words))
            continue
        if playbook.system not in word.systems:
            systems = " and ".join(sorted(word.systems))
            yield step.place.problem(f"{step.verb} is for {systems} only, this playbook is for {playbook.system}")
        found = tuple(_options(step, word))
        yield from found
        if not found and not any(is_template(leaf) for _, leaf in leaves(step.options)):
            yield from word.judge(step, playbook)


def _assessment(playbook: Playbook, vocabulary: Vocabulary) -> Iterator[Problem]:
    for step in (*playbook.not_applicable_if, *playbook.already_good_if):
        if step.verb in vocabulary.checks and not vocabulary.checks[step.verb].assesses:
            yield step.place.problem(f"{step.verb} says nothing before a remedy", "it belongs into verify")


def _options(step: Step, word: Word) -> Iterator[Problem]:
    if "" in step.options and not word.bare:
        hint = f"known: {', '.join(option.name for option in word.options)}" if word.options else "it has none"
        yield step.at("").problem(f"{step.verb} takes its options as a mapping", hint)
        return
    named = named_options(step, word)
    known = [option.name for option in word.options]
    for option in word.options:
        if option.required and option.name not in named:
            yield step.place.problem(f"{step.verb} needs {option.name}", option.help)
    for name, value in named.items():
        rule = word.option(name)
        if rule is None:
            yield step.at(name).problem(
                f"{step.verb} has no option {name!r}", did_you_mean(name, known) or "it has none"
            )
        else:
            yield from _value(step, rule, value)


def _value(step: Step, rule: OptionRule, value: Any) -> Iterator[Problem]:
    """What is wrong with one option; in a mapping each wrong value is named at its own place."""
    way = ("",) if "" in step.options else (rule.name,)
    wrong = [(path, error) for path, leaf in leaves(value) if (error := _refusal(rule, _nested(path, leaf), leaf))]
    rest = value
    if wrong and isinstance(value, Mapping):
        refused = {path[:1] for path, _ in wrong}
        rest = {key: item for key, item in value.items() if (key,) not in refused}
    if not wrong or rest is not value:
        error = "" if any(is_template(leaf) for _, leaf in leaves(rest)) else _refusal(rule, rest, rest)
        wrong += [((), error)] if error else []
    for path, error in wrong:
        where = ".".join(str(part) for part in (rule.name, *path) if isinstance(part, str))
        hint = (path_advice(value) if rule.kind.startswith("path") else "") or (
            "" if ";" in error or "such as" in error else rule.help
        )
        yield step.at(*way, *path).problem(f"{step.verb}: {where}: {error}", hint)


def _refusal(rule: OptionRule, value: Any, leaf: Any) -> str:
    """Why an option refuses a value, '' when it doesn't; a template can't be judged yet."""
    if is_template(leaf):
        return ""
    try:
        rule.read(value)
    except ValueError as error:
        return str(error).replace("\\\\", "\\")  # repr doubles the backslashes of a Windows path
    return ""


def _nested(path: Path, leaf: Any) -> Any:
    for part in reversed(path):
        leaf = [leaf] if isinstance(part, int) else {part: leaf}
    return leaf
