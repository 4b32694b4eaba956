"""The command line: nouns and verbs, each loaded when used, and every expected error in one line with its exit code."""

import sys
from typing import Any

import click

from unloop import __version__, log
from unloop.cli.lazy import LazyGroup
from unloop.cli.output import complain
from unloop.errors import EmptySelection, UnloopError
from unloop.model.outcome import ExitCode

COMMANDS = {
    "campaign": ("unloop.cli.campaign:group", "List, show, watch, pause, resume, abort and retry campaigns."),
    "demo": ("unloop.cli.demo:command", "Repair a simulated crash-looping fleet on this machine."),
    "doctor": ("unloop.cli.doctor:command", "Say what is installed, reachable and misconfigured."),
    "host": ("unloop.cli.host:group", "Show a host's timeline; list, hold and release hosts."),
    "init": ("unloop.cli.init:command", "Write unloop.toml and an inventory to fill in."),
    "inventory": ("unloop.cli.inventory:group", "Check an inventory, or probe which host answers where."),
    "playbook": ("unloop.cli.playbook:group", "List, check, render and test playbooks."),
    "rehearse": ("unloop.cli.rehearse:command", "Run a campaign against a simulated fleet of this inventory's shape."),
    "report": ("unloop.cli.report:command", "Write a campaign's report as HTML, CSV or JSON."),
    "worker": (
        "unloop.cli.worker:command",
        "Work on campaigns in this machine's processes, for a shared store and broker.",
    ),
    "run": ("unloop.cli.run:command", "Plan a campaign, ask, and repair the selected hosts."),
}


@click.group(
    cls=LazyGroup, places=COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__, prog_name="unloop")
def unloop() -> None:
    """Get crash-looping hosts back without anyone touching them, and prove it, host by host."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code (design section 6)."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    log.configure()
    try:
        result: Any = unloop.main(args=arguments, prog_name="unloop", standalone_mode=False)
    except click.exceptions.Abort:
        complain("stopped: nothing was started")
        return ExitCode.STOPPED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return ExitCode.USAGE
    except click.ClickException as error:
        complain(_in_one_line(error))
        return ExitCode.USAGE
    except EmptySelection as error:
        complain(str(error))
        return ExitCode.NOTHING_MATCHED
    except UnloopError as error:
        complain(str(error))
        return ExitCode.USAGE
    return int(result) if isinstance(result, int) else ExitCode.GOOD


def _in_one_line(error: click.ClickException) -> str:
    """What is wrong with a command line, and where its options are described."""
    text = " ".join(error.format_message().split()).rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{text}; see '{context.command_path} --help'" if context else text
