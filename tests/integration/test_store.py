"""The store on SQLite and on PostgreSQL: leases, the ledger, saving under a fence, accounts."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

from campaigns import START, campaign_with, claim, host
from unloop import store
from unloop.errors import LeaseLost, StoreError
from unloop.model.attempt import AttemptResult
from unloop.model.effect import EffectKind
from unloop.model.host_run import End, Queue, Rung, Stage, Step, Wait
from unloop.model.outcome import Outcome
from unloop.model.power import BootIdentity
from unloop.model.state import CampaignState, State
from unloop.store import accounts, campaigns, claims, ledger, queries, retries
from unloop.store import progress as store_progress
from unloop.store.accounts import Budget, Turn
from unloop.store.database import REVISION, Database, open_database
from unloop.store.ledger import Limits, Permission, Wanted
from unloop.store.progress import Finding, Saved, Visit


def test_a_claim_is_exclusive_and_raises_the_fence(database: Database) -> None:
    """Who claims first holds every due host; nobody else gets one until the lease ends."""
    campaign_with(database, host("a"), host("b"))
    first = claim(database, owner="one")
    second = claim(database, owner="two")
    later = claim(database, owner="two", now=START + 31)

    assert ([run.host.name for run in first], second) == (["a", "b"], ())
    assert [(run.host.name, run.fence, run.owner) for run in later] == [("a", 2, "two"), ("b", 2, "two")]


def test_a_stale_actor_can_neither_save_nor_send(database: Database) -> None:
    """After a takeover the old fence is worth nothing."""
    campaign_with(database, host("a"))
    (old,) = claim(database, owner="one")
    claim(database, owner="two", now=START + 31)

    answer = ledger.permit(database, old, EffectKind.POWER_OFF, attempt=1, limits=Limits(), now=START + 32)
    assert answer is Permission.LEASE_LOST
    with pytest.raises(LeaseLost):
        store_progress.save(database, old, Step(old.progress, Wait(1), "x"), Visit(), now=START + 32)


def test_renewing_keeps_only_what_is_ours(database: Database) -> None:
    """A renewal prolongs our leases and tells which were lost."""
    campaign_with(database, host("a"), host("b"))
    runs = claim(database)
    claims.claim(database, campaign_id="c1", queue="race", owner="x", limit=1, ttl=30, now=START + 31)
    kept = claims.renew(database, [(run.id, run.fence) for run in runs], ttl=30, now=START + 32)

    assert len(kept) == 1


def test_an_effect_is_permitted_once_per_attempt(database: Database) -> None:
    """The second request for the same effect of the same attempt is told to observe."""
    campaign_with(database, host("a"))
    (run,) = claim(database)
    answers = [
        ledger.permit(database, run, EffectKind.POWER_OFF, attempt=1, limits=Limits(spacing=0), now=START + tick)
        for tick in range(2)
    ]

    assert answers == [Permission.GRANTED, Permission.ALREADY]
    assert ledger.effects(database, run.id, 1) == {EffectKind.POWER_OFF: "intended"}


def test_a_reset_keeps_its_distance_from_the_last_one(database: Database) -> None:
    """Two power-offs of one host are never closer than the spacing, whatever the attempt."""
    campaign_with(database, host("a"))
    (run,) = claim(database)
    limits = Limits(spacing=10)
    answers = [
        ledger.permit(database, run, EffectKind.POWER_OFF, attempt=number, limits=limits, now=START + at)
        for number, at in ((1, 0), (2, 9.9), (2, 10.1))
    ]

    assert answers == [Permission.GRANTED, Permission.TOO_SOON, Permission.GRANTED]


def test_a_group_is_never_off_beyond_its_limit(database: Database) -> None:
    """The third host of a rack waits until one of two is on again."""
    campaign_with(database, *(host(name, rack="R1") for name in "abc"))
    runs = claim(database)
    limits = Limits(spacing=0, per_group={"rack": 2})

    def ask(index: int, attempt: int = 1) -> Permission:
        return ledger.permit(database, runs[index], EffectKind.POWER_OFF, attempt=attempt, limits=limits, now=START)

    assert [ask(0), ask(1), ask(2)] == [Permission.GRANTED, Permission.GRANTED, Permission.LIMIT]
    ledger.settle(database, runs[0], EffectKind.POWER_ON, attempt=1, result="confirmed", now=START + 1)
    assert ask(2) is Permission.GRANTED


def test_a_pause_stops_opening_effects_and_permits_discharging_ones(database: Database) -> None:
    """A paused campaign switches nothing off, and still switches on what it owes."""
    campaign_with(database, host("a"), host("b"))
    first, second = claim(database)
    ledger.permit(database, first, EffectKind.POWER_OFF, attempt=1, limits=Limits(), now=START)
    campaigns.move(database, "c1", CampaignState.PAUSED, reason="test", now=START)

    refused = ledger.permit(database, second, EffectKind.POWER_OFF, attempt=1, limits=Limits(), now=START)
    granted = ledger.permit(database, first, EffectKind.POWER_ON, attempt=1, limits=Limits(), now=START)
    assert (refused, granted) == (Permission.NOT_RUNNING, Permission.GRANTED)
    assert ledger.owed(database, first.id) == {EffectKind.POWER_ON: START}
    ledger.settle(database, first, EffectKind.POWER_ON, attempt=1, result="confirmed", now=START)
    assert ledger.owed(database, first.id) == {}


def test_a_flag_that_was_not_sent_is_not_owed(database: Database) -> None:
    """What an attempt did not send it does not owe; what an earlier attempt sent is still owed."""
    campaign_with(database, host("a"))
    (run,) = claim(database)
    setting = EffectKind.SAFE_BOOT_SET
    for attempt, result in ((1, "unknown"), (2, "not_sent")):
        ledger.permit(database, run, setting, attempt=attempt, limits=Limits(), now=START + attempt)
        ledger.settle(database, run, setting, attempt=attempt, result=result, now=START + attempt)

    assert ledger.owed(database, run.id) == {EffectKind.SAFE_BOOT_CLEAR: START + 1}


def test_a_host_that_owes_is_claimed_to_pay_and_not_cancelled_before(database: Database) -> None:
    """Of an aborted campaign a host that is off by our hand is claimed as draining, and ends when it is on again."""
    campaign_with(database, host("a"))
    (run,) = claim(database)
    ledger.permit(database, run, EffectKind.POWER_OFF, attempt=1, limits=Limits(), now=START)
    campaigns.move(database, "c1", CampaignState.ABORTED, reason="test", now=START + 1)
    store_progress.save(database, run, Step(run.progress, Wait(0), "x"), Visit(), now=START + 1)
    (again,) = claim(database, now=START + 2)
    ledger.settle(database, again, EffectKind.POWER_ON, attempt=1, result="confirmed", now=START + 3)
    store_progress.save(database, again, Step(run.progress, Wait(0), "x"), Visit(), now=START + 3)

    assert (run.is_draining, again.is_draining) == (False, True)
    assert queries.find_host(database, "a").outcome is Outcome.CANCELLED


def test_a_visit_is_saved_whole(database: Database) -> None:
    """State, attempt, evidence and event of a visit stand in the store together."""
    campaign_with(database, host("a"))
    (run,) = claim(database)
    ended = Step(replace(run.progress, note="proven"), End(Outcome.FIXED, "proven"), "ended")
    visit = Visit(AttemptResult.LANDED, "detail", findings=(Finding("remedy", {"verdict": "landed"}, "smb"),))
    store_progress.save(database, run, ended, visit, now=START + 5)

    (row,) = queries.host_rows(database, "c1")
    assert (row.run.state, row.run.outcome, row.run.cause, row.due_at) == (State.ENDED, Outcome.FIXED, "proven", None)
    assert [line["what"] for line in queries.timeline(database, run.id)] == ["claimed", "ended", "evidence: remedy"]
    assert [attempt["result"] for attempt in queries.attempts_of(database, "c1")] == ["landed"]


def test_what_a_host_says_is_saved_whatever_it_is(database: Database) -> None:
    """Bytes that are no text, a NUL and a name without end: kept as far as they can be, and nothing else is lost."""
    campaign_with(database, host("a"))
    (run,) = claim(database)
    odd = "caf\udce9\0" + "x" * 300
    told = replace(run.progress, note=odd, landed_boot=BootIdentity(odd, "smb"))
    visit = Visit(AttemptResult.LANDED, odd, findings=(Finding("remedy", {"said": odd}, "smb"),))
    store_progress.save(database, run, Step(told, Wait(0), "told"), visit, now=START)

    saved = queries.find_host(database, "a").progress
    assert saved.note == "caf?" + "x" * 300
    assert saved.landed_boot == BootIdentity("caf?" + "x" * 196, "smb")
    assert [row["data"]["said"] for row in queries.evidence_of(database, "c1")] == ["caf?\0" + "x" * 300]


def test_a_claim_begins_an_attempt_and_continues_one_that_was_never_ended(database: Database) -> None:
    """A successor continues the attempt that its predecessor left open; the next one begins when that has ended."""
    campaign_with(database, host("a"))
    numbers = []
    for late, result in ((0, None), (1, AttemptResult.MISSED), (2, AttemptResult.MISSED)):
        (run,) = claim(database, now=START + late)
        numbers.append(run.progress.attempt)
        left = Visit(result)
        store_progress.save(database, run, Step(run.progress, Wait(0), "x"), left, now=START + late)

    assert numbers == [1, 1, 2]
    assert [attempt["number"] for attempt in queries.attempts_of(database, "c1")] == [1, 2]


def test_only_a_repair_begins_an_attempt(database: Database) -> None:
    """Looking at a host whose remedy has landed is no attempt."""
    campaign_with(database, host("a"))
    (run,) = claim(database)
    landed = replace(run.progress, stage=Stage.VERIFY)
    store_progress.save(database, run, Step(landed, Wait(0), "x"), Visit(AttemptResult.LANDED), now=START)
    (again,) = claim(database, now=START, queue=Queue.WORK)

    assert (run.progress.attempt, again.progress.attempt, again.is_attempt_open) == (1, 1, False)


def test_many_are_saved_in_one_transaction_and_the_stale_one_is_told(database: Database) -> None:
    """Of a batch everything is saved but what belongs to somebody else by now."""
    campaign_with(database, host("a"), host("b"))
    runs = claim(database)
    (stolen,) = claims.claim(database, campaign_id="c1", queue="race", owner="x", limit=1, ttl=30, now=START + 31)
    batch = [Saved(run, Step(replace(run.progress, note="mine"), Wait(0), "x")) for run in runs]
    lost = store_progress.save_all(database, batch, now=START + 32)

    assert lost == {stolen.id}
    assert {row.run.id: row.run.progress.note for row in queries.host_rows(database, "c1")} == {
        run.id: "" if run.id == stolen.id else "mine" for run in runs
    }


def test_a_batch_of_permits_counts_for_its_own_limits(database: Database) -> None:
    """Three hosts of a rack that ask at once are told as if they had asked one after the other."""
    campaign_with(database, *(host(name, rack="R1") for name in "abc"))
    limits = Limits(spacing=0, per_group={"rack": 2})
    wanted = [Wanted(run, EffectKind.POWER_OFF, 1, limits) for run in claim(database)]

    assert ledger.permit_all(database, [*wanted, wanted[0]], now=START) == (
        Permission.GRANTED,
        Permission.GRANTED,
        Permission.LIMIT,
        Permission.ALREADY,
    )


def test_counts_add_up_to_the_targets(database: Database) -> None:
    """Every target is counted in exactly one bucket."""
    campaign_with(database, *(host(name) for name in "abcd"), waves=(0, 0, 1, 1))
    claim(database, limit=1)
    counts = campaigns.counts(database, "c1")

    assert sum(count.hosts for count in counts) == 4
    assert {(count.wave, count.state, count.hosts) for count in counts} == {
        (0, State.WORKING, 1),
        (0, State.QUEUED, 1),
        (1, State.QUEUED, 2),
    }


def test_a_wave_is_due_only_when_it_was_opened(database: Database) -> None:
    """Hosts of a later wave can't be claimed before."""
    campaign_with(database, host("a"), host("b"), waves=(0, 1))
    before = [run.host.name for run in claim(database)]
    opened = campaigns.open_wave(database, "c1", 1, now=START + 1)
    after = [run.host.name for run in claim(database, now=START + 1)]

    assert (before, opened, after) == (["a"], 1, ["b"])


