"""``unloop playbook``: list, check, render and test playbooks, given by path or by the name of a shipped one."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from unloop.actions.compile import compile_cleanup, compile_order
from unloop.actions.proof import Proof
from unloop.actions.review import Review, review
from unloop.actions.vocabulary import vocabulary
from unloop.cli.console import stdout
from unloop.cli.options import config_option, json_option, read_inventory
from unloop.cli.output import complain, emit, emit_json, say
from unloop.cli.variables import parse_variables, set_option
from unloop.errors import InputError, Problem, did_you_mean
from unloop.model.host import Host
from unloop.model.outcome import ExitCode
from unloop.playbook.check import check as check_playbook
from unloop.playbook.document import Playbook
from unloop.playbook.fixture_load import fixture_paths
from unloop.playbook.load import load
from unloop.playbook.render import preview, render
from unloop.playbook.shipped import locate, shipped
from unloop.playbook.write import as_document, as_yaml
from unloop.settings.load import load as load_settings

CAMPAIGN = "preview"
"""The campaign that a rendered preview names; a real one has its own."""


@click.group()
def group() -> None:
    """List, check, render and test playbooks; FILE is a path or the name of a shipped playbook."""


@group.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """List the shipped playbooks."""
    playbooks = [preview(load(path)) for path in shipped()]
    if as_json:
        emit_json({"playbooks": [_summary(playbook) for playbook in playbooks]})
        return
    table = _table("name", "system", "fixtures", "verbs", "title", kept=3)
    for playbook in playbooks:
        summary = _summary(playbook)
        cells = (summary["name"], summary["system"], str(summary["fixtures"]), ", ".join(summary["verbs"]))
        table.add_row(*(escape(cell) for cell in (*cells, summary["title"])))
    stdout().print(table)
    if playbooks:
        say(f"\nThey lie in {Path(playbooks[0].path).parent}. Prove one: unloop playbook test {playbooks[0].name}")


@group.command("check")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@json_option
def check_command(files: tuple[str, ...], as_json: bool) -> int:
    """Check FILE...: shape, words, values, templates, known mistakes, and whether it does anything to its fixtures."""
    reviews = [review(locate(file)) for file in files]
    wrong = [found for found in reviews if found.problems]
    if as_json:
        emit_json({"good": not wrong, "playbooks": [_review_json(found) for found in reviews]})
        return ExitCode.USAGE if wrong else ExitCode.GOOD
    for found in reviews:
        _complain(found.problems)
        _complain(found.warnings, prefix="warning: ")
        if not found.problems:
            emit(f"{found.path}: good, {_counted(found.proofs)}")
    return ExitCode.USAGE if wrong else ExitCode.GOOD


@group.command("render")
@click.argument("file", metavar="FILE")
@click.option("--host", "host_name", required=True, metavar="NAME", help="The host to render for.")
@click.option("--inventory", "-i", metavar="SOURCE", help="Where the host is; without it a host of that name alone.")
@set_option
@config_option
@json_option
def render_command(
    file: str, host_name: str, inventory: str | None, variables: Sequence[str], config: str | None, *, as_json: bool
) -> None:
    """Show FILE as it becomes for one host, on stdout, after checking what it became."""
    playbook = load(locate(file))
    host = _host(host_name, inventory, config, playbook)
    problems = check_playbook(playbook, vocabulary())
    if problems:
        raise InputError(*problems)
    rendered = render(playbook, host=host, variables=parse_variables(variables), campaign=CAMPAIGN)
    problems = check_playbook(rendered, vocabulary())
    if problems:
        raise InputError(*problems)
    order = compile_order(rendered, campaign=CAMPAIGN)
    compile_cleanup(rendered, campaign=CAMPAIGN)
    forms = [*(["files"] if order.files is not None else []), *(str(shell) for shell in order.programs)]
    if as_json:
        emit_json({"host": host.name, "forms": forms, "playbook": as_document(rendered)})
        return
    say(f"# {playbook.name} for {host.name}; carried by: {', '.join(forms) or 'nothing'}")
    emit(as_yaml(rendered).rstrip("\n"))


@group.command("test")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@json_option
def test_command(files: tuple[str, ...], as_json: bool) -> int:
    """Prove FILE... on its fixtures: hosts that must be repaired, and hosts that must be left alone."""
    reviews = [review(locate(file)) for file in files]
    holds = all(found.proofs and not found.problems for found in reviews)
    if as_json:
        emit_json({"good": holds, "playbooks": [_review_json(found) for found in reviews]})
    else:
        for found in reviews:
            _show_proofs(found)
    if any(found.problems and not found.proofs for found in reviews):
        return ExitCode.USAGE
    return ExitCode.GOOD if holds else ExitCode.NOT_ALL_GOOD


def _table(*headers: str, kept: int) -> Table:
    """A table whose first columns are never shortened: people copy what stands there."""
    table = Table(box=None, pad_edge=False)
    for index, header in enumerate(headers):
        table.add_column(header, no_wrap=index < kept, overflow="fold")
    return table


def _summary(playbook: Playbook) -> dict[str, Any]:
    return {
        "name": playbook.name,
        "title": playbook.title,
        "system": str(playbook.system),
        "verbs": list(dict.fromkeys(step.verb for step in playbook.actions)),
        "ladder": [rung.name for rung in playbook.ladder],
        "variables": dict(playbook.variables),
        "required": list(playbook.required),
        "fixtures": len(fixture_paths(playbook.path)),
        "path": playbook.path,
    }


def _host(name: str, source: str | None, config: str | None, playbook: Playbook) -> Host:
    if source is None:
        return Host(name=name, address=name, system=playbook.system)
    hosts = {host.name: host for host in read_inventory(source, load_settings(config)).hosts}
    if name not in hosts:
        raise InputError(Problem(f"no host is called {name!r}", path=source, hint=did_you_mean(name, hosts)[:200]))
    if hosts[name].system != playbook.system:
        what = f"{name} is a {hosts[name].system} host, and playbook {playbook.name} is for {playbook.system}"
        raise InputError(Problem(what, path=source))
    return hosts[name]


def _review_json(found: Review) -> dict[str, Any]:
    return {
        "path": found.path,
        "name": found.playbook.name if found.playbook else "",
        "problems": [asdict(problem) for problem in found.problems],
        "warnings": [asdict(problem) for problem in found.warnings],
        "fixtures": [{**asdict(proof), "holds": proof.holds} for proof in found.proofs],
    }


def _complain(problems: Iterable[Problem], prefix: str = "") -> None:
    for problem in problems:
        complain(f"{prefix}{problem}")


def _counted(proofs: tuple[Proof, ...]) -> str:
    return f"holds on {len(proofs)} fixtures" if proofs else "but proven on nothing"


def _show_proofs(found: Review) -> None:
    table = _table("", "fixture", "came to", "by", "title", kept=4)
    for proof in found.proofs:
        came_to = proof.actual or "-"
        if proof.actual != proof.expected:
            came_to += f", expected {proof.expected or 'nothing'}"
        cells = ("ok" if proof.holds else "WRONG", proof.name, came_to, proof.way or "-", proof.title)
        table.add_row(*(escape(cell) for cell in cells), style="" if proof.holds else "bold red")
    emit(found.path)
    if found.proofs:
        stdout().print(table)
    _complain(found.problems)
    _complain(found.warnings, prefix="warning: ")
    emit(f"{sum(proof.holds for proof in found.proofs)} of {len(found.proofs)} fixtures hold\n")
