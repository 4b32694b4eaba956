"""``unloop doctor``: what is installed, reachable and misconfigured, each with what to do."""

import importlib.util
import platform
import resource
import shutil
import sys
from collections.abc import Callable, Iterator

import click
from rich.table import Table
from rich.text import Text

from unloop import __version__, plugins
from unloop.cli.console import stdout
from unloop.cli.finding import Finding, Mark
from unloop.cli.options import config_option, json_option
from unloop.cli.output import emit_json
from unloop.cli.peers import broker_finding, trust_findings
from unloop.dispatch.context import store_url
from unloop.errors import UnloopError
from unloop.model.outcome import ExitCode
from unloop.playbook.shipped import shipped
from unloop.race.budget import room, this_machine
from unloop.secrets.resolve import resolve
from unloop.settings.load import load as load_settings
from unloop.settings.schema import Settings
from unloop.store import accounts, campaigns
from unloop.store.database import open_database

EXTRAS = {
    "psycopg": "PostgreSQL as store: pip install 'unloop[postgres]'",
    "keyring": "secrets from the system's keyring: pip install 'unloop[keyring]'",
    "gssapi": "Kerberos log-ons: pip install 'unloop[kerberos]'",
    "asyncssh": "rehearsals and the demo: pip install 'unloop[rehearsal]'",
}


@click.command("doctor")
@config_option
@json_option
def command(config: str | None, *, as_json: bool) -> int:
    """Say what is installed, reachable and misconfigured. Exit code 1 when something has to be put right."""
    found = list(_examine(config))
    if as_json:
        emit_json([{"mark": item.mark, "about": item.about, "text": item.text} for item in found])
    else:
        table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        for column in ("mark", "about", "text"):
            table.add_column(column, no_wrap=column != "text", overflow="fold")
        colours = {Mark.OK: "green", Mark.NOTE: "yellow", Mark.BAD: "bold red"}
        for item in found:
            table.add_row(Text(item.mark, style=colours[item.mark]), Text(item.about), Text(item.text))
        stdout().print(table)
    return ExitCode.NOT_ALL_GOOD if any(item.mark is Mark.BAD for item in found) else ExitCode.GOOD


def _examine(config: str | None) -> Iterator[Finding]:
    yield Finding(Mark.OK, "unloop", f"{__version__} on Python {platform.python_version()}, {platform.platform()}")
    if sys.platform != "linux":
        yield Finding(Mark.NOTE, "system", "only Linux is tested; the race needs epoll")
    yield from _plugins()
    yield from _limits()
    try:
        settings = load_settings(config)
    except UnloopError as error:
        yield Finding(Mark.BAD, "settings", str(error))
        return
    yield Finding(Mark.OK, "settings", ", ".join(map(str, settings.sources)) or "none; the defaults hold (unloop init)")
    yield from _guarded("store", lambda: _store(settings))
    yield from _guarded("broker", lambda: [broker_finding(settings)])
    yield from _credentials(settings)
    yield from trust_findings(settings)


def _plugins() -> Iterator[Finding]:
    for group in ("unloop.channels", "unloop.actions", "unloop.inventories", "unloop.secrets"):
        names = plugins.names(group)
        yield Finding(Mark.OK if names else Mark.BAD, group.removeprefix("unloop."), ", ".join(names) or "none")
    yield from _guarded("playbooks", lambda: [Finding(Mark.OK, "playbooks", ", ".join(p.stem for p in shipped()))])
    for module, purpose in EXTRAS.items():
        if importlib.util.find_spec(module) is None:
            yield Finding(Mark.NOTE, "optional", f"{module} is missing; {purpose}")


def _limits() -> Iterator[Finding]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    hosts = room(this_machine())
    mark = Mark.OK if hosts >= 500 else Mark.BAD
    hint = "" if mark is Mark.OK else "; raise it (ulimit -n, or LimitNOFILE= of the service)"
    yield Finding(mark, "open files", f"{soft} now, {hard} at most: room for about {hosts} hosts in one process{hint}")


def _store(settings: Settings) -> Iterator[Finding]:
    database = open_database(store_url(settings))
    known = campaigns.list_all(database)
    yield Finding(Mark.OK, "store", f"{database.label}: {len(known)} campaigns")
    for name, detail in accounts.stopped(database):
        yield Finding(Mark.NOTE, "account", f"{name} is stopped: {detail}; correct it, then retry the hosts")
    if not database.is_postgresql:
        path = database.engine.url.database or "."
        free = shutil.disk_usage(path if path != ":memory:" else ".").free
        mark = Mark.OK if free > 1 << 30 else Mark.BAD
        yield Finding(mark, "disk", f"{free / (1 << 30):.1f} GiB free for the store")
    database.close()


def _credentials(settings: Settings) -> Iterator[Finding]:
    if not settings.credentials:
        yield Finding(Mark.NOTE, "credentials", "none; name some in unloop.toml ([credentials.NAME])")
    for name, entry in settings.credentials.items():
        references = [reference for reference in (entry.password, entry.key) if reference and "{host}" not in reference]
        yield from _guarded(f"credential {name}", lambda found=references, user=entry.username: _resolved(found, user))


def _resolved(references: list[str], username: str) -> Iterator[Finding]:
    for reference in references:
        resolve(reference)
    yield Finding(Mark.OK, "credential", f"{username}: {len(references)} secrets can be read")


def _guarded(about: str, look: Callable[..., Iterator[Finding] | list[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except UnloopError as error:
        yield Finding(Mark.BAD, about, str(error))