def test_a_wave_takes_in_hosts_of_the_next(database: Database) -> None:
    """When the first hosts prove nothing, as many again are tried; of several actors that see it only one widens."""
    campaign_with(database, *(host(name) for name in "abc"), waves=(0, 1, 1))
    (run,) = claim(database)
    early = campaigns.widen_wave(database, "c1", 0, 1, now=START + 1)
    ended = Step(run.progress, End(Outcome.UNREACHABLE, "x"), "ended")
    store_progress.save(database, run, ended, Visit(), now=START + 1)
    taken = [campaigns.widen_wave(database, "c1", 0, 1, now=START + 1) for _ in range(2)]

    assert (early, taken, [run.host.name for run in claim(database, now=START + 1)]) == (0, [1, 0], ["b"])


def test_a_wave_opens_once_and_a_verdict_of_the_machine_yields_to_a_person(database: Database) -> None:
    """Two actors that steer at once open one wave; a campaign that a person aborted is not ended or stopped by a rule."""
    campaign_with(database, host("a"), host("b"), waves=(0, 1))
    opened = [campaigns.open_wave(database, "c1", 1, now=START) for _ in range(2)]
    campaigns.move(database, "c1", CampaignState.ABORTED, reason="test", now=START)
    moved = campaigns.move(
        database, "c1", CampaignState.ENDED, reason="x", now=START, only_from=(CampaignState.RUNNING,)
    )

    assert (opened, moved, campaigns.state_of(database, "c1")) == ([1, 0], False, CampaignState.ABORTED)


