"""A server that is told to stop answers what it has taken, and ends soon."""

import http.client
import random
import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest
from tests.board_client import BoardClient
from tests.server_process import prepare, serving
from tests.test_durability import Minute, crowd, crowded_site, stored_minutes

STOPS = 2
# A writer waits 5 s for the store, and so do the page's requests.
_ENDS_WITHIN_S = 20


@pytest.mark.both_databases
def test_every_report_that_is_stored_was_answered(tmp_path: Path, database: str) -> None:
    prepare(tmp_path, crowded_site(), database)
    moment = random.Random(STOPS)
    acknowledged: set[Minute] = set()
    for boot in range(1, STOPS + 1):
        with serving(tmp_path, database=database) as server:
            heard: set[Minute] = set()
            senders = crowd(server, boot, heard, enough=moment.randint(20, 100))
            server.process.terminate()
            for sender in senders:
                sender.join()
            acknowledged |= heard
            assert server.process.wait(_ENDS_WITHIN_S) == 0
    assert set(stored_minutes(database)) == acknowledged


def report_once(board: BoardClient, statuses: list[int]) -> None:
    """One report, which may come too late."""
    with suppress(OSError, http.client.HTTPException):
        statuses.append(board.report().status)


def test_reports_that_wait_for_the_store_do_not_keep_it(tmp_path: Path) -> None:
    prepare(tmp_path)
    statuses: list[int] = []
    with serving(tmp_path) as server:
        board = server.board("flat-1")
        assert board.report().status == 200
        with closing(sqlite3.connect(tmp_path / "data" / "headroom.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            sender = threading.Thread(target=report_once, args=[board, statuses])
            sender.start()
            server.process.terminate()
            assert server.process.wait(_ENDS_WITHIN_S) == 0
            sender.join()
    assert statuses in ([], [503])
