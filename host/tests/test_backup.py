"""A store that was backed up and restored is the same, and boards go on with it."""

import os
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from headroom.history.recorder import Recorder
from headroom.store import Store, StoreUnavailableError, audit, backup, boards, figures, open_store
from headroom.store.tables import metadata
from sqlalchemy import select
from tests.server_process import prepare, run_headroom, serving
from tests.support import World, key_of, sqlite_url

from tools.postgres import PostgresServer

NOBODY = 65_534
_OVERRIDE = "/api/v1/boards/flat-1/circuits/0/override"


def live(world: World) -> None:
    """A board reports, people order, and series are made of it."""
    board = world.board()
    minute = [1, 0, *[700] * 8, *[60] * 4]
    board.report(up_s=70, events=[[1, 5, "shed", 0, 1]], minutes=[minute])
    order(world, "off")
    board.report()
    world.clock.advance(60)
    Recorder(lambda: world.site, world.store).step(world.clock.unix_s())


def order(world: World, state: str) -> None:
    """Order the first circuit on or off."""
    body = {"state": state, "until": None}
    assert world.api.put(_OVERRIDE, json=body, headers=world.bearer).status_code == 200


def content(store: Store) -> dict[str, Sequence[Any]]:
    """Every row of every table but the figures, which rise."""
    with store.read() as db:
        return {
            table.name: db.execute(select(table).order_by(*table.primary_key)).all()
            for table in metadata.sorted_tables
            if table.name != "figures"
        }


def lose_store_and_restore(world: World, path: Path) -> None:
    """The disk is gone; its store comes back from a backup, and the coordinator starts."""
    world.close()
    for file in world.folder.glob("headroom.db*"):
        file.unlink()
    with closing(world.open_store()) as store:
        backup.restore(path, store, world.folder)
    world.start()


@pytest.mark.both_databases
def test_what_comes_back_is_what_was_there(
    world: World, tmp_path: Path, postgres: PostgresServer
) -> None:
    live(world)
    before = content(world.store)
    assert all(before[name] for name in ("reports", "minutes", "audit", "feeder_steps", "leases"))
    path = tmp_path / "backup"
    rows = backup.back_up(world.store, path)
    assert rows == sum(map(len, before.values())) + world.rows("figures")
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob("backup*")) == [path]
    for url in (f"sqlite:///{tmp_path / 'other' / 'store.db'}", postgres.new_database()):
        with closing(open_store(url)) as store:
            assert backup.restore(path, store, tmp_path) == rows
            assert content(store) == before
            with audit.by("anna", 5), store.write() as db:
                boards.put_key(db, "flat-1", b"n" * 32)
            assert len(content(store)["audit"]) == len(before["audit"]) + 1


def test_writers_go_on_while_a_backup_is_made(world: World, tmp_path: Path) -> None:
    live(world)
    with world.store.read() as db:
        db.execute(select(metadata.tables["boards"])).all()
        assert world.board(seq=5).report().status == 200
    backup.back_up(world.store, tmp_path / "backup")


@pytest.mark.parametrize("starts_since", [0, 1, 2, 5000])
def test_boards_go_on_that_have_seen_newer_plans(
    world: World, tmp_path: Path, starts_since: int
) -> None:
    board = world.board()
    order(world, "off")
    board.report()
    backup.back_up(world.store, tmp_path / "backup")
    for state in ("on", "off", "on"):
        order(world, state)
        board.report()
    board.epoch += starts_since
    seen_epoch, newer_rev = board.epoch, board.rev
    assert board.plan
    assert board.plan["overrides"] == [[0, 1, 0]]

    lose_store_and_restore(world, tmp_path / "backup")
    answer = board.report().document
    assert answer["epoch"] > seen_epoch
    assert answer["rev"] < newer_rev
    assert answer["plan"]["overrides"] == [[0, 0, 0]]
    following = board.report().document
    assert (following["epoch"], following["rev"]) == (answer["epoch"], answer["rev"])
    assert "plan" not in following