def test_an_unproven_account_is_tried_by_one_actor_at_a_time(database: Database) -> None:
    """The second asks and waits; the first proof opens the account to all."""

    def ask(owner: str, now: float = START) -> Turn:
        return accounts.ask(database, "CORP\\fix", owner=owner, budget=Budget(), now=now, ttl=20)

    assert [ask("one"), ask("two")] == [Turn.GO, Turn.WAIT]
    accounts.tell(database, "CORP\\fix", result="proven", detail="", now=START)
    assert [ask("one"), ask("two")] == [Turn.GO, Turn.GO]


def test_a_refused_account_is_stopped_for_everybody(database: Database) -> None:
    """After one refusal nobody tries that account again, until an operator says so."""
    accounts.ask(database, "fix", owner="one", budget=Budget(), now=START, ttl=20)
    accounts.tell(database, "fix", result="refused", detail="wrong password", now=START)
    stopped = accounts.ask(database, "fix", owner="two", budget=Budget(), now=START + 99, ttl=20)

    assert (stopped, accounts.stopped(database)) == (Turn.STOPPED, (("fix", "wrong password"),))
    accounts.forget(database, "fix")
    assert accounts.ask(database, "fix", owner="two", budget=Budget(), now=START, ttl=20) is Turn.GO


def test_undecided_log_ons_have_a_budget(database: Database) -> None:
    """Two undecided tries, then nothing for half an hour."""
    turns = []
    for tick in range(3):
        turns.append(accounts.ask(database, "fix", owner="one", budget=Budget(), now=START + tick, ttl=1))
        accounts.tell(database, "fix", result="undecided", detail="no log-on server", now=START + tick)
    later = accounts.ask(database, "fix", owner="one", budget=Budget(), now=START + 1801, ttl=1)

    assert (turns, later) == ([Turn.GO, Turn.GO, Turn.SPENT], Turn.GO)


