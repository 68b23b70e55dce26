"""A store that fails: nothing that is lost was acknowledged, and what was is there."""

import sqlite3

from tests.support import World
from tests.test_reports import MINUTE, slug


def test_store_that_cannot_commit_acknowledges_nothing(world: World) -> None:
    board = world.board()
    board.report()
    other = sqlite3.connect(world.folder / "headroom.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refusal = board.report(minutes=[MINUTE])
    assert (refusal.status, slug(refusal.document)) == (503, "store-unavailable")
    assert refusal.signed
    other.execute("ROLLBACK")
    other.close()
    assert world.rows("minutes") == 0
    assert board.send(board.body(minutes=[MINUTE])).status == 200
    assert world.rows("minutes") == 1


def test_disk_that_is_full_acknowledges_nothing(world: World) -> None:
    board = world.board()
    board.report()
    with world.store.read() as db:
        pages = db.exec_driver_sql("PRAGMA page_count").scalar_one()
        db.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    acknowledged = 0
    for boot in range(2, 200):
        board.restart()
        minutes = [[1, 4 * boot + n, *MINUTE[2:]] for n in range(4)]
        response = board.report(minutes=minutes)
        if response.status == 503:
            break
        acknowledged += 4
    assert response.status == 503
    assert world.rows("minutes") == acknowledged
