"""Reading the record: hosts by state and outcome, one host's timeline, windows and attempts of a campaign."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, func, select

from unloop.errors import StoreError
from unloop.model.attempt import Window
from unloop.model.effect import EffectKind
from unloop.model.host_run import HostRun
from unloop.model.outcome import Outcome
from unloop.store import schema
from unloop.store.database import Database
from unloop.store.rows import host_run_of, window_of


@dataclass(frozen=True, slots=True)
class HostRow:
    """One host run for listings, with how many resets and windows it took. Times in seconds since the epoch."""

    run: HostRun
    due_at: float | None
    changed_at: float
    resets: int
    windows: int
    caught: int


def host_rows(database: Database, campaign_id: str) -> tuple[HostRow, ...]:
    """Every host run of a campaign, in order of name."""
    table, effect, window = schema.host_run, schema.effect, schema.window
    query = select(table).where(table.c.campaign_id == campaign_id).order_by(table.c.name)
    mine = select(table.c.id).where(table.c.campaign_id == campaign_id)
    resets = (
        select(effect.c.host_run_id, func.count())
        .where(effect.c.kind == "power_off", effect.c.host_run_id.in_(mine))
        .group_by(effect.c.host_run_id)
    )
    seen = select(window.c.host_run_id, window.c.caught, func.count()).where(window.c.host_run_id.in_(mine))
    with database.read() as connection:
        rows = connection.execute(query).mappings().all()
        reset_counts: dict[int, int] = {run_id: count for run_id, count in connection.execute(resets)}  # noqa: C416
        window_counts: dict[int, list[int]] = {}
        for run_id, caught, count in connection.execute(seen.group_by(window.c.host_run_id, window.c.caught)):
            window_counts.setdefault(run_id, [0, 0])[bool(caught)] += count
    found = []
    for row in rows:
        missed, caught = window_counts.get(row["id"], [0, 0])
        found.append(
            HostRow(
                run=host_run_of(row),
                due_at=row["due_at"],
                changed_at=row["changed_at"],
                resets=reset_counts.get(row["id"], 0),
                windows=missed + caught,
                caught=caught,
            )
        )
    return tuple(found)


def find_host(database: Database, name: str, campaign_id: str | None = None) -> HostRun:
    """The newest host run of a host, or the one in a campaign; raises StoreError when there is none."""
    table = schema.host_run
    query = select(table).where(table.c.name == name).order_by(table.c.id.desc()).limit(1)
    if campaign_id is not None:
        query = query.where(table.c.campaign_id == campaign_id)
    with database.read() as connection:
        row = connection.execute(query).mappings().first()
    if row is None:
        where = f"campaign {campaign_id}" if campaign_id else f"store {database.label}"
        raise StoreError(f"no host {name!r} in {where}; `unloop host list` shows them")
    return host_run_of(row)


def timeline(database: Database, run_id: int) -> tuple[Mapping[str, Any], ...]:
    """Everything recorded of a host run in order of time: events, windows and evidence, each with ``at`` and ``what``."""
    with database.read() as connection:
        events = _rows(connection.execute(_of(schema.event, run_id)).mappings().all())
        windows = _rows(connection.execute(_of(schema.window, run_id)).mappings().all())
        findings = _rows(connection.execute(_of(schema.evidence, run_id)).mappings().all())
    lines = [{"at": row["at"], "what": row["kind"], "attempt": row["attempt"], "data": row["data"]} for row in events]
    lines += [
        {
            "at": row["at"],
            "what": f"evidence: {row['kind']}",
            "attempt": row["attempt"],
            "data": row["data"],
            "via": row["channel"],
        }
        for row in findings
    ]
    for row in windows:
        kept = ("opened_after", "closed_after", "struck_after", "channel", "caught", "first_ports", "lag", "strikes")
        data = {key: row[key] for key in kept}
        lines.append({"at": row["opened_at"], "what": "window", "attempt": row["attempt"], "data": data})
    return tuple(sorted(lines, key=lambda line: line["at"]))


def windows_of(database: Database, campaign_id: str) -> tuple[Mapping[str, Any], ...]:
    """Every window of a campaign with its host's name, in order of time."""
    table = schema.window
    query = (
        select(table, schema.host_run.c.name, schema.host_run.c.site)
        .join(schema.host_run, schema.host_run.c.id == table.c.host_run_id)
        .where(schema.host_run.c.campaign_id == campaign_id)
        .order_by(table.c.opened_at)
    )
    with database.read() as connection:
        return _rows(connection.execute(query).mappings().all())


