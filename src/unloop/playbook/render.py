"""Fill in a playbook for one host: sandboxed Jinja2 in which an undefined name is an error with file and line."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, UndefinedError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from unloop.errors import InputError, Problem, did_you_mean
from unloop.model.host import Host
from unloop.playbook.document import Path, Place, Playbook, Step

HOST_FIELDS = (
    "name",
    "address",
    "system",
    "model",
    "site",
    "rack",
    "power_domain",
    "tier",
    "role",
    "bitlocker",
    "uuid",
    "labels",
)
"""What a template may say of a host."""
NAMES = ("host", "campaign")
"""The names that every template knows beside the playbook's variables."""


def render(playbook: Playbook, *, host: Host, variables: Mapping[str, str], campaign: str) -> Playbook:
    """The playbook with all its texts filled in; ``variables`` override its own. Raises InputError with every problem."""
    unknown = [name for name in variables if name not in playbook.variables]
    if unknown:
        known = playbook.variables
        hints = [did_you_mean(name, known) or "it has none" for name in unknown]
        what = f"playbook {playbook.name} has no variable "
        raise InputError(
            *(
                Problem(f"{what}{name!r}", path=playbook.path, hint=hint)
                for name, hint in zip(unknown, hints, strict=True)
            )
        )
    missing = [name for name in playbook.required if name not in variables]
    if missing:
        raise InputError(
            *(
                playbook.at("vars", name).problem(f"variable {name!r} has no default", f"give it: --set {name}=...")
                for name in missing
            )
        )
    renderer = _Renderer({"host": host_names(host), "campaign": campaign})
    made = renderer.playbook(playbook, variables)
    if renderer.problems:
        raise InputError(*renderer.problems)
    return made


def mentions_host(playbook: Playbook) -> bool:
    """Whether what a playbook orders may differ from host to host; its instructions for people do not count."""
    steps = (*playbook.not_applicable_if, *playbook.already_good_if, *playbook.actions, *playbook.verify)
    texts = [*playbook.variables.values(), *(text for step in steps for text in _texts_in(step.options))]
    return any("host" in meta.find_undeclared_variables(environment().parse(text)) for text in texts)


def preview(playbook: Playbook) -> Playbook:
    """The playbook with the variables' defaults filled in; what depends on the host stays a template. Never raises."""
    return _Preview(playbook.required).playbook(playbook, {})


def preview_problems(playbook: Playbook) -> tuple[Problem, ...]:
    """What goes wrong while the variables' defaults are filled in; it would go wrong for every host."""
    made = _Preview(playbook.required)
    made.playbook(playbook, {})
    return tuple(made.problems)


def host_names(host: Host) -> dict[str, Any]:
    """What templates see as ``host``: plain values, no credentials and no endpoints."""
    names: dict[str, Any] = {name: getattr(host, name) for name in HOST_FIELDS}
    names |= {"system": str(host.system), "role": str(host.role), "labels": dict(host.labels)}
    return names


def template_problems(text: str, place: Place, variables: Mapping[str, str]) -> tuple[Problem, ...]:
    """What is wrong with a text's Jinja, as far as it can be told without a host."""
    try:
        tree = environment().parse(text)
        _template(text)
    except TemplateSyntaxError as error:
        return (_syntax(error, place),)
    known = {*variables, *NAMES}
    assigned = {node.name for node in tree.find_all(nodes.Name) if node.ctx in {"store", "param"}}
    found = [
        _unknown(node.name, place.below(node.lineno - 1), known)
        for node in tree.find_all(nodes.Name)
        if node.ctx == "load" and node.name not in known | assigned | set(environment().globals)
    ]
    found += [
        place.below(node.lineno - 1).problem(
            f"template: host has no {node.attr!r}", did_you_mean(node.attr, HOST_FIELDS)
        )
        for node in tree.find_all(nodes.Getattr)
        if isinstance(node.node, nodes.Name) and node.node.name == "host" and node.attr not in HOST_FIELDS
    ]
    return tuple(found)


@cache
def environment() -> ImmutableSandboxedEnvironment:
    """The one way in which templates run: sandboxed, strict, and text stays as it was written."""
    made = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    made.filters["powershell"] = _quote_powershell
    made.filters["sh"] = _quote_sh
    made.filters["hex"] = _hex
    return made


@lru_cache(maxsize=1024)
def _template(text: str) -> Template:
    """A compiled text: a campaign renders the same few for every host."""
    return environment().from_string(text)


