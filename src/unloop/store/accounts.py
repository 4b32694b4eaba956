"""Accounts are not burned: at most one unproven log-on per account is in flight, over all channels and workers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from unloop.errors import StoreError
from unloop.model.state import State
from unloop.store import schema
from unloop.store.database import Database

_ACCOUNT = schema.account
_CHANGING = ("state", "owner", "busy_until", "undecided", "undecided_since", "detail")
_COUNTS = {"undecided": 2, "unanswered": 1}
_UPDATE = (
    update(_ACCOUNT)
    .where(_ACCOUNT.c.name == bindparam("account"))
    .values(**{name: bindparam(name) for name in _CHANGING})
)


class Turn(StrEnum):
    """What an actor that wants to log on is told."""

    GO = "go"
    WAIT = "wait"
    """Somebody else is about to prove the account."""
    SPENT = "spent"
    """Nobody could judge it, as often as that may be tried for now."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may be tried with an account in ``seconds`` while nobody has judged it (design section 7, rule 6).

    A log-on that could not be judged counts two, a proof that was never answered one.
    """

    most: int = 4
    seconds: float = 1800.0


@dataclass(frozen=True, slots=True)
class Told:
    """How a log-on went: ``proven``, ``refused``, ``undecided``, ``unanswered`` or ``unused`` (no log-on came about)."""

    account: str
    result: str
    detail: str = ""


def ask(database: Database, account: str, *, owner: str, budget: Budget, now: float, ttl: float) -> Turn:
    """Ask to log on with an account. GO for an unproven account holds it for ``ttl`` seconds or until tell()."""
    return ask_all(database, [account], owner=owner, budget=budget, now=now, ttl=ttl)[0]


def look(database: Database, names: Sequence[str], *, owner: str, budget: Budget, now: float) -> list[Turn]:
    """What whoever asked now would be told; nothing is taken."""
    with database.read() as connection:
        query = select(_ACCOUNT).where(_ACCOUNT.c.name.in_(sorted(set(names))))
        known = {row["name"]: dict(row) for row in connection.execute(query).mappings()}
    return [_turn(known.get(name), owner, budget, now) for name in names]


def ask_all(
    database: Database, names: Sequence[str], *, owner: str, budget: Budget, now: float, ttl: float
) -> list[Turn]:
    """The same for many accounts in one transaction. Whoever meets another worker in an account's first moment waits."""
    try:
        with database.begin() as connection:
            known = _known(connection, names)
            turns = {name: _turn(known.get(name), owner, budget, now) for name in dict.fromkeys(names)}
            held = {"owner": owner, "busy_until": now + ttl}
            new = [{"name": name, "state": "unproven", **held} for name in turns if name not in known]
            if new:
                connection.execute(insert(_ACCOUNT), new)
            taken = [
                {"account": name, **_values(known[name]), **held}
                for name, turn in turns.items()
                if turn is Turn.GO and name in known and known[name]["state"] != "proven"
            ]
            if taken:
                connection.execute(_UPDATE, taken)
        return [turns[name] for name in names]
    except StoreError as error:
        if isinstance(error.__cause__, IntegrityError):
            return [Turn.WAIT] * len(names)
        raise


def tell(database: Database, account: str, *, result: str, detail: str, now: float) -> None:
    """Say how a log-on went (see Told)."""
    tell_all(database, [Told(account, result, detail)], now=now)


def tell_all(database: Database, told: Sequence[Told], *, now: float) -> None:
    """The same for many log-ons, one after the other, in one transaction."""
    with database.begin() as connection:
        known = _known(connection, [one.account for one in told])
        changed: dict[str, dict[str, Any]] = {}
        for one in told:
            row = changed.get(one.account) or known.get(one.account)
            if row is not None and not (row["state"] == "proven" and one.result != "refused"):
                changed[one.account] = {**row, **_after(row, one, now)}
        if changed:
            connection.execute(_UPDATE, [{"account": name, **_values(row)} for name, row in changed.items()])


def _known(connection: Connection, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The rows of these accounts, held until the transaction ends; all workers take them in the same order."""
    query = select(_ACCOUNT).where(_ACCOUNT.c.name.in_(sorted(set(names)))).order_by(_ACCOUNT.c.name).with_for_update()
    return {row["name"]: dict(row) for row in connection.execute(query).mappings()}


def _turn(row: Mapping[str, Any] | None, owner: str, budget: Budget, now: float) -> Turn:
    if row is None or row["state"] == "proven":
        return Turn.GO
    if row["state"] == "stopped":
        return Turn.STOPPED
    if row["undecided"] >= budget.most and now - (row["undecided_since"] or now) < budget.seconds:
        return Turn.SPENT
    return Turn.WAIT if row["busy_until"] > now and row["owner"] != owner else Turn.GO


def _after(row: Mapping[str, Any], told: Told, now: float) -> dict[str, Any]:
    """What changes of an account by how a log-on went."""
    free = {"busy_until": 0.0, "owner": ""}
    if told.result == "proven":
        return {**free, "state": "proven", "undecided": 0, "undecided_since": None, "detail": told.detail}
    if told.result == "refused":
        return {**free, "state": "stopped", "detail": told.detail}
    if told.result in _COUNTS:
        since = row["undecided_since"]
        is_recent = since is not None and now - since < Budget().seconds
        more = _COUNTS[told.result]
        counted = {"undecided": row["undecided"] + more} if is_recent else {"undecided": more, "undecided_since": now}
        return {**free, **counted, "detail": told.detail}
    return free


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _CHANGING}


def release(connection: Connection, owners: Collection[str], *, hosts: Collection[str], now: float) -> None:
    """Let others log on with the accounts that these owners are proving: the local ones of hosts that changed hands, and
    every one where an owner holds no host any more.

    All log-ons happen under a lease: a worker that died or let go keeps nobody waiting for longer than its hosts.
    """
    run = schema.host_run
    held = select(run.c.id).where(
        run.c.owner == _ACCOUNT.c.owner, run.c.state == State.WORKING, run.c.lease_until > now
    )
    busy = select(_ACCOUNT.c.name, held.exists()).where(
        _ACCOUNT.c.owner.in_(sorted(owners)), _ACCOUNT.c.owner != "", _ACCOUNT.c.busy_until > now
    )
    places = {place for host in hosts for place in (host.casefold(), f"{host.casefold()}/bmc")}
    free = [
        name
        for name, is_at_work in connection.execute(busy)
        if not is_at_work or name.partition("\\")[0].casefold() in places
    ]
    connection.execute(update(_ACCOUNT).where(_ACCOUNT.c.name.in_(free)).values(busy_until=0.0, owner=""))


def forget(database: Database, account: str) -> None:
    """Take an account's record back, after its credential was changed."""
    with database.begin() as connection:
        connection.execute(schema.account.delete().where(schema.account.c.name == account))


def stopped(database: Database) -> tuple[tuple[str, str], ...]:
    """The accounts that were refused, with the reason."""
    table = schema.account
    with database.read() as connection:
        return tuple(
            (name, detail)
            for name, detail in connection.execute(
                select(table.c.name, table.c.detail).where(table.c.state == "stopped")
            )
        )
