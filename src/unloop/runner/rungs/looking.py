"""Looking at a host that answers: the checks of an order asked over one channel after the other, and the boot it is in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from unloop.channels.answers import JUDGED_BY_TIME, parse_checks, verification
from unloop.channels.base import Channel, Deadline, Files, Observe, Programs
from unloop.channels.perform import check_files
from unloop.errors import ChannelError, Unsupported
from unloop.model.host import Endpoint
from unloop.model.host_run import HostRun, Progress
from unloop.model.order import Check, Order
from unloop.model.power import BootIdentity
from unloop.model.report import CheckReport
from unloop.plugins import load
from unloop.runner.decide import boot_changed
from unloop.runner.doors import open_doors
from unloop.runner.logon import log_on_blocking
from unloop.runner.strike import target_of
from unloop.runner.tools import Tools
from unloop.secrets.secret import Credential


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a host gave, over one channel or several: every check's answer, and the boot."""

    checks: tuple[CheckReport, ...]
    boot: BootIdentity | None
    via: tuple[str, ...]

    def joined(self, other: "Look", progress: Progress) -> "Look":
        """Both looks: an answer beats none, and the boot that compares with the landing's beats one that does not."""
        told = {report.check: report for report in other.checks if report.holds is not None}
        checks = tuple(told.get(report.check, report) if report.holds is None else report for report in self.checks)
        ours = self.boot is not None and boot_changed(progress, self.boot) is not None
        boot = self.boot if ours or other.boot is None else other.boot
        return Look(checks, boot, (*self.via, *other.via))

    def is_whole(self, progress: Progress) -> bool:
        """Whether no other channel could add anything."""
        answered = all(report.holds is not None for report in self.checks)
        return answered and self.boot is not None and boot_changed(progress, self.boot) is not None


async def look_at(
    run: HostRun, tools: Tools, order: Order, endpoints: Sequence[Endpoint], *, is_enough: Callable[[Look], bool]
) -> tuple[Look | None, list[str]]:
    """Ask an order's checks over these endpoints until it is enough; what was found, and what failed."""
    found: Look | None = None
    failures: list[str] = []
    for endpoint in endpoints:
        work = partial(_look, run, order, endpoint, tools.options.strike)
        try:
            look = await log_on_blocking(tools, run.host, endpoint, work)
        except ChannelError as error:
            failures.append(str(error))
            continue
        found = look if found is None else found.joined(look, run.progress)
        if is_enough(found):
            break
    return found, failures


async def open_endpoints(run: HostRun, tools: Tools) -> list[Endpoint]:
    """The endpoints whose port is open; the channel that landed the remedy first: its boot identity compares."""
    opened = await open_doors(tools, run.host.endpoints, seconds=tools.options.look)
    open_now = [endpoint for endpoint in run.host.endpoints if endpoint.channel in opened]
    return sorted(open_now, key=lambda endpoint: endpoint.channel != run.progress.landed_via)


def _look(run: HostRun, order: Order, endpoint: Endpoint, seconds: float, credential: Credential) -> Look:
    target = target_of(run.host, endpoint, credential)
    channel = load("unloop.channels", endpoint.channel)(target, Deadline.after(seconds))
    asked = tuple(check for check in order.checks if check.kind not in JUDGED_BY_TIME)
    with channel:
        boot = _boot_of(channel)
        return Look(_ask(channel, order, asked, run.progress.landed_at), boot, (endpoint.channel,))


def _boot_of(channel: Channel) -> BootIdentity | None:
    """The boot that a host is in, None where this channel can't tell."""
    if not isinstance(channel, Observe):
        return None
    try:
        return channel.boot_identity()
    except Unsupported:
        return None


def _ask(channel: Channel, order: Order, asked: tuple[Check, ...], landed: datetime | None) -> tuple[CheckReport, ...]:
    if isinstance(channel, Programs):
        for shell in channel.shells():
            if shell in order.verifications:
                program = verification(order.verifications[shell], shell, landed=landed)
                return parse_checks(channel.run(shell, program).stdout, order.checks)
    files_only = tuple(check for check in asked if check.needs_files_only)
    others = tuple(check for check in asked if not check.needs_files_only)
    unknown = tuple(CheckReport(str(check), None, "this channel can't tell") for check in others)
    if not isinstance(channel, Files):
        return tuple(CheckReport(str(check), None, "this channel can't tell") for check in asked)
    return (*check_files(files_only, channel), *unknown)