def test_no_lease_that_was_granted_since_is_overlooked(world: World, tmp_path: Path) -> None:
    first, second = world.board("flat-1"), world.board("flat-2")
    second.report()
    backup.back_up(world.store, tmp_path / "backup")
    world.clock.advance(60)
    first.report(circuits=[[12_000, 20, "ok", 1, "default"]])
    held_ma = first.limit_ma[0]
    assert held_ma > 5000
    lose_store_and_restore(world, tmp_path / "backup")
    answer = second.report(circuits=[[12_000, 20, "ok", 1, "default"]]).document
    assert answer["lease_ma"][0] + held_ma + 1000 <= 25_000


def test_a_copy_that_was_put_back_by_hand_is_found_out(world: World) -> None:
    board = world.board()
    order(world, "off")
    board.report()
    answer = board.report(rev=board.rev + 3).document
    assert answer["epoch"] > 1
    assert answer["plan"]["overrides"] == [[0, 0, 0]]


def test_a_store_in_use_is_not_written_over(world: World, tmp_path: Path) -> None:
    backup.back_up(world.store, tmp_path / "backup")
    before = content(world.store)
    with pytest.raises(StoreUnavailableError, match="is in use"):
        backup.restore(tmp_path / "backup", world.store, tmp_path)
    assert content(world.store) == before


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (None, "no such backup"),
        ("", "backup: there is nothing in it"),
        ("not a store " * 100, "backup: is not a database"),
        ("not a store", "backup: .*not a database"),
    ],
)
def test_what_is_no_backup_is_named(tmp_path: Path, text: str | None, part: str) -> None:
    path = tmp_path / "backup"
    if text is not None:
        path.write_text(text)
    with closing(open_store(sqlite_url(tmp_path))) as store:
        with pytest.raises(StoreUnavailableError, match=part):
            backup.restore(path, store, tmp_path)
        with store.read() as db:
            assert figures.epoch(db) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="takes two users, for one could always write")
def test_a_backup_may_lie_where_nothing_can_be_written() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        source, data = Path(name, "source"), Path(name, "data")
        with closing(open_store(sqlite_url(source))) as store, store.write() as db:
            boards.put_key(db, "flat-1", key_of("flat-1"))
        with closing(open_store(sqlite_url(source))) as store:
            backup.back_up(store, source / "backup")
        for path, mode in ((Path(name), 0o755), (source, 0o555), (source / "backup", 0o444)):
            path.chmod(mode)
        data.mkdir(mode=0o700)
        os.chown(data, NOBODY, NOBODY)
        os.seteuid(NOBODY)
        try:
            with closing(open_store(sqlite_url(data))) as store:
                assert backup.restore(source / "backup", store, data)
        finally:
            os.seteuid(0)


def test_a_bit_that_fell_over_is_found(world: World, tmp_path: Path) -> None:
    path = tmp_path / "backup"
    backup.back_up(world.store, path)
    whole = path.read_bytes()
    damaged = whole.replace(key_of("flat-1"), key_of("flat-3"))
    assert damaged != whole
    path.write_bytes(damaged)
    with closing(open_store(sqlite_url(tmp_path / "new"))) as store:
        with pytest.raises(StoreUnavailableError, match="was damaged"):
            backup.restore(path, store, tmp_path)
        path.write_bytes(whole)
        assert backup.restore(path, store, tmp_path)


def test_the_commands(tmp_path: Path) -> None:
    prepare(tmp_path)
    path, data = tmp_path / "headroom.backup", tmp_path / "data"
    with serving(tmp_path) as server:
        board = server.board("flat-1")
        board.report()
        made = run_headroom("backup", str(path), "--data", str(data))
        assert (made.returncode, made.stderr) == (0, "")
        refused = run_headroom("restore", str(path), "--data", str(data))
        assert refused.returncode == 2
        assert "another headroom server uses it" in refused.stderr
        board.report()
    data.rename(tmp_path / "lost")
    restored = run_headroom("restore", str(path), "--data", str(data))
    assert (restored.returncode, restored.stderr) == (0, "")
    with serving(tmp_path) as server:
        board.post = server.board("flat-1").post
        epoch = board.epoch
        assert board.report().status == 200
        assert board.epoch > epoch
