"""The rung race: reset the host, catch its window, land the remedy; again until the budget is spent."""

from unloop.model.host_run import HostRun, Step
from unloop.model.order import Order
from unloop.runner.landing import remedy
from unloop.runner.rungs.notes import keeping, reported
from unloop.runner.rungs.pursuit import pursue
from unloop.runner.tools import Tools
from unloop.store.progress import Visit


async def visit(run: HostRun, tools: Tools, order: Order) -> tuple[Step, Visit]:
    """One attempt: a boot that we cause, or one of the host's own."""
    return await pursue(run, tools, remedy(run, tools, order), reported, keep=keeping(run, tools))
