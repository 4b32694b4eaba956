"""How many more hosts of a group may be between off and on: open obligations are what is counted (decision 5)."""

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, func, select, text

from unloop.model.effect import EffectKind
from unloop.model.host_run import HostRun
from unloop.store import schema
from unloop.store.database import Database


class Room:
    """The room that is left in the groups of some host runs, counted once and then taken one by one."""

    def __init__(
        self, connection: Connection, database: Database, asked: Sequence[tuple[HostRun, Mapping[str, int]]]
    ) -> None:
        groups = {
            (column, name)
            for run, limits in asked
            for column, most in limits.items()
            if most and (name := str(getattr(run.host, column)))
        }
        if database.is_postgresql:
            for column, name in sorted(groups):
                lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:group, 0))")
                connection.execute(lock, {"group": f"{column}={name}"})
        self._off: Counter[tuple[str, str]] = Counter()
        for column in sorted({column for column, _ in groups}):
            names = sorted(name for other, name in groups if other == column)
            self._off.update({(column, name): hosts for name, hosts in _count(connection, column, names)})

    def take(self, run: HostRun, limits: Mapping[str, int]) -> bool:
        """Take a place in every group of a host; False, and nothing taken, where one is full."""
        places = [(column, str(getattr(run.host, column)), most) for column, most in limits.items() if most]
        if any(name and self._off[column, name] >= most for column, name, most in places):
            return False
        self._off.update((column, name) for column, name, _ in places if name)
        return True


def _count(connection: Connection, column: str, names: Sequence[str]) -> list[tuple[str, int]]:
    """How many hosts of each group owe a power-on."""
    table, obligation = schema.host_run, schema.obligation
    query = (
        select(table.c[column], func.count(func.distinct(obligation.c.host_run_id)))
        .join(obligation, obligation.c.host_run_id == table.c.id)
        .where(
            obligation.c.kind == EffectKind.POWER_ON,
            obligation.c.discharged_at.is_(None),
            table.c[column].in_(names),
        )
        .group_by(table.c[column])
    )
    return [(str(name), int(hosts)) for name, hosts in connection.execute(query)]
