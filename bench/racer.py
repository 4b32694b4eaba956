"""The racer of a benchmark, and nothing else: the very engine of a worker, on the queue of the race alone.

``racer.py DIRECTORY CAMPAIGN SECONDS`` serves it until no host is in it any more, the time is up, or SIGTERM; its last line
is what it used, as JSON.
"""

import asyncio
import json
import os
import resource
import signal
import sys
from pathlib import Path

from unloop.dispatch.context import make_context
from unloop.dispatch.engine import Engine
from unloop.model.host_run import Queue
from unloop.settings.load import load as load_settings
from unloop.store import campaigns


def carry_out(directory: Path, campaign_id: str, seconds: float) -> None:
    """Serve the race's queue, say what that took, and end."""
    context = make_context(load_settings(directory / "unloop.toml"))
    campaign = campaigns.load(context.database, campaign_id)
    idle = _megabytes("VmRSS")
    signal.signal(signal.SIGTERM, lambda *_: context.stopping.set())
    began = _own_cpu()
    asyncio.run(Engine(context, campaign, Queue.RACE).serve(seconds=seconds))
    used = _own_cpu() - began
    print(json.dumps({"cpu": used, "megabytes": _megabytes("VmHWM"), "idle_megabytes": idle}))
    sys.stdout.flush()
    os._exit(0)  # threads that wait for nothing do not count


def _own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _megabytes(what: str) -> float:
    """Memory in use now (VmRSS), or the most so far (VmHWM); rusage would count what our parent had (proc(5))."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return float(status.partition(f"{what}:")[2].split()[0]) / 1024


if __name__ == "__main__":
    carry_out(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