def test_an_abort_cancels_idle_hosts_and_keeps_those_that_owe(database: Database) -> None:
    """A host that is off by our hand is not cancelled before it is on again."""
    campaign_with(database, host("a"), host("b"))
    first, _ = claim(database)
    ledger.permit(database, first, EffectKind.POWER_OFF, attempt=1, limits=Limits(), now=START)
    for run in claim(database, now=START + 31):
        store_progress.save(database, run, Step(run.progress, Wait(5), "waited"), Visit(), now=START + 32)
    campaigns.move(database, "c1", CampaignState.ABORTED, reason="test", now=START + 33)
    cancelled = retries.cancel_idle(database, "c1", now=START + 33)

    assert cancelled == 1
    assert [run.host.name for run in claim(database, now=START + 34)] == ["a"]


def test_a_held_host_stops_until_it_is_released(database: Database) -> None:
    """A person's hold takes effect at the next safe point, and only a person ends it."""
    campaign_with(database, host("a"))
    (run,) = claim(database)
    retries.hold(database, [run.id], reason="owner asked", now=START)
    store_progress.save(database, run, Step(run.progress, Wait(0), "waited"), Visit(), now=START)

    assert claim(database, now=START + 99) == ()
    assert retries.release(database, [run.id], now=START + 100) == 1
    assert [found.host.name for found in claim(database, now=START + 101)] == ["a"]


