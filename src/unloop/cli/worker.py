"""``unloop worker``: processes that work on campaigns which others start, by a shared store and broker."""

import os
import socket
from functools import partial

import click

from unloop.cli.options import config_option
from unloop.cli.output import say
from unloop.dispatch.worker import run_worker
from unloop.model.host_run import Queue
from unloop.settings.load import load as load_settings


@click.command("worker")
@click.option(
    "--kind",
    type=click.Choice([*(queue.value for queue in Queue), "all"]),
    default="all",
    show_default=True,
    help="race: watch for windows and strike. work: look at repaired hosts. A racer is not held up by other work.",
)
@click.option("--processes", type=click.IntRange(1, 64), help="How many. [default: one per core]")
@click.option("--name", default="worker", show_default=True, help="Tells several workers of one machine apart.")
@config_option
def command(kind: str, processes: int | None, name: str, config: str | None) -> int:
    """Work on campaigns until it is told to end; Ctrl-C or SIGTERM finish what is in mid-change.

    The settings must name a broker (broker.url) and a store that every worker and every administrator reaches. Start at
    least one worker of each kind, near the hosts.
    """
    settings = load_settings(config)
    queues = tuple(Queue) if kind == "all" else (Queue(kind),)
    count = processes or len(os.sched_getaffinity(0))
    told = f"{name} on {socket.gethostname()}: {count} processes for {' and '.join(queues)}; Ctrl-C drains"
    return run_worker(settings, queues=queues, processes=count, name=name, begins=partial(say, told))
