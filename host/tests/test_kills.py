"""A migration or restore that is killed leaves the old store or the new, and is begun again."""

import os
import random
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.runtime.migration import MigrationContext
from headroom.store import backup, figures, open_store, schema
from sqlalchemy import create_engine
from tests.server_process import run_headroom
from tests.support import World, sqlite_url
from tests.test_backup import content, live
from tests.test_schema import differences, write_old_store

from tools.postgres import PostgresServer

# How often on each database: KILLS=50 .venv/bin/pytest host/tests/test_kills.py
KILLS = int(os.environ.get("KILLS", "2"))
_WITHIN_S = 60
_MIGRATE = (
    "import sys; from headroom.store import open_store, schema; from alembic import command; "
    "schema._newest(); print(flush=True); open_store(sys.argv[1])"
)
_RESTORE = "import sys; from headroom.cli import main; print(flush=True); main(sys.argv[1:])"
_FIRST = "0001"


def run_until_killed(arguments: list[str], kill_s: float | None) -> float:
    """Kill a program some time after its first line, or not at all; how long it ran from there."""
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.readline()
        begun_s = time.monotonic()
        try:
            process.wait(_WITHIN_S if kill_s is None else kill_s)
        except subprocess.TimeoutExpired:
            process.kill()
        return time.monotonic() - begun_s


def write_first_store(url: str) -> None:
    """A PostgreSQL store as the first migration made it, with one figure in it."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as db:
        config = schema._config()
        config.attributes["connection"] = db
        command.upgrade(config, _FIRST)
        db.exec_driver_sql("INSERT INTO figures (name, value) VALUES ('epoch', 7)")
    engine.dispose()


def revision(url: str) -> str | None:
    """Of the store as it lies there."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as db:
        found = MigrationContext.configure(db).get_current_revision()
    engine.dispose()
    return found


def old_store(folder: Path, postgres: PostgresServer | None) -> str:
    """A store of an early release in an empty folder, or in a new database."""
    folder.mkdir()
    if postgres is None:
        write_old_store(folder)
        return sqlite_url(folder)
    url = postgres.new_database()
    write_first_store(url)
    return url


def postgres_of(request: pytest.FixtureRequest, database: str) -> PostgresServer | None:
    """The server of a test on PostgreSQL."""
    if database.startswith("sqlite"):
        return None
    server: PostgresServer = request.getfixturevalue("postgres")
    return server


@pytest.mark.both_databases
@pytest.mark.timeout(60 + 30 * KILLS)
def test_a_migration_that_is_killed_is_done_by_the_next_start(
    tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    postgres = postgres_of(request, database)
    moment = random.Random(KILLS)
    command_line = [sys.executable, "-c", _MIGRATE]
    whole = old_store(tmp_path / "whole", postgres)
    before, lasts_s = revision(whole), run_until_killed([*command_line, whole], None)
    newest = revision(whole)
    assert before != newest
    for number in range(KILLS):
        url = old_store(tmp_path / str(number), postgres)
        run_until_killed([*command_line, url], moment.uniform(0, lasts_s))
        assert revision(url) in (before, newest)
        with closing(open_store(url)) as store:
            assert differences(store) == []
            with store.read() as db:
                assert figures.epoch(db) > 0
        assert revision(url) == newest


@pytest.mark.both_databases
@pytest.mark.timeout(60 + 30 * KILLS)
def test_a_restore_that_is_killed_is_begun_again(
    tmp_path: Path, world: World, database: str, request: pytest.FixtureRequest
) -> None:
    postgres = postgres_of(request, database)
    moment = random.Random(KILLS)
    live(world)
    path, expected = tmp_path / "backup", content(world.store)
    backup.back_up(world.store, path)

    def restoring(data: Path) -> tuple[str, list[str]]:
        data.mkdir()
        url = postgres.new_database() if postgres else sqlite_url(data)
        return url, ["--database", url, "restore", str(path), "--data", str(data)]

    command_line = [sys.executable, "-c", _RESTORE]
    _, arguments = restoring(tmp_path / "whole")
    lasts_s = run_until_killed([*command_line, *arguments], None)
    for number in range(KILLS):
        data = tmp_path / str(number)
        url, arguments = restoring(data)
        run_until_killed([*command_line, *arguments], moment.uniform(0, lasts_s))
        again = run_headroom(*arguments)
        assert again.returncode == 0 or "is in use" in again.stderr
        with closing(open_store(url)) as store:
            assert content(store) == expected
        assert not list(data.glob("restore-*")) or again.returncode