def test_a_hold_stops_what_is_about_to_be_sent(database: Database) -> None:
    """The ledger permits nothing on a host that a person holds; what is owed may be paid."""
    campaign_with(database, host("a"))
    (run,) = claim(database)
    ledger.permit(database, run, EffectKind.POWER_OFF, attempt=1, limits=Limits(), now=START)
    retries.hold(database, [run.id], reason="owner asked", now=START)
    kinds = (EffectKind.SAFE_BOOT_SET, EffectKind.RESTART, EffectKind.POWER_ON)
    answers = [ledger.permit(database, run, kind, attempt=2, limits=Limits(), now=START + 1) for kind in kinds]

    assert answers == [Permission.HELD, Permission.HELD, Permission.GRANTED]


@pytest.mark.parametrize("ends", ["saved", "given back", "held while idle"])
def test_a_held_host_that_owes_is_claimed_to_pay(database: Database, ends: str) -> None:
    """Its hold does not leave it off: it stays due until what it owes is paid, and is held then."""
    campaign_with(database, host("a"))
    (run,) = claim(database)
    ledger.permit(database, run, EffectKind.POWER_OFF, attempt=1, limits=Limits(), now=START)
    hold = partial(retries.hold, database, [run.id], reason="owner asked", now=START)
    waits = Step(run.progress, Wait(0), "waited")
    if ends == "held while idle":
        store_progress.save(database, run, waits, Visit(), now=START)
        hold()
    else:
        hold()
        if ends == "saved":
            store_progress.save(database, run, waits, Visit(), now=START)
        else:
            claims.give_back(database, [run], now=START)
    idle = queries.find_host(database, "a").state
    (payer,) = claim(database, now=START + 1)
    ledger.settle(database, payer, EffectKind.POWER_ON, attempt=1, result="confirmed", now=START + 2)
    store_progress.save(database, payer, waits, Visit(), now=START + 2)

    assert (idle, payer.is_draining) == (State.HELD, True)
    assert queries.find_host(database, "a").state is State.HELD
    assert claim(database, now=START + 99) == ()


def test_a_held_host_whose_actor_died_is_put_down_as_held(database: Database) -> None:
    """It is taken over to pay what it may owe, and not to go on with its repair."""
    campaign_with(database, host("a"))
    (run,) = claim(database)
    retries.hold(database, [run.id], reason="owner asked", now=START)
    (successor,) = claim(database, now=START + 31)
    store_progress.save(database, successor, Step(run.progress, Wait(0), "x"), Visit(), now=START + 32)

    assert successor.is_draining
    assert queries.find_host(database, "a").state is State.HELD


def test_a_hold_and_its_release_stand_in_the_timeline(database: Database) -> None:
    """Each leaves an event, the hold with its reason."""
    campaign_with(database, host("a"))
    (row,) = queries.host_rows(database, "c1")
    retries.hold(database, [row.run.id], reason="owner asked", now=START)
    retries.release(database, [row.run.id], now=START + 5)
    told = [(event["what"], event["data"]) for event in queries.timeline(database, row.run.id)]

    assert told == [("held", {"reason": "owner asked"}), ("released", {})]


def test_a_host_released_before_its_wave_waits_for_it(database: Database) -> None:
    """A release does not overtake the waves before."""
    campaign_with(database, host("a"), host("b"), waves=(0, 1))
    late = next(row.run for row in queries.host_rows(database, "c1") if row.run.host.name == "b")
    retries.hold(database, [late.id], reason="owner asked", now=START)
    retries.release(database, [late.id], now=START + 1)

    assert [run.host.name for run in claim(database, now=START + 2)] == ["a"]
    campaigns.open_wave(database, "c1", 1, now=START + 3)
    assert [run.host.name for run in claim(database, now=START + 4)] == ["b"]


def test_who_lost_the_lease_ends_no_debt_of_the_successor(database: Database) -> None:
    """The predecessor saw the host on before the successor ordered it off: that settles nothing."""
    campaign_with(database, host("a"))
    (old,) = claim(database, owner="one")
    ledger.permit(database, old, EffectKind.POWER_OFF, attempt=1, limits=Limits(), now=START)
    (new,) = claim(database, owner="two", now=START + 31)
    ledger.permit(database, new, EffectKind.POWER_OFF, attempt=2, limits=Limits(spacing=0), now=START + 32)
    ledger.settle(database, old, EffectKind.POWER_ON, attempt=1, result="confirmed", now=START + 33)
    assert ledger.owed(database, new.id) == {EffectKind.POWER_ON: START + 32}

    ledger.settle(database, new, EffectKind.POWER_ON, attempt=2, result="confirmed", now=START + 34)
    assert ledger.owed(database, new.id) == {}


