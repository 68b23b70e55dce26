"""A store that fails: 503, reads where they can be had, nothing lost; it recovers by itself."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.board_client import BoardClient
from tests.support import World
from tests.test_reports import MINUTE, slug

from tools.postgres import PostgresServer

OVERRIDE = "/api/v1/boards/flat-1/circuits/0/override"
_NOBODY = 65_534


class Sender:
    """A board that reports a minute each time, and knows which were acknowledged."""

    def __init__(self, world: World) -> None:
        self.board: BoardClient = world.board()
        self.acknowledged = 0

    def report(self) -> str:
        """The problem that came back; nothing if the report was accepted."""
        number = self.board.seq + 1
        answer = self.board.report(minutes=[[1, number, *MINUTE[2:]]])
        self.acknowledged += len(answer.document.get("ack_minutes", ()))
        return "" if answer.status == 200 else slug(answer.document)


def assert_fails_and_reads(world: World, sender: Sender) -> None:
    """Reports and orders are refused in the form of problems, and the state is told."""
    assert sender.report() == "store-unavailable"
    order = world.api.put(OVERRIDE, json={"state": "off", "until": None}, headers=world.bearer)
    assert (order.status_code, slug(order.get_json())) == (503, "store-unavailable")
    assert order.mimetype == "application/problem+json"
    assert world.state()["boards"][0]["reports"] == sender.acknowledged


def assert_recovered(world: World, sender: Sender) -> None:
    """It works again, and has what it acknowledged."""
    assert sender.report() == ""
    assert world.rows("minutes") == sender.acknowledged
    order = world.api.put(OVERRIDE, json={"state": "off", "until": None}, headers=world.bearer)
    assert order.status_code == 200


@pytest.mark.both_databases
def test_a_store_that_another_keeps_locked(world: World) -> None:
    sender, other = Sender(world), world.open_store()
    assert sender.report() == ""
    with other.write():
        assert_fails_and_reads(world, sender)
    other.close()
    assert_recovered(world, sender)


def test_a_refusal_is_signed_where_keys_can_be_read(world: World) -> None:
    board, other = world.board(), world.open_store()
    with other.write():
        assert board.report().signed
        assert board.send(board.body(), "0" * 64).status == 401
    other.close()


@contextmanager
def disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of that size."""
    folder.mkdir(exist_ok=True)
    options = f"size={megabytes}m,mode=0700"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a megabyte."""
    with disk(tmp_path / "disk", 1) as folder:
        yield folder


def fill(folder: Path) -> Path:
    """A file that takes all that is left of it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    assert shutil.disk_usage(folder).free == 0
    return filler


def test_a_full_disk(small_disk: Path) -> None:
    world = World(small_disk / "data")
    sender = Sender(world)
    assert sender.report() == ""
    filler = fill(small_disk)
    while (problem := sender.report()) == "":
        pass  # what the log has room for already
    assert problem == "store-unavailable"
    assert_fails_and_reads(world, sender)
    filler.unlink()
    assert_recovered(world, sender)
    world.close()


def test_a_postgresql_on_a_full_disk(
    postgres: PostgresServer, reachable: Path, tmp_path: Path
) -> None:
    reachable.chmod(0o711)
    with disk(reachable / "disk", 32) as folder, postgres.database_in(folder) as url:
        world = World(tmp_path, database=url)
        sender = Sender(world)
        assert sender.report() == ""
        filler = fill(folder)
        while (problem := sender.report()) == "":
            assert sender.acknowledged < 2000  # what begun pages have room for
        assert problem == "store-unavailable"
        assert_fails_and_reads(world, sender)
        filler.unlink()
        assert_recovered(world, sender)
        world.close()


def test_a_postgresql_that_is_a_replica_until_it_is_promoted(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    world = World(tmp_path, database=postgres.new_database())
    sender = Sender(world)
    assert sender.report() == ""
    with postgres.as_replica():
        assert_fails_and_reads(world, sender)
    assert_recovered(world, sender)
    world.close()


def test_a_database_that_may_grow_no_more(world: World) -> None:
    sender = Sender(world)
    assert sender.report() == ""
    with world.store.read() as db:
        pages = db.exec_driver_sql("PRAGMA page_count").scalar_one()
        db.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    while sender.report() == "":
        assert sender.acknowledged < 1000
    assert world.rows("minutes") == sender.acknowledged


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nobody may write to the files of a folder, this process included."""
    modes = {path: path.stat().st_mode for path in (folder, *folder.iterdir())}
    for path in modes:
        path.chmod(0o555 if path.is_dir() else 0o444)
    root = os.geteuid() == 0
    if root:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        for path, mode in modes.items():
            path.chmod(mode)


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that an account without rights gets to; pytest's own lie in a private one."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_a_file_that_may_not_be_written(reachable: Path) -> None:
    world = World(reachable)
    sender = Sender(world)
    assert sender.report() == ""
    keeps_the_log = world.open_store()
    with keeps_the_log.read() as db:
        db.exec_driver_sql("SELECT 1 FROM boards").all()
        world.store.close()
        with read_only(reachable):
            assert_fails_and_reads(world, sender)
    keeps_the_log.close()
    # What was opened for these reads cannot write; it goes with the first report that meets it.
    sender.report()
    assert_recovered(world, sender)
    world.close()


def test_a_postgresql_that_goes_and_comes_back(postgres: PostgresServer, tmp_path: Path) -> None:
    world = World(tmp_path, database=postgres.new_database())
    sender = Sender(world)
    assert sender.report() == ""
    postgres.stop()
    refusal = world.board(seq=7).report()
    assert (refusal.status, refusal.signed) == (503, False)
    assert refusal.document["detail"] == "the store cannot be read"
    state = world.api.get("/api/v1/state")
    assert (state.status_code, state.mimetype) == (503, "application/problem+json")
    assert world.api.get("/api/v1/site").status_code == 200
    postgres.start()
    assert_recovered(world, sender)
    world.close()


def test_a_postgresql_that_was_restarted_meanwhile_is_not_noticed(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    world = World(tmp_path, database=postgres.new_database())
    sender = Sender(world)
    assert sender.report() == ""
    postgres.stop()
    postgres.start()
    assert_recovered(world, sender)
    world.close()
