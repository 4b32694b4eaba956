"""A campaign's playbook, as it was approved, rendered and compiled for each host when it is first needed."""

import json

from unloop.actions.compile import compile_cleanup, compile_order
from unloop.model.host import Host
from unloop.model.host_run import HostRun
from unloop.model.order import Order
from unloop.playbook.document import Playbook
from unloop.playbook.load import loads
from unloop.playbook.render import render
from unloop.store.campaigns import Campaign


class Remedy:
    """What a campaign orders on each of its hosts. Used by one event loop."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._playbook = loads(campaign.playbook, campaign.playbook_path)
        self._orders: dict[str, Order] = {}
        self._alike: dict[str, Order] = {}

    def order(self, host: Host) -> Order:
        """The order for a host; raises InputError when the playbook can't be rendered for it.

        Hosts for which the playbook says the same share one order: a program is 20 KB, and there are thousands of hosts.
        """
        if host.name not in self._orders:
            rendered = self._rendered(host)
            key = _meaning(rendered)
            if key not in self._alike:
                self._alike[key] = compile_order(rendered, campaign=self._campaign.id)
            self._orders[host.name] = self._alike[key]
        return self._orders[host.name]

    def cleanup(self, host: Host) -> Order | None:
        """What is undone on a proven host, or None."""
        return compile_cleanup(self._rendered(host), campaign=self._campaign.id)

    def instructions(self, run: HostRun, cause: str) -> str:
        """What people are told to do with a host: why it ended, and the playbook's ``hands_on`` text."""
        return f"{cause}\n{self._rendered(run.host).hands_on}".strip()

    def _rendered(self, host: Host) -> Playbook:
        return render(self._playbook, host=host, variables=self._campaign.variables, campaign=self._campaign.id)


def _meaning(rendered: Playbook) -> str:
    """What a rendered playbook orders, as one text."""
    parts = (rendered.not_applicable_if, rendered.already_good_if, rendered.actions, rendered.verify)
    return json.dumps([[(step.verb, step.options) for step in part] for part in parts], sort_keys=True, default=str)
