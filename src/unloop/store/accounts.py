"""Accounts are not burned: at most one unproven log-on per account is in flight, over all channels and workers."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from unloop.errors import StoreError
from unloop.model.state import State
from unloop.store import schema
from unloop.store.database import Database


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
    """How often an undecided log-on may be repeated: ``tries`` in ``seconds`` (design section 7, rule 6)."""

    tries: int = 2
    seconds: float = 1800.0


def ask(database: Database, account: str, *, owner: str, budget: Budget, now: float, ttl: float) -> Turn:
    """Ask to log on with an account. GO for an unproven account holds it for ``ttl`` seconds or until tell()."""
    table = schema.account
    try:
        with database.begin() as connection:
            row = connection.execute(select(table).where(table.c.name == account).with_for_update()).mappings().first()
            if row is None:
                first = {"name": account, "state": "unproven", "owner": owner, "busy_until": now + ttl}
                connection.execute(insert(table), first)
                return Turn.GO
            if row["state"] == "proven":
                return Turn.GO
            if row["state"] == "stopped":
                return Turn.STOPPED
            spent = row["undecided"] >= budget.tries and now - (row["undecided_since"] or now) < budget.seconds
            if spent:
                return Turn.SPENT
            if row["busy_until"] > now and row["owner"] != owner:
                return Turn.WAIT
            connection.execute(update(table).where(table.c.name == account).values(owner=owner, busy_until=now + ttl))
            return Turn.GO
    except StoreError as error:
        if isinstance(error.__cause__, IntegrityError):
            return Turn.WAIT
        raise


def tell(database: Database, account: str, *, result: str, detail: str, now: float) -> None:
    """Say how a log-on went: ``proven``, ``refused``, ``undecided`` or ``unused`` (no log-on came about)."""
    table = schema.account
    with database.begin() as connection:
        row = connection.execute(select(table).where(table.c.name == account).with_for_update()).mappings().first()
        if row is None or (row["state"] == "proven" and result != "refused"):
            return
        values: dict[str, object] = {"busy_until": 0.0, "owner": ""}
        if result == "proven":
            values |= {"state": "proven", "undecided": 0, "undecided_since": None, "detail": detail}
        elif result == "refused":
            values |= {"state": "stopped", "detail": detail}
        elif result == "undecided":
            values |= {
                "undecided": row["undecided"] + 1,
                "undecided_since": row["undecided_since"] or now,
                "detail": detail,
            }
        connection.execute(update(table).where(table.c.name == account).values(**values))


def release(connection: Connection, owners: Collection[str], *, now: float) -> None:
    """Let others log on with the accounts that these owners are proving, where an owner holds no host any more.

    All log-ons happen under a lease: a worker that died keeps nobody waiting for longer than its hosts.
    """
    run, table = schema.host_run, schema.account
    held = select(run.c.id).where(run.c.owner == table.c.owner, run.c.state == State.WORKING, run.c.lease_until > now)
    idle = table.c.owner.in_(sorted(owners)) & (table.c.owner != "") & ~held.exists()
    connection.execute(update(table).where(idle).values(busy_until=0.0, owner=""))


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
