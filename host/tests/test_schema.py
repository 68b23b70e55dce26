"""Migrations make the tables that the code knows, of nothing and of what earlier releases left."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from headroom.store import Store, StoreUnavailableError, open_store
from headroom.store.tables import metadata
from tests.support import World, sqlite_url

_SCHEMA_3 = (Path(__file__).parent / "data" / "store_schema_3.sql").read_text()
# What schema 1 did not have yet, and what schema 2 did not.
_SINCE_1 = "DROP TABLE prices; DROP TABLE maintenance; DROP TABLE charge_revocations;"
_SINCE_2 = "DROP TABLE charge_revocations;"


def write_old_store(folder: Path, changes: str = "") -> None:
    """A SQLite store of schema 3, changed by some SQL."""
    database = sqlite3.connect(folder / "headroom.db")
    database.executescript(_SCHEMA_3 + changes)
    database.close()


def differences(store: Store) -> list[object]:
    """Between the tables that are there and those that the code knows."""
    with store.read() as db:
        return list(compare_metadata(MigrationContext.configure(db), metadata))


@pytest.mark.both_databases
def test_a_new_store_has_the_tables_that_the_code_knows(world: World) -> None:
    assert differences(world.store) == []


@pytest.mark.parametrize(
    "changes",
    ["", f"{_SINCE_2} PRAGMA user_version=2;", f"{_SINCE_1} PRAGMA user_version=1;"],
    ids=["schema 3", "schema 2", "schema 1"],
)
def test_a_store_from_before_the_migrations_is_taken_over(tmp_path: Path, changes: str) -> None:
    write_old_store(tmp_path, changes)
    (tmp_path / "api.token").write_text("whose hash the store has\n")
    world = World(tmp_path)
    assert differences(world.store) == []
    state = world.state()
    assert state["epoch"] > 1
    assert state["boards"][0]["reports"] == 2
    assert state["boards"][0]["held_ma"]["L1"] == 19_000
    assert state["boards"][0]["circuits"][0]["override"]["state"] == "off"
    assert [event["kind"] for event in state["events"]] == ["shed"]
    assert world.board(seq=2).report().status == 200
    world.close()


def test_an_earlier_release_refuses_the_store(world: World) -> None:
    with world.store.read() as db:
        assert db.exec_driver_sql("PRAGMA user_version").scalar_one() > 4


def test_a_schema_number_that_no_release_wrote_is_refused(tmp_path: Path) -> None:
    write_old_store(tmp_path, "PRAGMA user_version=99;")
    with pytest.raises(StoreUnavailableError, match="has schema 99"):
        open_store(sqlite_url(tmp_path))
