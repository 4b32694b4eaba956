"""The orders of a playbook: compiled once for all hosts for which it says the same."""

import json
from collections.abc import Mapping

from unloop.actions.compile import compile_order
from unloop.model.host import Host
from unloop.model.order import Order
from unloop.playbook.document import Playbook
from unloop.playbook.render import mentions_host, render


class Orders:
    """What a playbook orders on each host of one campaign. Hosts share an order: a program is 20 KB."""

    def __init__(self, playbook: Playbook, variables: Mapping[str, str], campaign: str) -> None:
        self._playbook, self._variables, self._campaign = playbook, variables, campaign
        self._is_same = not mentions_host(playbook)
        self._alike: dict[str, Order] = {}
        self._orders: dict[str, Order] = {}

    def order(self, host: Host) -> Order:
        """The order for a host; raises InputError when the playbook can't be rendered for it, or compiled."""
        name = "" if self._is_same else host.name
        if name not in self._orders:
            rendered = self.rendered(host)
            key = _meaning(rendered)
            if key not in self._alike:
                self._alike[key] = compile_order(rendered, campaign=self._campaign)
            self._orders[name] = self._alike[key]
        return self._orders[name]

    def rendered(self, host: Host) -> Playbook:
        """The playbook filled in for a host; raises InputError."""
        return render(self._playbook, host=host, variables=self._variables, campaign=self._campaign)


def _meaning(rendered: Playbook) -> str:
    """What a rendered playbook orders, as one text."""
    parts = (rendered.not_applicable_if, rendered.already_good_if, rendered.actions, rendered.verify)
    return json.dumps([[(step.verb, step.options) for step in part] for part in parts], sort_keys=True, default=str)
