"""A campaign's playbook, as it was approved, rendered and compiled for each host when it is first needed."""

from unloop.actions.compile import compile_cleanup, compile_traces
from unloop.actions.orders import Orders
from unloop.model.host import Host
from unloop.model.host_run import HostRun
from unloop.model.order import Order
from unloop.playbook.load import loads
from unloop.runner.cause import advice
from unloop.store.campaigns import Campaign


class Remedy:
    """What a campaign orders on each of its hosts. Used by one event loop."""

    def __init__(self, campaign: Campaign) -> None:
        playbook = loads(campaign.playbook, campaign.playbook_path)
        self._id = campaign.id
        self._orders = Orders(playbook, campaign.variables, campaign.id)

    def order(self, host: Host) -> Order:
        """The order for a host; raises InputError when the playbook can't be rendered for it."""
        return self._orders.order(host)

    def cleanup(self, host: Host) -> Order | None:
        """What is undone on a proven host, or None."""
        return compile_cleanup(self._orders.rendered(host), campaign=self._id)

    def traces(self, host: Host) -> Order | None:
        """What asks whether a strike of this campaign has moved anything aside on a host, or None where none does."""
        return compile_traces(self.order(host))

    def instructions(self, run: HostRun, cause: str) -> str:
        """What people are told to do with a host: why it ended, what helps from afar, and the playbook's ``hands_on``."""
        afar = advice(cause)
        first = (
            f"First from here: {afar}; then: unloop campaign retry {self._id} --where name={run.host.name}\n"
            if afar
            else ""
        )
        return f"{cause}\n{first}{self._orders.rendered(run.host).hands_on}".strip()
