"""From a playbook and hosts to a plan: loaded, checked, rendered and compiled for every host before anything is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from unloop.actions.orders import Orders
from unloop.actions.vocabulary import vocabulary
from unloop.campaign.plan import Plan, make_plan
from unloop.errors import EmptySelection, InputError
from unloop.model.host import Host
from unloop.model.options import CampaignOptions
from unloop.playbook.check import check
from unloop.playbook.document import LadderRung, Playbook
from unloop.playbook.ladder import rung_values
from unloop.playbook.render import render

PLACEHOLDER = "planned"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan, and the playbook that it came from."""

    plan: Plan
    playbook: Playbook


def prepare(
    playbook: Playbook,
    hosts: Sequence[Host],
    *,
    variables: Mapping[str, str],
    options: CampaignOptions,
    waves: Sequence[str],
) -> Prepared:
    """Check everything and plan; raises InputError with every problem, EmptySelection when no host is left."""
    problems = check(playbook, vocabulary())
    if problems:
        raise InputError(*problems)
    meant = [host for host in hosts if host.system == playbook.system]
    if not meant:
        raise EmptySelection(f"playbook {playbook.name} is for {playbook.system}; none of the {len(hosts)} hosts is")
    others = [host for host in hosts if host.system != playbook.system]
    if others:
        names = ", ".join(host.name for host in others[:3])
        raise InputError(
            f"playbook {playbook.name} is for {playbook.system}; {len(others)} of the {len(hosts)} selected hosts are not "
            f"({names} …); add 'system={playbook.system}' to the selection"
        )
    first = render(playbook, host=meant[0], variables=variables, campaign=PLACEHOLDER)
    bounded = with_ladder(options, first.ladder)
    orders = Orders(playbook, variables, PLACEHOLDER)
    changes = tuple(f"{step.verb} {_options_in_short(step.options)}".rstrip() for step in first.actions)
    plan = make_plan(meant, order_for=orders.order, options=bounded, waves=waves, changes=changes)
    differ = any(orders.order(host) is not orders.order(meant[0]) for host in meant)
    return Prepared(replace(plan, example=meant[0].name if differ else ""), playbook)


def with_ladder(options: CampaignOptions, ladder: Sequence[LadderRung]) -> CampaignOptions:
    """The options with the playbook's ladder, and what its rungs say of their budgets, unless the operator said it."""
    names = tuple(rung.name for rung in ladder)
    if names:
        options = replace(options, ladder=names)
    default = CampaignOptions()
    told = {key: value for rung in ladder for key, value in rung_values(rung).items()}
    return replace(
        options,
        resets=int(told.get("resets", options.resets)) if options.resets == default.resets else options.resets,
        watch=float(told.get("watch", options.watch)) if options.watch == default.watch else options.watch,
        dsrepair=bool(told.get("dsrepair", options.dsrepair)),
        elapsed=float(told.get("elapsed", options.elapsed)) if options.elapsed == default.elapsed else options.elapsed,
    )


def _options_in_short(options: Mapping[str, object]) -> str:
    told = [f"{value}" if key in {"path", "name", "kb"} else key for key, value in options.items()]
    return ", ".join(told)
