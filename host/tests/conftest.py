"""Fixtures of the coordinator's tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from headroom.store import open_store
from headroom.store.tables import metadata
from playwright.sync_api import Browser, sync_playwright
from tests.support import World, sqlite_url

from tools.postgres import PostgresServer


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is marked `both_databases` on both."""
    marked = metafunc.definition.get_closest_marker("both_databases")
    if marked and "database" in metafunc.fixturenames:
        metafunc.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL server for all tests that ask for it."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres: PostgresServer) -> str:
    """A store that tests take one after the other."""
    url = postgres.new_database()
    open_store(url).close()
    return url


@pytest.fixture
def database(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The URL of an empty store: SQLite, and for tests marked `both_databases` PostgreSQL too."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return sqlite_url(tmp_path)
    url: str = request.getfixturevalue("postgres_url")
    store = open_store(url)
    with store.write() as db:
        tables = ", ".join(metadata.tables)
        db.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY")
    store.close()
    return url


@pytest.fixture
def world(tmp_path: Path, database: str) -> Iterator[World]:
    """A coordinator for two boards on one feeder, in virtual time."""
    made = World(tmp_path, database=database)
    yield made
    made.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()
