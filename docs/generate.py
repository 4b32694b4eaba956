"""Write docs/reference from the code itself: ``python docs/generate.py``; ``--check`` says which page is out of date."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from enum import Enum
from pathlib import Path
from typing import Any, get_type_hints

import click

from unloop import plugins
from unloop.actions.base import Action
from unloop.actions.checks import CHECKS, CheckSpec
from unloop.actions.options import OptionSpec
from unloop.actions.registry import verbs
from unloop.channels.base import AnyChannel, NoOptions, abilities
from unloop.cli.main import COMMANDS, unloop
from unloop.inventory.fields import CHANNELS, FIELDS, OF_ENDPOINT
from unloop.model.host import System
from unloop.model.outcome import GOOD, ExitCode, Outcome
from unloop.model.state import TABLE, CampaignState, Event, State, diagram
from unloop.playbook.ladder import RUNGS
from unloop.playbook.load import KEYS, NEEDED
from unloop.playbook.render import HOST_FIELDS, NAMES
from unloop.settings.schema import Settings

REFERENCE = Path(__file__).parent / "reference"
NOTE = "*This page is generated from the code by `make docs`; don't edit it.*"
WIDTH = 100

KEY_HELP = {
    "unloop": "version of the language: `1`",
    "name": "short name, used in listings and as the campaign's name",
    "title": "one line: what the playbook does",
    "system": "`windows` or `linux`",
    "vars": "variables with their defaults; one without a default must be given with `--set`",
    "assess": "`not_applicable_if` (any check holds: the host is not meant), `already_good_if` (all hold: nothing to do)",
    "actions": "what is changed, in this order: a list of verbs with their options",
    "verify": "checks that must all hold on a later boot before a host counts as fixed",
    "cleanup": "actions that run once a host is proven",
    "ladder": "rungs in the order to try; without it `in_band`, `race`, `hands_on`",
    "hands_on": "what a person is told to do where no rung helped; Jinja text",
}
GUARD_HELP = {
    "header": "first bytes of the file, in hex: `AA AA AA AA 01 00 23 01`",
    "modified": "`from` (inclusive) and `before` (exclusive), ISO 8601 with `Z` or an offset",
    "size": "`min` and `max`, in bytes",
    "sha256": "one SHA-256 or a list of them, of the whole file",
    "unless_sibling_from": "a file of the same pattern modified at or after this time: the host is good, nothing is touched",
}
TYPE_HELP = {
    "str": "text",
    "int": "number",
    "float": "number",
    "bool": "true or false",
    "bool | None": "true or false",
    "Mapping[str, str]": "table",
    "Mapping[str, tuple[str, ...]]": "table of lists",
}


def pages() -> dict[str, str]:
    """Every page by its file name."""
    makers: dict[str, Callable[[], Iterable[str]]] = {
        "cli.md": cli_page,
        "playbook.md": playbook_page,
        "channels.md": channels_page,
        "settings.md": settings_page,
        "states.md": states_page,
        "inventory.md": inventory_page,
        "exit-codes.md": exit_codes_page,
    }
    return {name: "\n\n".join(_with_note(make())) + "\n" for name, make in makers.items()}


def cli_page() -> Iterator[str]:
    """The full help of every command and subcommand."""
    yield "# Commands"
    yield (
        "What you ask for goes to stdout: lists, timelines, plans of a dry run, a report's path; `--json` puts one JSON "
        "document there and nothing else. Progress, questions, hints and errors go to stderr."
    )
    root = click.Context(unloop, info_name="unloop", terminal_width=WIDTH, **unloop.context_settings)
    yield _code(unloop.get_help(root))
    for name in sorted(COMMANDS):
        command = unloop.get_command(root, name) if isinstance(unloop, click.Group) else None
        if command is None:
            raise LookupError(f"unloop has no command {name!r}")
        yield from _command(command, root, name, level=2)


def _command(command: click.Command, parent: click.Context, name: str, *, level: int) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent, terminal_width=WIDTH)
    yield f"{'#' * level} {context.command_path}"
    yield _code(command.get_help(context))
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None:
                yield from _command(found, context, below, level=level + 1)


def playbook_page() -> Iterator[str]:
    """Keys, verbs, checks, guards, rungs and names of the language."""
    yield "# The playbook language"
    yield "A playbook is YAML; every text in it may hold Jinja2. What is unknown is an error, with file and line."
    yield "## Keys"
    yield _table(("key", "", "meaning"), ((f"`{k}`", "required" if k in NEEDED else "", KEY_HELP[k]) for k in KEYS))
    yield "## Verbs"
    yield "A plain value stands for the first option: `- file_absent: 'C:\\x.sys'`. A word without options stands alone."
    for name, verb in verbs().items():
        yield from _verb(name, verb)
    yield "## Checks"
    for name, check in CHECKS.items():
        yield from _check(name, check)
    yield "## Guards"
    yield "A guard says which files an action may touch. Everything in it must hold; an empty guard accepts every file."
    yield _table(("key", "meaning"), ((f"`{key}`", text) for key, text in GUARD_HELP.items()))
    yield "A file whose date and size fit but whose header or hash does not is *suspicious*: reported, never touched."
    yield "## Rungs"
    yield _table(("rung", "option", "meaning"), _rungs())
    yield "## Names in templates"
    yield f"The playbook's variables, {_words(NAMES)}; of `host`: {_words(HOST_FIELDS)}."
    yield "Filters beside Jinja's own: `powershell` and `sh` quote a text for that shell, `hex` gives its bytes in hex."


def _verb(name: str, verb: type[Action]) -> Iterator[str]:
    yield f"### {name}"
    notes = [f"{verb.title}.", _doc(verb), _only(verb.systems), "The host goes down with it." if verb.ends_boot else ""]
    yield " ".join(note for note in notes if note)
    yield from _options(verb.option_specs())


def _check(name: str, check: CheckSpec) -> Iterator[str]:
    yield f"### {name}"
    notes = [f"{check.title}.", _only(check.systems), "" if check.assesses else "Only in `verify`."]
    yield " ".join(note for note in notes if note)
    yield from _options(check.option_specs())


def _only(systems: frozenset[System]) -> str:
    return "" if systems == frozenset(System) else f"For {' and '.join(sorted(systems))} only."


def _options(specs: Sequence[OptionSpec]) -> Iterator[str]:
    if not specs:
        return
    rows = ((f"`{s.name}`", s.kind, "required" if s.required else _default(s.default), s.help) for s in specs)
    yield _table(("option", "value", "default", "meaning"), rows)


def _rungs() -> Iterator[tuple[str, str, str]]:
    for rung, options in RUNGS.items():
        if not options:
            yield f"`{rung}`", "", ""
        for name, option in options.items():
            yield f"`{rung}`", f"`{name}`", option.help


def channels_page() -> Iterator[str]:
    """Every channel: what it is, what it can do, its port and its options."""
    yield "# Channels"
    yield "A channel is one way to reach a host. Its options are fields of the inventory; for a BMC also `bmc_OPTION`."
    for name in plugins.names(CHANNELS):
        channel = plugins.load(CHANNELS, name)
        if not isinstance(channel, type) or not issubclass(channel, AnyChannel):
            raise TypeError(f"{name} is no channel")
        yield f"## {name}"
        yield f"{channel.title}. Port {channel.default_port}. Abilities: {_words(abilities(channel)) or 'none'}."
        yield _as_markdown(inspect.getdoc(channel) or "")
        if channel.Options is not NoOptions:
            yield _as_markdown(inspect.getdoc(channel.Options) or "")
            rows = ((f"`{name}_{f.name}`", _type(f.type), _default(f.default)) for f in fields(channel.Options))
            yield _table(("field", "value", "default"), rows)


def settings_page() -> Iterator[str]:
    """Every setting of unloop.toml."""
    yield "# Settings"
    yield "`unloop.toml`, here or where `--config` or `$UNLOOP_CONFIG` says; all of it is optional."
    hints = get_type_hints(Settings)
    for item in fields(Settings):
        if item.name == "sources":
            continue
        schema = hints[item.name]
        title = item.name
        if item.name == "credentials":
            schema, title = schema.__args__[1], "credentials.NAME"
        yield f"## [{title}]"
        yield _doc(schema)
        types = get_type_hints(schema)
        rows = (
            (f"`{f.name}`", f.metadata["kind"] or _type(types[f.name]), _default(f.default), f.metadata["doc"])
            for f in fields(schema)
        )
        yield _table(("setting", "value", "default", "meaning"), rows)


def states_page() -> Iterator[str]:
    """The state machine, drawn from its table, and the outcomes."""
    yield "# States and outcomes"
    yield "A host run is one host's way through one campaign. Drawn from the table that the program runs by:"
    yield f"```mermaid\n{diagram()}\n```"
    yield "## States"
    yield _table(("state", "meaning"), _members(State))
    yield "## Events"
    yield _table(("event", "meaning"), _members(Event))
    yield _table(("in", "on", "becomes"), ((f"`{a}`", f"`{e}`", f"`{b}`") for (a, e), b in TABLE.items()))
    yield "## Outcomes"
    yield "Every targeted host ends in exactly one of these; they add up to the target list."
    rows = ((name, text, "yes" if Outcome(name.strip("`")) in GOOD else "") for name, text in _members(Outcome))
    yield _table(("outcome", "meaning", "good"), rows)
    yield "## States of a campaign"
    yield _table(("state", "meaning"), _members(CampaignState))


def inventory_page() -> Iterator[str]:
    """Every field of a host."""
    yield "# Inventory fields"
    yield "The same in every format. See [Describe your hosts](../how-to/describe-your-hosts.md)."
    yield _table(("field", "meaning"), ((f"`{name}`", text) for name, text in FIELDS.items()))
    yield "## Fields of channels"
    yield f"For each channel {_words(f'CHANNEL_{part}' for part in OF_ENDPOINT)}, and its [options](channels.md)."
    yield f"Channels: {_words(plugins.names(CHANNELS))}."


def exit_codes_page() -> Iterator[str]:
    """What the process answers."""
    yield "# Exit codes"
    rows = (
        (str(code.value), f"`{code.name}`", text) for code, (_, text) in zip(ExitCode, _members(ExitCode), strict=True)
    )
    yield _table(("code", "name", "meaning"), rows)
    good = _words(sorted(GOOD))
    yield f"Good outcomes are {good}. See [States and outcomes](states.md)."


def member_docs(kind: type[Enum]) -> Mapping[str, str]:
    """The docstring that stands below each member of an enum, by the member's name; raises where one is missing."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    if not isinstance(tree, ast.ClassDef):
        raise TypeError(f"{kind.__name__} is no class")
    found: dict[str, str] = {}
    for statement, below in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(statement, ast.Assign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            found[ast.unparse(statement.targets[0])] = str(below.value.value)
    missing = [member.name for member in kind if member.name not in found]
    if missing:
        raise LookupError(f"{kind.__name__} doesn't describe {', '.join(missing)}")
    return found


def _members(kind: type[Enum]) -> list[tuple[str, str]]:
    docs = member_docs(kind)
    return [(f"`{member.value}`", docs[member.name]) for member in kind]


def _doc(thing: type[Any]) -> str:
    return (inspect.getdoc(thing) or "").partition("\n\n")[0].replace("\n", " ")


def _type(kind: Any) -> str:
    """A type as people say it."""
    told = kind if isinstance(kind, str) else kind.__name__ if type(kind) is type else str(kind)
    return TYPE_HELP[told.replace("collections.abc.", "")]


def _default(value: Any) -> str:
    if value is MISSING or value in ("", None) or value == {}:
        return ""
    shown = str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
    return f"`{shown}`"


def _words(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _as_markdown(text: str) -> str:
    return text.replace("``", "`")


def _code(text: str) -> str:
    return f"```\n{text.rstrip()}\n```"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    """Text that a table can hold; only outside of code does a backslash escape."""
    plain = _as_markdown(text)
    return (plain if "`" in plain else plain.replace("\\", "\\\\")).replace("|", "\\|")


def _with_note(parts: Iterable[str]) -> Iterator[str]:
    for number, part in enumerate(parts):
        yield part
        if number == 0:
            yield NOTE


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or with ``--check`` only compare; returns the exit code."""
    if unknown := [word for word in arguments if word != "--check"]:
        print(f"usage: generate.py [--check], not {' '.join(unknown)}", file=sys.stderr)
        return 2
    made = pages()
    stale = [name for name, text in made.items() if _written(name) != text]
    if "--check" in arguments:
        for name in stale:
            print(f"docs/reference/{name} is out of date; run: make docs", file=sys.stderr)
        return 1 if stale else 0
    REFERENCE.mkdir(exist_ok=True)
    for name in stale:
        (REFERENCE / name).write_text(made[name], encoding="utf-8")
        print(f"wrote docs/reference/{name}")
    return 0


def _written(name: str) -> str | None:
    page = REFERENCE / name
    return page.read_text(encoding="utf-8") if page.is_file() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