@dataclass(frozen=True, slots=True)
class WindowFact:
    """What of a window counts in a statistic. Times in seconds; None where it is not known."""

    site: str
    model: str
    attempt: int
    caught: bool
    length: float | None
    lag: float | None
    landed_in: float | None


def window_facts(database: Database, campaign_id: str) -> tuple[WindowFact, ...]:
    """Every window of a campaign, in order of time."""
    table, run = schema.window, schema.host_run
    query = (
        select(
            run.c.site,
            run.c.host["model"].as_string().label("model"),
            table.c.attempt,
            table.c.caught,
            (table.c.closed_after - table.c.opened_after).label("length"),
            table.c.lag,
            (table.c.struck_after - table.c.opened_after).label("landed_in"),
        )
        .join(run, run.c.id == table.c.host_run_id)
        .where(run.c.campaign_id == campaign_id)
        .order_by(table.c.opened_at)
    )
    with database.read() as connection:
        return tuple(WindowFact(row[0], row[1] or "", *row[2:]) for row in connection.execute(query))


@dataclass(frozen=True, slots=True)
class Pace:
    """What attempts and proofs of a campaign took on average, in seconds, and how many windows were hit."""

    attempt: float | None
    proof: float | None
    windows: int
    caught: int


def pace(database: Database, campaign_id: str) -> Pace:
    """The pace of a campaign so far; attempts that saw no window are left out, and so is what is not over."""
    run, attempt, window = schema.host_run, schema.attempt, schema.window
    took = (
        select(func.avg(attempt.c.ended_at - attempt.c.started_at))
        .join(run, run.c.id == attempt.c.host_run_id)
        .where(run.c.campaign_id == campaign_id, attempt.c.result.in_(("landed", "sent", "missed")))
    )
    proof = select(func.avg(run.c.changed_at - run.c.landed_at)).where(
        run.c.campaign_id == campaign_id, run.c.outcome == Outcome.FIXED
    )
    seen = (
        select(func.count(), func.count().filter(window.c.caught))
        .join(run, run.c.id == window.c.host_run_id)
        .where(run.c.campaign_id == campaign_id)
    )
    with database.read() as connection:
        windows, caught = connection.execute(seen).one()
        return Pace(connection.execute(took).scalar(), connection.execute(proof).scalar(), windows, caught)


@dataclass(frozen=True, slots=True)
class MeasuredBoot:
    """One window of a host as it was measured, and whether we caused the boot that it was in."""

    host: str
    model: str
    window: Window
    is_caused: bool


def boots_of(database: Database, campaign_id: str) -> tuple[MeasuredBoot, ...]:
    """Every window that was measured of the hosts of a campaign, in whichever campaign, oldest first."""
    run, table, effect = schema.host_run, schema.window, schema.effect
    other = run.alias()
    mine = select(run.c.name, run.c.host).where(run.c.campaign_id == campaign_id).subquery()
    caused = exists().where(
        effect.c.host_run_id == table.c.host_run_id,
        effect.c.attempt == table.c.attempt,
        effect.c.kind == EffectKind.POWER_OFF,
    )
    query = (
        select(table, mine.c.name, mine.c.host, caused.label("is_caused"))
        .join(other, other.c.id == table.c.host_run_id)
        .join(mine, mine.c.name == other.c.name)
        .order_by(table.c.opened_at)
    )
    with database.read() as connection:
        rows = connection.execute(query).mappings().all()
    return tuple(
        MeasuredBoot(row["name"], str(row["host"].get("model", "")), window_of(row), bool(row["is_caused"]))
        for row in rows
    )


