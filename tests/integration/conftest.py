"""Stores of both kinds for integration tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from postgres import postgresql
from unloop.store.database import Database, open_database


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL server for the whole module."""
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty store of each kind."""
    if request.param == "sqlite":
        opened = open_database(f"sqlite:///{tmp_path / 'unloop.db'}")
    else:
        opened = open_database(request.getfixturevalue("server"))
    yield opened
    if opened.is_postgresql:
        with opened.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    opened.close()
