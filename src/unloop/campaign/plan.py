"""The plan: what a campaign would do to which host, over which channels, in which order, before it touches anything."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from unloop.campaign.waves import assign
from unloop.channels.base import Power, abilities
from unloop.errors import InputError, Problem
from unloop.model.host import Endpoint, Host, Role
from unloop.model.host_run import Rung
from unloop.model.options import CampaignOptions
from unloop.model.order import Order
from unloop.plugins import load
from unloop.runner.ladder import abilities_of, rungs_for, why_no_safe_mode
from unloop.runner.strike import striking_endpoints


@dataclass(frozen=True, slots=True)
class HostPlan:
    """What is planned for one host: ``notes`` is what an operator should know."""

    host: Host
    wave: int
    rungs: tuple[Rung, ...]
    channels: tuple[str, ...]
    resets: bool
    """Whether it may be reset by its BMC."""
    restarts: bool
    """Whether it is told to restart from inside, once, where it stays in the boot in which the remedy landed."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a whole campaign."""

    hosts: tuple[HostPlan, ...]
    options: CampaignOptions
    changes: tuple[str, ...]
    """What will be changed on a host, one line for each action."""
    example: str = ""
    """The host whose changes these are, where they differ from host to host."""

    @property
    def waves(self) -> tuple[int, ...]:
        """How many hosts each wave holds."""
        counted = Counter(planned.wave for planned in self.hosts)
        return tuple(counted[wave] for wave in sorted(counted))

    @property
    def notes(self) -> Mapping[str, int]:
        """What an operator should know, with the number of hosts that it is about."""
        return Counter(note for planned in self.hosts for note in planned.notes)

    @property
    def digest(self) -> str:
        """SHA-256 over the frozen targets: every host as it will be stored, in order of name."""
        rows = sorted((planned.host.name, planned.host.to_json()) for planned in self.hosts)
        return hashlib.sha256(json.dumps(rows, sort_keys=True, default=str).encode()).hexdigest()


def make_plan(
    hosts: Sequence[Host],
    *,
    order_for: Callable[[Host], Order],
    options: CampaignOptions,
    waves: Sequence[str],
    changes: Sequence[str],
) -> Plan:
    """Plan a campaign; raises InputError with every host that can't be planned."""
    problems: list[Problem] = []
    planned: list[HostPlan] = []
    for host, wave in assign(hosts, waves):
        try:
            planned.append(_plan_host(host, wave, order_for(host), options))
        except InputError as error:
            problems += [Problem(f"{host.name}: {problem}", host.source) for problem in error.problems]
    if problems:
        raise InputError(*problems)
    return Plan(tuple(planned), options, tuple(changes))


def _plan_host(host: Host, wave: int, order: Order, options: CampaignOptions) -> HostPlan:
    channels = tuple(endpoint.channel for endpoint in striking_endpoints(host, order))
    rungs = rungs_for(host, order, options)
    resets, notes = _resets(host, options)
    if not channels:
        notes = (*notes, "no channel can carry this remedy: only people can repair it")
    elif Rung.SAFE_MODE in options.ladder and Rung.SAFE_MODE not in rungs:
        notes = (*notes, f"safe mode is not offered: {why_no_safe_mode(host, order, options)}")
    unnamed = [endpoint.channel for endpoint in host.endpoints if not endpoint.credentials]
    if unnamed:
        notes = (*notes, f"no credential for {', '.join(unnamed)}")
    restarts = bool(channels) and any(_runs_programs(endpoint) for endpoint in host.endpoints)
    if restarts and host.role is not Role.PLAIN:
        notes = (*notes, f"role {host.role}: restarted from inside all the same, if it stays up after the repair")
    return HostPlan(host, wave, rungs, channels, resets and Rung.RACE in rungs, restarts, notes)


def _runs_programs(endpoint: Endpoint) -> bool:
    """Whether a host can be told to restart over this endpoint, as the rung of the proof does."""
    return bool(endpoint.credentials) and "programs" in abilities_of(endpoint)


def _resets(host: Host, options: CampaignOptions) -> tuple[bool, tuple[str, ...]]:
    if host.bmc is None:
        return False, ("no BMC: its own crashes are raced",)
    channel = load("unloop.channels", host.bmc.channel)
    if not isinstance(channel, type) or not issubclass(channel, Power):
        raise InputError(Problem(f"channel {host.bmc.channel} does not control power"))
    if host.role is not Role.PLAIN and host.role not in options.reset_roles:
        return False, (f"role {host.role}: not reset unless you name the role (--reset-role {host.role})",)
    if not host.uuid and not host.bmc_accepted:
        return False, ("no UUID to prove its BMC by: not reset (fill in uuid, or bmc_accepted)",)
    if not host.reported_broken_at and not options.reset_silent:
        return True, ("not on a dated victim list: reset only after a crash was seen",)
    return True, ()


def channels_of(plan: Plan) -> Mapping[str, int]:
    """How many hosts each in-band channel reaches."""
    return Counter(channel for planned in plan.hosts for channel in planned.channels)


def powers_of(plan: Plan) -> Mapping[str, int]:
    """How many hosts each kind of BMC controls."""
    return Counter(planned.host.bmc.channel for planned in plan.hosts if planned.host.bmc and planned.resets)


def ability_names(channel: str) -> tuple[str, ...]:
    """The abilities of a channel by name."""
    found = load("unloop.channels", channel)
    return abilities(found) if isinstance(found, type) else ()
