"""Takeovers in the store: what an actor that died or let go leaves behind, and what its successor knows of it."""

from dataclasses import replace

from campaigns import START, campaign_with, claim, host
from unloop.model.attempt import AttemptResult
from unloop.model.effect import EffectKind
from unloop.model.host_run import End, Queue, Stage, Step, Wait
from unloop.model.outcome import Outcome
from unloop.model.state import CampaignState, State
from unloop.store import accounts, campaigns, claims, ledger, queries, retries
from unloop.store import progress as store_progress
from unloop.store.accounts import Budget, Turn
from unloop.store.database import Database
from unloop.store.ledger import Limits
from unloop.store.progress import Finding, Kept, Visit

DEAD = START + 31
"""When a lease that was taken at the start has run out."""


def test_a_successor_knows_that_the_attempt_was_cut_short(database: Database) -> None:
    """A host that is taken over may have been struck, in this attempt and in those that follow."""
    campaign_with(database, host("a"))
    (first,) = claim(database)
    (second,) = claim(database, owner="two", now=DEAD)
    missed = Visit(AttemptResult.MISSED)
    store_progress.save(database, second, Step(second.progress, Wait(0), "missed"), missed, now=DEAD)
    (third,) = claim(database, owner="two", now=DEAD)

    assert [run.may_have_struck for run in (first, second, third)] == [False, True, True]
    assert [run.progress.attempt for run in (first, second, third)] == [1, 1, 2]


def test_a_host_that_waited_was_not_cut_short(database: Database) -> None:
    """A reset that was put off leaves the attempt open, and nobody's strike in doubt."""
    campaign_with(database, host("a"))
    (run,) = claim(database)
    store_progress.save(database, run, Step(run.progress, Wait(0), "reset paced"), Visit(), now=START)
    (again,) = claim(database, now=START)

    assert (again.progress.attempt, again.may_have_struck) == (1, False)


def test_what_a_visit_kept_outlives_its_actor(database: Database) -> None:
    """A landing that was written down while the host was still watched is there for the successor, with its evidence."""
    campaign_with(database, host("a"))
    (run,) = claim(database)
    landed = replace(run.progress, stage=Stage.VERIFY, landed_via="smb", note="landed")
    kept = Kept(run, landed, "host answered landed", AttemptResult.LANDED, (Finding("remedy", {"files": 1}, "smb"),))
    lost = store_progress.keep_all(database, [kept], now=START + 1)
    held = claim(database, owner="two", now=START + 2, queue=Queue.WORK)
    (successor,) = claim(database, owner="two", now=DEAD, queue=Queue.WORK)

    assert (lost, held) == (frozenset(), ())
    assert (successor.progress.stage, successor.progress.landed_via) == (Stage.VERIFY, "smb")
    assert (successor.is_attempt_open, successor.may_have_struck) == (False, False)
    assert [row["kind"] for row in queries.evidence_of(database, "c1")] == ["remedy"]
    assert store_progress.keep_all(database, [kept], now=DEAD) == {run.id}


def test_a_host_that_is_given_back_is_due_at_once(database: Database) -> None:
    """Whoever claims next continues the attempt; what the visit had not written down is in doubt."""
    campaign_with(database, host("a"), host("b"))
    first, second = claim(database)
    retries.hold(database, [second.id], reason="owner asked", now=START)
    claims.give_back(database, [first, second], now=START + 1)
    (again,) = claim(database, owner="two", now=START + 1)

    states = {row.run.host.name: row.run.state for row in queries.host_rows(database, "c1")}
    assert (again.host.name, again.progress.attempt, again.may_have_struck) == ("a", 1, True)
    assert states == {"a": State.WORKING, "b": State.HELD}


def test_only_what_is_still_ours_is_given_back(database: Database) -> None:
    """A host that somebody else holds by now stays in their hands."""
    campaign_with(database, host("a"))
    (old,) = claim(database)
    (new,) = claim(database, owner="two", now=DEAD)
    claims.give_back(database, [old], now=DEAD)

    assert claim(database, owner="three", now=DEAD) == ()
    assert claims.renew(database, [(new.id, new.fence)], ttl=30, now=DEAD) == {new.id}


