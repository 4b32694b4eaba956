"""Firing strikes at the channels of a host that is up right now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from unloop.channels.base import Deadline, Target
from unloop.channels.strike.registry import strike_for
from unloop.errors import (
    AccessDenied,
    ChannelError,
    DeadlineExceeded,
    LogonRefused,
    LogonUndecided,
    ProtocolError,
    Unsupported,
    UntrustedPeer,
)
from unloop.model.host import Endpoint, Host
from unloop.model.order import Order
from unloop.model.power import BootIdentity
from unloop.model.report import RemedyReport
from unloop.runner.account import log_on
from unloop.runner.tools import Tools
from unloop.secrets.secret import Credential


@dataclass(frozen=True, slots=True)
class Struck:
    """What firing came to: the host's report and where it came from, or what every channel that was tried said."""

    report: RemedyReport | None
    boot: BootIdentity | None
    channel: str
    at: float
    failures: Mapping[str, ChannelError]

    def failed_with(self, *kinds: type[ChannelError]) -> str:
        """The channels whose failure is of these kinds, separated by spaces."""
        return " ".join(channel for channel, error in self.failures.items() if isinstance(error, kinds))

    @property
    def summary(self) -> str:
        """One line on every failure."""
        return "; ".join(str(error) for error in self.failures.values())


def striking_endpoints(host: Host, order: Order) -> tuple[Endpoint, ...]:
    """The endpoints whose channel can strike and can carry this order, in the inventory's order."""
    found = []
    for endpoint in host.endpoints:
        strike = strike_for(endpoint.channel)
        if strike is not None and strike.can_carry(order):
            found.append(endpoint)
    return tuple(found)


async def fire(tools: Tools, host: Host, order: Order, endpoints: Sequence[Endpoint]) -> Struck:
    """Strike over one endpoint after the other until one answers with a report."""
    failures: dict[str, ChannelError] = {}
    for endpoint in endpoints:
        work = partial(_strike, host, order, endpoint, tools.options.strike)
        try:
            report, boot = await log_on(tools, host, endpoint, seconds=tools.options.strike, work=work)
        except ChannelError as error:
            failures[endpoint.channel] = error
            continue
        return Struck(report, boot, endpoint.channel, tools.clock.monotonic(), failures)
    return Struck(None, None, "", tools.clock.monotonic(), failures)


def slow(struck: Struck) -> str:
    """Channels that cost time and gave nothing: they are tried last in the next window."""
    return struck.failed_with(DeadlineExceeded, ProtocolError, LogonUndecided)


def refused(struck: Struck) -> str:
    """Channels that will not let us in, however often we ask."""
    return struck.failed_with(LogonRefused, AccessDenied, UntrustedPeer, Unsupported)


def target_of(host: Host, endpoint: Endpoint, credential: Credential | None) -> Target:
    """The channel's view of one endpoint."""
    return Target(host.name, endpoint.address, endpoint.port, credential, endpoint.options)


def _strike(
    host: Host, order: Order, endpoint: Endpoint, seconds: float, credential: Credential
) -> tuple[RemedyReport, BootIdentity | None]:
    strike = strike_for(endpoint.channel)
    if strike is None:
        raise ProtocolError("this channel can't strike", host=host.name, channel=endpoint.channel)
    return strike(target_of(host, endpoint, credential), order).fire(Deadline.after(seconds))