def test_what_is_left_to_people_is_owed_no_more(database: Database) -> None:
    """A flag that nobody could take off is given up, told as an event, and keeps no campaign open."""
    campaign_with(database, host("a"))
    (run,) = claim(database)
    ledger.permit(database, run, EffectKind.SAFE_BOOT_SET, attempt=1, limits=Limits(), now=START)
    assert queries.tally(database, "c1").owing == "1 in safe mode by our hand"
    ledger.settle(database, run, EffectKind.SAFE_BOOT_CLEAR, attempt=1, result="given_up", now=START + 900)

    assert queries.tally(database, "c1").owing == ""
    assert queries.timeline(database, run.id)[-1]["what"] == "safe_boot_clear given_up"


def test_a_retried_host_starts_again_with_a_fresh_budget(database: Database) -> None:
    """Retry takes ended hosts only, and clears what the first try concluded."""
    campaign_with(database, host("a"), host("b"))
    run = claim(database)[0]
    spent = replace(run.progress, rung=Rung.HANDS_ON, rung_attempts=15, silent_boots=3)
    store_progress.save(database, run, Step(spent, End(Outcome.NEEDS_HANDS, "x"), "ended"), Visit(), now=START)
    queued = retries.retry(database, [run.id, run.id + 1], rung=Rung.IN_BAND, now=START + 1)

    (again,) = claim(database, now=START + 1)
    assert (queued, again.progress.rung, again.progress.rung_attempts, again.outcome) == (1, Rung.IN_BAND, 0, None)


def test_a_retry_keeps_what_has_landed(database: Database) -> None:
    """It is the proof that was missing: a host on which nothing is found any more goes on to it."""
    campaign_with(database, host("a"))
    (run,) = claim(database)
    landed = replace(run.progress, landed_at=datetime.fromtimestamp(START, UTC), landed_via="smb")
    store_progress.save(database, run, Step(landed, End(Outcome.UNVERIFIED, "x"), "ended"), Visit(), now=START)
    retries.retry(database, [run.id], rung=Rung.IN_BAND, now=START + 1)
    (again,) = claim(database, now=START + 1)

    assert (again.progress.landed_at, again.progress.landed_via) == (landed.landed_at, "smb")


@pytest.mark.parametrize("state", [CampaignState.RUNNING, CampaignState.ABORTED])
def test_hosts_of_an_open_campaign_are_busy(database: Database, state: CampaignState) -> None:
    """A host can't be in two open campaigns; an aborted one is open until its hosts have paid what they owe."""
    campaign_with(database, host("a"))
    campaigns.move(database, "c1", state, reason="test", now=START)

    assert retries.busy_elsewhere(database, ["a", "z"]) == (("a", "c1"),)


def test_a_schema_of_another_version_is_refused(database: Database) -> None:
    """A store that a newer version wrote is left alone, with one clear line."""
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    url = database.engine.url.render_as_string(hide_password=False)
    with pytest.raises(StoreError, match="schema revision '9999', which this version of unloop does not know"):
        open_database(url)


def test_the_revision_in_the_code_is_that_of_the_newest_migration() -> None:
    """Opening a store compares with a constant; the migrations say what it must be."""
    config = Config()
    config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))

    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


def test_a_corrupt_store_is_refused_in_one_line(tmp_path: Path) -> None:
    """A file that is no database is named, with what to do."""
    path = tmp_path / "broken.db"
    path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StoreError, match="file is not a database; it is corrupt or not a store"):
        open_database(f"sqlite:///{path}")


def test_tables_of_others_are_left_alone(tmp_path: Path) -> None:
    """A database that holds other tables is never migrated."""
    other = tmp_path / "other.db"
    foreign = open_database(f"sqlite:///{other}")
    with foreign.engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    foreign.close()
    with pytest.raises(StoreError, match="holds tables that are not unloop's"):
        open_database(f"sqlite:///{other}")