def test_the_accounts_of_a_dead_worker_are_free_with_its_hosts(database: Database) -> None:
    """Nobody waits for a log-on of an owner whose hosts were taken over; one that holds a host keeps its turn."""

    def ask(owner: str, now: float) -> Turn:
        return accounts.ask(database, "CORP\\fix", owner=owner, budget=Budget(), now=now, ttl=300)

    campaign_with(database, host("a"), host("b"))
    claim(database, owner="one", limit=1)
    first = [ask("one", START), ask("two", START)]
    claim(database, owner="two", limit=1, now=START + 20)
    alive = ask("two", START + 21)
    claim(database, owner="two", limit=1, now=DEAD)

    assert (first, alive, ask("two", DEAD)) == ([Turn.GO, Turn.WAIT], Turn.WAIT, Turn.GO)


def test_the_local_accounts_of_a_host_change_hands_with_it(database: Database) -> None:
    """A worker that lost one host and holds another keeps its turn with the other's account alone."""

    def ask(name: str, owner: str, now: float) -> Turn:
        return accounts.ask(database, f"{name}\\admin", owner=owner, budget=Budget(), now=now, ttl=300)

    campaign_with(database, host("a"), host("b"))
    claim(database, owner="one", limit=1)
    claim(database, owner="one", limit=1, now=START + 20)
    first = [ask(name, "one", START + 21) for name in "ab"]
    claim(database, owner="two", now=DEAD)

    assert (first, [ask(name, "two", DEAD) for name in "ab"]) == ([Turn.GO, Turn.GO], [Turn.GO, Turn.WAIT])


def test_the_accounts_of_a_worker_that_let_go_are_free(database: Database) -> None:
    """Whoever continues the hosts of a worker that drained need not wait for a log-on that will never be told of."""

    def ask(owner: str) -> Turn:
        return accounts.ask(database, "ws-1\\admin", owner=owner, budget=Budget(), now=START, ttl=300)

    campaign_with(database, host("a"))
    held = claim(database, owner="one")
    turns = [ask("one"), ask("two")]
    claims.give_back(database, held, now=START)

    assert (turns, ask("two")) == ([Turn.GO, Turn.WAIT], Turn.GO)


def test_an_abort_ends_hosts_whose_owner_died(database: Database) -> None:
    """A host in the hands of a dead worker is cancelled once its lease is over, unless it owes something."""
    campaign_with(database, host("a"), host("b"))
    first, _ = claim(database)
    ledger.permit(database, first, EffectKind.POWER_OFF, attempt=1, limits=Limits(), now=START)
    campaigns.move(database, "c1", CampaignState.ABORTED, reason="test", now=START)
    cancelled = [retries.cancel_idle(database, "c1", now=moment) for moment in (START + 1, DEAD)]
    (owing,) = claim(database, owner="two", now=DEAD)

    assert (cancelled, owing.host.name, owing.is_draining) == ([0, 1], "a", True)


def test_a_retry_forgets_what_was_cut_short(database: Database) -> None:
    """A host that is queued again begins an attempt of its own, with nothing in doubt."""
    campaign_with(database, host("a"))
    claim(database)
    (run,) = claim(database, now=DEAD)
    ended = Step(run.progress, End(Outcome.NEEDS_HANDS, "x"), "ended")
    store_progress.save(database, run, ended, Visit(), now=DEAD)
    retries.retry(database, [run.id], rung=run.progress.rung, now=DEAD)
    (again,) = claim(database, now=DEAD)

    assert (run.may_have_struck, again.may_have_struck, again.progress.attempt) == (True, False, 2)


def test_work_may_come_due_where_a_campaign_runs_or_something_is_owed(database: Database) -> None:
    """A paused campaign is open only as long as one of its hosts is off by our hand."""
    campaign_with(database, host("a"))
    (run,) = claim(database)
    ledger.permit(database, run, EffectKind.POWER_OFF, attempt=1, limits=Limits(), now=START)
    running = campaigns.open_campaigns(database)
    campaigns.move(database, "c1", CampaignState.PAUSED, reason="test", now=START)
    owing = campaigns.open_campaigns(database)
    ledger.settle(database, run, EffectKind.POWER_ON, attempt=1, result="confirmed", now=START)

    assert (running, owing) == ({"c1": CampaignState.RUNNING}, {"c1": CampaignState.PAUSED})
    assert campaigns.open_campaigns(database) == {}
