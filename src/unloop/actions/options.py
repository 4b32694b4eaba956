"""Options of verbs: declared once as a dataclass, read from YAML with every problem at once, shown in docs and help."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from difflib import get_close_matches
from typing import Any, TypeVar

from unloop.errors import Problem

OptionsT = TypeVar("OptionsT")


class BadValue(ValueError):
    """A value that an option can't take; its text is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How an option's YAML value is read and written back; ``read`` raises BadValue with a sentence for a person."""

    name: str
    read: Callable[[Any], Any]
    write: Callable[[Any], Any] = lambda value: value


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """One option as docs, ``--help`` and the checker see it."""

    name: str
    help: str
    kind: str
    required: bool
    default: Any = None


@dataclass(frozen=True, slots=True)
class At:
    """The place in a playbook that problems are reported at."""

    path: str = ""
    line: int | None = None
    column: int | None = None

    def problem(self, what: str, hint: str = "") -> Problem:
        """A problem at this place."""
        return Problem(what, path=self.path, line=self.line, column=self.column, hint=hint)


def option(kind: Kind, text: str, *, default: Any = MISSING, name: str = "") -> Any:
    """Declare an option: a dataclass field with its kind and its help; ``name`` where YAML uses a Python keyword."""
    return field(default=default, metadata={"kind": kind, "help": text, "name": name})


def option_specs(options: type[Any]) -> tuple[OptionSpec, ...]:
    """Every option of an Options dataclass, in order."""
    return tuple(
        OptionSpec(
            name=item.metadata["name"] or item.name,
            help=item.metadata["help"],
            kind=item.metadata["kind"].name,
            required=item.default is MISSING,
            default=None if item.default is MISSING else item.metadata["kind"].write(item.default),
        )
        for item in fields(options)
    )


def read_options(
    options: type[OptionsT], verb: str, values: Mapping[str, Any], at: At, *, templates: bool = False
) -> tuple[OptionsT | None, tuple[Problem, ...]]:
    """Make an Options from YAML values; None when there are problems or unrendered values.

    ``templates`` allows values that still hold Jinja: their names are checked, their values are not.
    """
    specs = option_specs(options)
    problems = list(_unknown(verb, values, specs, at))
    problems += [
        at.problem(f"{verb} needs {spec.name}", hint=spec.help)
        for spec in specs
        if spec.required and spec.name not in values
    ]
    made: dict[str, Any] = {}
    complete = True
    for item in fields(options):  # type: ignore[arg-type]
        name = item.metadata["name"] or item.name
        if name not in values:
            continue
        value = without_templates(values[name]) if templates else values[name]
        complete = complete and value == values[name]
        if value is None and values[name] is not None:
            continue
        try:
            made[item.name] = item.metadata["kind"].read(value)
        except BadValue as error:
            problems.append(at.problem(f"{verb}: {name}: {error}", hint=item.metadata["help"]))
    if problems or not complete:
        return None, tuple(problems)
    return options(**made), ()


def write_options(options: Any) -> dict[str, Any]:
    """The YAML values of an Options: the inverse of read_options, defaults left out."""
    values = {}
    for item in fields(options):
        value = getattr(options, item.name)
        if value != item.default:
            values[item.metadata["name"] or item.name] = item.metadata["kind"].write(value)
    return values


def without_templates(value: Any) -> Any:
    """A YAML value with everything that still holds Jinja taken out; None for a string that holds it."""
    if isinstance(value, str):
        return None if "{{" in value or "{%" in value else value
    if isinstance(value, Mapping):
        kept = {key: without_templates(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item is not None or value[key] is None}
    if isinstance(value, list | tuple):
        return [item for item in map(without_templates, value) if item is not None]
    return value


def _unknown(verb: str, values: Mapping[str, Any], specs: tuple[OptionSpec, ...], at: At) -> tuple[Problem, ...]:
    known = [spec.name for spec in specs]
    return tuple(
        at.problem(f"{verb} has no option {str(name)!r}", hint=suggestion(str(name), known))
        for name in values
        if name not in known
    )


def suggestion(word: str, known: list[str]) -> str:
    """What was probably meant, or all that there is."""
    close = get_close_matches(word, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(known)}" if known else "it has none"
