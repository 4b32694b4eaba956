"""Options of verbs: declared once as a dataclass, read from YAML with every problem at once, shown in docs and help."""

from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any, TypeVar

from unloop.errors import InputError, Problem, did_you_mean
from unloop.playbook.document import Step

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
    read: Callable[[Any], Any]
    default: Any = None


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
            read=item.metadata["kind"].read,
            default=None if item.default is MISSING else item.metadata["kind"].write(item.default),
        )
        for item in fields(options)
    )


def read_options(options: type[OptionsT], step: Step) -> OptionsT:
    """Make an Options from a rendered step's values; raises InputError with every problem.

    One plain value instead of a mapping stands for the first option.
    """
    specs = option_specs(options)
    step = _named(step, specs)
    problems = list(_unknown(step, specs))
    problems += [
        step.place.problem(f"{step.verb} needs {spec.name!r}", f"{spec.name}: {spec.help}")
        for spec in specs
        if spec.required and spec.name not in step.options
    ]
    made: dict[str, Any] = {}
    for item in fields(options):  # type: ignore[arg-type]
        name = item.metadata["name"] or item.name
        if name not in step.options:
            continue
        try:
            made[item.name] = item.metadata["kind"].read(step.options[name])
        except BadValue as error:
            problems.append(step.at(name).problem(f"{step.verb}: {name}: {error}", item.metadata["help"]))
    if problems:
        raise InputError(*problems)
    return options(**made)


def _named(step: Step, specs: tuple[OptionSpec, ...]) -> Step:
    """A step whose one plain value has got the name of the first option."""
    if "" not in step.options or not specs:
        return step
    name = specs[0].name
    places = {(name, *way[1:]) if way[:1] == ("",) else way: place for way, place in step.places.items()}
    return replace(step, options={name: step.options[""]}, places=places)


def write_options(options: Any) -> dict[str, Any]:
    """The YAML values of an Options: the inverse of read_options, defaults left out."""
    values = {}
    for item in fields(options):
        value = getattr(options, item.name)
        if value != item.default:
            values[item.metadata["name"] or item.name] = item.metadata["kind"].write(value)
    return values


def _unknown(step: Step, specs: tuple[OptionSpec, ...]) -> tuple[Problem, ...]:
    known = [spec.name for spec in specs]
    return tuple(
        step.at(name).problem(
            f"{step.verb} has no option {str(name)!r}", did_you_mean(str(name), known) or "it has none"
        )
        for name in step.options
        if name not in known
    )
