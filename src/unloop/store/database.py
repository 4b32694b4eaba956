"""Opening the store: SQLite in WAL mode or PostgreSQL by URL, at exactly the schema revision that this version knows."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from unloop.errors import StoreError, StoreUnavailable
from unloop.store.text import to_json

BUSY_SECONDS = 10.0
READS = "unloop_reads"
"""The execution option of a transaction that only looks."""
REVISION = "0001"
"""The schema that this version reads and writes: the newest of store/migrations/versions."""
_PASSING = ("locked", "database or disk is full", "disk I/O error", "unable to open")
"""What SQLite calls troubles that somebody can mend while we wait."""
KINDS = "store.url is sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME, for which 'unloop[postgres]' is installed"
"""What a store can be."""
EARLIER = frozenset[str]()
"""Revisions from which it can be reached."""


@dataclass(frozen=True, slots=True)
class Database:
    """An open store. Every operation is one short transaction: begin() to write, read() to look."""

    engine: Engine
    label: str
    """The URL without its password, for messages."""

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A write transaction; raises StoreError with one line for a full disk, a corrupt file or a lost server."""
        with self._translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read transaction: it waits for no writer, and sees one moment of the store."""
        with self._translated(), self.engine.connect().execution_options(**{READS: True}) as connection:
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            kind = StoreUnavailable if _passes(error) else StoreError
            raise kind(f"store {self.label}: {_cause(error)}") from error

    @property
    def is_postgresql(self) -> bool:
        """Whether many machines share it."""
        return self.engine.dialect.name == "postgresql"

    def forget(self) -> None:
        """After a fork, in the child: leave the parent's connections alone, and never use them."""
        self.engine.dispose(close=False)

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Open a store and bring it to this version's schema; raises StoreError when it can't be used."""
    parsed = make_url(url)
    label = parsed.render_as_string(hide_password=True)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        try:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            told = f"{error.strerror}: {error.filename}; check that it may be made there, or name another store.url"
            raise StoreError(f"store {label}: {told}") from error
    try:
        engine = _engine(url)
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        raise StoreError(f"store {label}: {error}; {KINDS}") from error
    try:
        with engine.connect() as connection:
            _migrate(connection, label)
        _keep_a_log(engine)
    except DBAPIError as error:
        engine.dispose()
        raise StoreError(f"store {label}: {_cause(error)}") from error
    except SQLAlchemyError as error:
        engine.dispose()
        raise StoreError(f"store {label}: {error}") from error
    except StoreError:
        engine.dispose()
        raise
    return Database(engine, label)


def _engine(url: str) -> Engine:
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(
            url,
            json_serializer=to_json,
            pool_pre_ping=True,
            connect_args={"options": "-c lock_timeout=5000 -c idle_in_transaction_session_timeout=2000"},
        )
    engine = create_engine(url, json_serializer=to_json, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={int(BUSY_SECONDS * 1000)}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _keep_a_log(engine: Engine) -> None:
    """Write ahead from now on. The file itself remembers it, so this is done to a file that is known to be ours only."""
    if engine.dialect.name != "sqlite":
        return
    statement = "PRAGMA journal_mode=WAL"
    with closing(engine.raw_connection()) as connection:
        try:
            connection.cursor().execute(statement)
        except sqlite3.Error as error:
            raise OperationalError(statement, None, error) from error


def _begin(connection: Connection) -> None:
    """A writer takes its turn at the beginning, so that it never has to give up half-way."""
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(READS) else "BEGIN IMMEDIATE")


def _migrate(connection: Connection, label: str) -> None:
    """Bring the schema to our revision. Alembic is only imported when there is something to do: it takes its time."""
    current = _revision(connection)
    if current == REVISION:
        return
    if connection.dialect.name == "postgresql":
        # Several workers may find an empty store at once: one makes the tables, the others wait, and then see them.
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('unloop schema', 0))"))
        current = _revision(connection)
        if current == REVISION:
            return
    if current is not None and current not in EARLIER:
        raise StoreError(
            f"store {label} has schema revision {current!r}, which this version of unloop does not know; "
            "use the version that wrote it, or another store"
        )
    if current is None and inspect(connection).get_table_names():
        raise StoreError(f"store {label} holds tables that are not unloop's; name another store")
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util.exc import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(f"store {label}: {error}") from error
    connection.commit()


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _passes(error: DBAPIError) -> bool:
    """Whether the same may go well later: the server restarts, another writes for too long, the disk is full."""
    if error.connection_invalidated:
        return True
    if not isinstance(error, OperationalError):
        return False
    told = str(error.orig)
    return "sqlite" not in type(error.orig).__module__ or any(part in told for part in _PASSING)


AGAIN = "then try again (a campaign: `unloop campaign resume`); nothing recorded is lost"


def _cause(error: DBAPIError) -> str:
    told = str(error.orig).splitlines()[0] if error.orig else str(error).splitlines()[0]
    hints = {
        "database or disk is full": f"free some space, {AGAIN}",
        "disk I/O error": f"the disk is full or failing: look at it, {AGAIN}",
        "file is not a database": "it is corrupt or not a store; restore it from a backup or name another store",
        "malformed": "it is corrupt; restore it from a backup or name another store",
        "unable to open": "check that the path exists and may be written",
        "readonly": "check that the file and its directory may be written",
        "connection failed": "start it, or correct store.url in unloop.toml",
        "connection timeout": "start it, or correct store.url in unloop.toml",
        "failed to resolve host": "correct store.url in unloop.toml",
    }
    return next((f"{told}; {hint}" for part, hint in hints.items() if part in told), told)
