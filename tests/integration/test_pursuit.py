"""One attempt at a host: when it is reset and when not, and what is owed afterwards, against a real Redfish service."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

import quirky
from pursuits import QUICK, Pursued, pursued
from unloop.channels.switchboard import Switchboard
from unloop.model.effect import EffectKind
from unloop.model.host_run import End, Wait
from unloop.model.outcome import Outcome
from unloop.model.power import PowerState
from unloop.runner.cause import Cause
from unloop.runner.debts import Debt, pay_debts
from unloop.store import ledger, retries
from unloop.store.ledger import Limits

REFUSED = quirky.refusal(400, "Base.1.8.GeneralError")
FORBIDDEN = quirky.refusal(403, "Base.1.8.InsufficientPrivilege")
UNAVAILABLE = quirky.refusal(503, "Base.1.8.ServiceTemporarilyUnavailable")


def test_a_host_that_is_down_is_reset_once(tmp_path: Path) -> None:
    """Every door is silent: it is taken down and up, and its boot is watched."""

    async def story(pursuit: Pursued) -> None:
        step, visit = await pursuit.attempt()
        assert (pursuit.resets, pursuit.machine.power) == (1, PowerState.ON)
        assert [finding.data["result"] for finding in visit.findings] == ["done"]
        assert ledger.owed(pursuit.database, 1) == {}
        assert step.progress.silent_boots == 1

    pursued(tmp_path, story)


def test_a_host_with_one_door_that_refuses_is_not_reset(tmp_path: Path) -> None:
    """It is up, whatever is dropped on its other doors; it is known to crash, so it is watched on."""

    async def story(pursuit: Pursued) -> None:
        step, _ = await pursuit.attempt()
        assert (pursuit.resets, step.then) == (0, End(Outcome.UNREACHABLE, str(Cause.DOORS_CLOSED)))

    pursued(tmp_path, story, channels=("smb", "ssh"), refuse=("ssh",))


def test_a_host_whose_other_door_opens_is_not_reset(tmp_path: Path) -> None:
    """The remedy can't be carried over it, but it shows that the host is up."""

    async def story(pursuit: Pursued) -> None:
        pursuit.doors["ssh"].open()
        step, _ = await pursuit.attempt()
        assert (pursuit.resets, step.event) == (0, "observed")
        pursuit.age = 2 * QUICK.elapsed
        step, _ = await pursuit.attempt()
        assert (pursuit.resets, step.then) == (0, End(Outcome.UNREACHABLE, str(Cause.NO_WAY_IN)))

    pursued(tmp_path, story, channels=("smb", "ssh"))


def test_a_host_that_is_caught_late_is_caught_however_long_it_waited(tmp_path: Path) -> None:
    """It refuses for longer than a look lasts, after hours in a queue for its rack: its boot is watched to the end."""

    async def story(pursuit: Pursued) -> None:
        pursuit.age = 2 * QUICK.observe
        asyncio.get_running_loop().call_later(QUICK.look + 0.5, pursuit.doors["smb"].open)
        step, _ = await pursuit.attempt()
        assert (pursuit.resets, step.progress.landed_via) == (0, "smb")

    pursued(tmp_path, story, refuse=("smb",))


def test_a_host_that_comes_up_while_its_bmc_is_waited_for_is_not_reset(tmp_path: Path) -> None:
    """Power operations are in a queue: the look from before says nothing any more, and the next one sees the host."""
    board = Switchboard(spacing=0.0, poll=0.0, at_once=1)

    async def story(pursuit: Pursued) -> None:
        async def others() -> None:
            async with board.operation():
                await asyncio.sleep(4.0)

        asyncio.get_running_loop().call_later(3.0, pursuit.doors["smb"].open)
        first = asyncio.create_task(others())
        await asyncio.sleep(0.01)
        step, _ = await pursuit.attempt()
        await first
        assert (pursuit.resets, step.event, step.progress.rung_attempts) == (0, "attempt missed", 1)
        assert ledger.owed(pursuit.database, 1) == {}
        step, _ = await pursuit.attempt()
        assert (pursuit.resets, step.progress.landed_via) == (0, "smb")

    pursued(tmp_path, story, power=board)


def test_a_bmc_that_refuses_the_order_leaves_nothing_owed_and_nobody_parked(tmp_path: Path) -> None:
    """No boot was caused, so no silent boot is counted, however often it is tried."""

    async def story(pursuit: Pursued) -> None:
        for _ in range(2):
            step, visit = await pursuit.attempt()
            assert [finding.data["result"] for finding in visit.findings] == ["no_bmc"]
            assert (ledger.owed(pursuit.database, 1), step.progress.silent_boots) == ({}, 0)
        assert pursuit.resets == 0

    pursued(tmp_path, story, quirky.first(100, FORBIDDEN, method="POST"))