def attempts_of(database: Database, campaign_id: str) -> tuple[Mapping[str, Any], ...]:
    """Every attempt of a campaign with its host's name."""
    table = schema.attempt
    query = (
        select(table, schema.host_run.c.name)
        .join(schema.host_run, schema.host_run.c.id == table.c.host_run_id)
        .where(schema.host_run.c.campaign_id == campaign_id)
        .order_by(table.c.started_at)
    )
    with database.read() as connection:
        return _rows(connection.execute(query).mappings().all())


def evidence_of(database: Database, campaign_id: str) -> tuple[Mapping[str, Any], ...]:
    """Every piece of evidence of a campaign with its host's name, in order of time."""
    table = schema.evidence
    query = (
        select(table, schema.host_run.c.name)
        .join(schema.host_run, schema.host_run.c.id == table.c.host_run_id)
        .where(schema.host_run.c.campaign_id == campaign_id)
        .order_by(table.c.id)
    )
    with database.read() as connection:
        return _rows(connection.execute(query).mappings().all())


def campaign_events(database: Database, campaign_id: str) -> tuple[Mapping[str, Any], ...]:
    """The events of the campaign itself."""
    table = schema.event
    query = select(table).where(table.c.campaign_id == campaign_id, table.c.host_run_id.is_(None)).order_by(table.c.id)
    with database.read() as connection:
        return _rows(connection.execute(query).mappings().all())


@dataclass(frozen=True, slots=True)
class Tally:
    """The figures of a campaign in motion."""

    resets: int
    windows: int
    caught: int
    off: int
    """Hosts that are off by our hand, or may be."""
    safe_mode: int
    """Hosts that start into safe mode by our hand, or may."""

    @property
    def open_obligations(self) -> int:
        """How much is owed."""
        return self.off + self.safe_mode

    @property
    def owing(self) -> str:
        """What is owed, in words; '' for nothing."""
        kinds = ((self.off, "off by our hand"), (self.safe_mode, "in safe mode by our hand"))
        return ", ".join(f"{hosts} {what}" for hosts, what in kinds if hosts)


def tally(database: Database, campaign_id: str) -> Tally:
    """Resets permitted, windows seen and caught, and hosts that are off or in safe mode by our hand right now."""
    mine = select(schema.host_run.c.id).where(schema.host_run.c.campaign_id == campaign_id)
    effect, window, obligation = schema.effect, schema.window, schema.obligation
    resets = select(func.count()).where(effect.c.kind == "power_off", effect.c.host_run_id.in_(mine))
    seen = select(func.count()).where(window.c.host_run_id.in_(mine))
    owed = (
        select(obligation.c.kind, func.count(func.distinct(obligation.c.host_run_id)))
        .where(obligation.c.discharged_at.is_(None), obligation.c.host_run_id.in_(mine))
        .group_by(obligation.c.kind)
    )
    with database.read() as connection:
        owing = {str(kind): int(hosts) for kind, hosts in connection.execute(owed)}
        return Tally(
            resets=connection.execute(resets).scalar_one(),
            windows=connection.execute(seen).scalar_one(),
            caught=connection.execute(seen.where(window.c.caught)).scalar_one(),
            off=owing.get(EffectKind.POWER_ON, 0),
            safe_mode=owing.get(EffectKind.SAFE_BOOT_CLEAR, 0),
        )


def _of(table: Any, run_id: int) -> Any:
    return select(table).where(table.c.host_run_id == run_id).order_by(table.c.id)


def _rows(rows: Sequence[Any]) -> tuple[Mapping[str, Any], ...]:
    return tuple(dict(row) for row in rows)