def _quote_powershell(value: object) -> str:
    """A value as a PowerShell string; PowerShell takes curly quotes for straight ones."""
    text = str(value)
    for quote in "'\u2018\u2019\u201a\u201b":
        text = text.replace(quote, quote * 2)
    return f"'{text}'"


def _quote_sh(value: object) -> str:
    """A value as one word for a POSIX shell."""
    return "'" + str(value).replace("'", "'\\''") + "'"


def _hex(value: object) -> str:
    """The UTF-8 bytes of a value in hex, for the header of a guard."""
    return str(value).encode().hex()


class _Renderer:
    """Renders texts and collects what went wrong, with the line in the playbook."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names
        self.problems: list[Problem] = []

    def playbook(self, playbook: Playbook, variables: Mapping[str, str]) -> Playbook:
        """A whole playbook; a variable sees those that stand above it."""
        for name, text in playbook.variables.items():
            self.variable(name, variables[name] if name in variables else self.text(text, playbook.at("vars", name)))
        return replace(
            playbook,
            title=self.text(playbook.title, playbook.at("title")),
            variables={name: str(self.names.get(name, text)) for name, text in playbook.variables.items()},
            hands_on=self.text(playbook.hands_on, playbook.at("hands_on")),
            ladder=tuple(replace(rung, options=self.tree(rung.options, rung.at, ())) for rung in playbook.ladder),
            not_applicable_if=self.steps(playbook.not_applicable_if),
            already_good_if=self.steps(playbook.already_good_if),
            actions=self.steps(playbook.actions),
            verify=self.steps(playbook.verify),
            cleanup=self.steps(playbook.cleanup),
        )

    def variable(self, name: str, text: str) -> None:
        """Give a name its value."""
        self.names[name] = text

    def text(self, text: str, place: Place) -> str:
        """One text; a text that can't be rendered is a problem and stays as it is."""
        if "{" not in text:
            return text
        try:
            return _template(text).render(self.names)
        except TemplateSyntaxError as error:
            self.problems.append(_syntax(error, place))
        except UndefinedError as error:
            self.problems += template_problems(text, place, dict.fromkeys(self.names, "")) or [
                self.missing(error, place)
            ]
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            self.problems.append(place.below(_line(error) - 1).problem(f"template: {error}"))
        return text

    def missing(self, error: UndefinedError, place: Place) -> Problem:
        """Something that this very host has not, most often a label."""
        host = self.names.get("host", {"name": "?", "labels": {}})
        what = (error.message or "").replace("'dict object'", f"host {host['name']}")
        hint = f"its labels: {', '.join(host['labels']) or 'none'}; or give a default: {{{{ host.labels.x | default('') }}}}"
        return place.below(_line(error) - 1).problem(f"template: {what}", hint)

    def steps(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """Actions or checks."""
        return tuple(replace(step, options=self.tree(step.options, step.at, ())) for step in steps)

    def tree(self, value: Any, at: Callable[..., Place], path: Path) -> Any:
        """Every text in a tree of values."""
        if isinstance(value, Mapping):
            return {key: self.tree(item, at, (*path, key)) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.tree(item, at, (*path, index)) for index, item in enumerate(value)]
        return self.text(value, at(*path)) if isinstance(value, str) else value


class _Preview(_Renderer):
    """Renders what the variables' defaults alone can fill in."""

    def __init__(self, required: tuple[str, ...]) -> None:
        super().__init__({})
        self.required = required

    def variable(self, name: str, text: str) -> None:
        """A variable whose default depends on the host has no value yet."""
        if name not in self.required and "{{" not in text and "{%" not in text:
            super().variable(name, text)

    def text(self, text: str, place: Place) -> str:
        """One text, or the text as it is."""
        try:
            asked = meta.find_undeclared_variables(environment().parse(text))
        except TemplateSyntaxError:
            return text
        return super().text(text, place) if asked <= set(self.names) else text


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts_in(item)


def _syntax(error: TemplateSyntaxError, place: Place) -> Problem:
    return place.below(error.lineno - 1).problem(
        f"template: {error.message}", "Jinja: {{ name }}, {% if name %}...{% endif %}"
    )


def _unknown(name: str, place: Place, known: set[str]) -> Problem:
    hint = did_you_mean(name, known)
    full = f"known: {', '.join(sorted(known))}"
    return place.problem(f"template: {name!r} is undefined", hint if hint == full else f"{hint} {full}")


def _line(error: BaseException) -> int:
    """The line of the template in which an error came up: Jinja puts it into the traceback."""
    line = 1
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in {"<template>", "<unknown>"}:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