def test_a_bmc_that_takes_orders_and_does_nothing_is_given_up_in_time(tmp_path: Path) -> None:
    """It never says a clear no: each attempt is watched until no order can be on its way, and is spent."""

    async def story(pursuit: Pursued) -> None:
        step, _ = await pursuit.attempt()
        assert (step.event, step.progress.rung_attempts) == ("left off", 0)
        step, _ = await pursuit.attempt(replace(pursuit.claimed(), is_continued=True))
        assert (ledger.owed(pursuit.database, 1), pursuit.resets) == ({}, 0)
        assert step.then == End(Outcome.NEEDS_HANDS, str(Cause.BUDGET_SPENT))

    options = replace(QUICK, resets=1, power=4.0)
    pursued(tmp_path, story, quirky.first(100, REFUSED, method="POST"), options=options)


def test_a_bmc_that_is_busy_for_ever_is_given_up_in_time(tmp_path: Path) -> None:
    """It is asked again now and then; when the time of the race is up, the host's own crashes are all that is left."""

    async def story(pursuit: Pursued) -> None:
        step, _ = await pursuit.attempt()
        assert (step.event, step.then) == ("reset deferred", Wait(30.0))
        pursuit.age = 2 * QUICK.elapsed
        step, visit = await pursuit.attempt()
        assert [finding.data["result"] for finding in visit.findings] == ["no_bmc"]
        assert isinstance(step.then, End)

    pursued(tmp_path, story, quirky.first(1000, UNAVAILABLE, method="GET"))


def test_a_name_that_nobody_knows_is_given_up_in_time(tmp_path: Path) -> None:
    """A reset would be for nothing, and a campaign has an end."""

    async def story(pursuit: Pursued) -> None:
        step, _ = await pursuit.attempt()
        assert step.event == "reset deferred"
        pursuit.age = 2 * QUICK.observe
        step, _ = await pursuit.attempt()
        assert (pursuit.resets, step.then) == (0, End(Outcome.UNREACHABLE, str(Cause.NO_ADDRESS)))

    pursued(tmp_path, story, address="no-such-name.invalid")


def test_a_host_that_was_left_off_is_brought_up_before_anything_else(tmp_path: Path) -> None:
    """A predecessor died between off and on: no look, no second order, and a BMC that hiccups is asked again."""

    async def story(pursuit: Pursued) -> None:
        run = pursuit.claimed()
        assert ledger.permit(
            pursuit.database, run, EffectKind.POWER_OFF, attempt=1, limits=Limits(spacing=0), now=pursuit.tools.now()
        )
        assert pursuit.machine.power_off()
        while pursuit.machine.power is not PowerState.OFF:
            await asyncio.sleep(0.02)
        taken = replace(run, is_continued=True)
        step, _ = await pursuit.attempt(taken)
        assert (step.event, step.then, pursuit.machine.power) == ("left off", Wait(1.0), PowerState.OFF)
        step, visit = await pursuit.attempt(replace(pursuit.claimed(), is_continued=True))
        assert (pursuit.resets, pursuit.machine.power) == (1, PowerState.ON)
        assert ledger.owed(pursuit.database, 1) == {}
        assert [finding.data["result"] for finding in visit.findings] == ["observed"]

    pursued(tmp_path, story, quirky.first(1, REFUSED, method="GET"))


def test_an_order_that_was_never_sent_is_no_boot_that_was_caused(tmp_path: Path) -> None:
    """A predecessor died before it could send: the host is on for as long as an order may be on its way, and goes on."""

    async def story(pursuit: Pursued) -> None:
        run = pursuit.claimed()
        long_ago = pursuit.tools.now() - 60.0
        ledger.permit(pursuit.database, run, EffectKind.POWER_OFF, attempt=1, limits=Limits(spacing=0), now=long_ago)
        step, visit = await pursuit.attempt(replace(run, is_continued=True))
        assert (step.progress.rung_attempts, step.progress.silent_boots, pursuit.resets) == (1, 0, 0)
        assert visit.attempt_result is not None
        assert ledger.owed(pursuit.database, 1) == {}

    pursued(tmp_path, story)


def test_a_person_s_hold_stops_a_reset_that_is_about_to_be_sent(tmp_path: Path) -> None:
    """It was set while the host was looked at; what the host owes would be paid all the same."""

    async def story(pursuit: Pursued) -> None:
        run = pursuit.claimed()
        retries.hold(pursuit.database, [run.id], reason="staff on site", now=pursuit.tools.now())
        step, _ = await pursuit.attempt(run)
        assert (pursuit.resets, step.event, step.detail["why"]) == (0, "reset deferred", "held")
        assert await pay_debts(run, pursuit.tools) is Debt.PAID

    pursued(tmp_path, story)


@pytest.mark.parametrize("landed", ["smb", "winrm"])
def test_a_door_that_closes_is_no_reboot(tmp_path: Path, landed: str) -> None:
    """What has landed is proven on a later boot: a service that stops while another one answers is none."""

    async def story(pursuit: Pursued) -> None:
        pursuit.lands_on = landed
        for door in pursuit.doors.values():
            door.open()
        asyncio.get_running_loop().call_later(0.5, pursuit.doors[landed].shut)
        step, _ = await pursuit.attempt()
        assert (step.progress.landed_via, step.progress.gone_at) == (landed, None)

    pursued(tmp_path, story, channels=("smb", "winrm"), refuse=("smb",))
