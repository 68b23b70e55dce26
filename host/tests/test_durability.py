"""What was acknowledged is there after the process was killed at any moment."""

import http.client
import json
import os
import random
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from headroom.store import open_store
from headroom.store.tables import minutes
from sqlalchemy import select
from tests.board_client import BoardClient
from tests.server_process import Server, prepare, serving
from tests.support import site_document

from tools.postgres import PostgresServer

# How often the server is killed on each database: KILLS=50 .venv/bin/pytest host/tests/...
KILLS = int(os.environ.get("KILLS", "3"))
BOARDS = 6
_SYNCED = re.compile(r"\b(fsync|fdatasync)\b.*= 0$")
_ACKNOWLEDGED = re.compile(r'\b(sendto|write)\(.*"HTTP/1\.1 200 OK')

Minute = tuple[str, int, int]


def crowded_site() -> dict[str, Any]:
    """A site with some more boards, so that several reports are under way at any moment."""
    document = site_document(BOARDS)
    for board in document["boards"]:
        board["safe_limit_ma"] = {"L1": 1000}
    return document


def report_until_killed(
    board: BoardClient, acknowledged: set[Minute], enough: int, reached: threading.Event
) -> None:
    """Report as fast as it goes, a minute and an event each, until nobody answers.

    Says when all boards together have that many acknowledgements.
    """
    while True:
        number = board.seq + 1
        minute = [board.boot, number, *[700] * 8, *[60] * 4]
        try:
            answer = board.report(events=[[number, number, "shed", 0, 1]], minutes=[minute])
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            return
        assert answer.status == 200
        assert answer.document["ack_event"] == number
        ids = answer.document["ack_minutes"]
        acknowledged.update((board.board_id, boot, minute) for boot, minute in ids)
        if len(acknowledged) >= enough:
            reached.set()


def crowd(
    server: Server, boot: int, acknowledged: set[Minute], enough: int
) -> list[threading.Thread]:
    """All boards report until nobody answers; returns once that much is acknowledged."""
    reached = threading.Event()
    boards = [server.board(f"flat-{number}", boot=boot) for number in range(1, BOARDS + 1)]
    senders = [
        threading.Thread(target=report_until_killed, args=[board, acknowledged, enough, reached])
        for board in boards
    ]
    for sender in senders:
        sender.start()
    assert reached.wait(60)
    return senders


def run_until_killed(server: Server, boot: int, moment: random.Random) -> set[Minute]:
    """What all boards had acknowledged when the server was killed."""
    acknowledged: set[Minute] = set()
    killer = threading.Timer(moment.uniform(0.0, 0.1), server.process.kill)
    senders = crowd(server, boot, acknowledged, enough=moment.randint(1, 100))
    killer.start()
    for thread in (*senders, killer):
        thread.join()
    return acknowledged


def stored_minutes(database: str) -> list[Minute]:
    """Every minute in the store."""
    store = open_store(database)
    with store.read() as db:
        rows = db.execute(select(minutes.c.board, minutes.c.boot, minutes.c.minute)).all()
    store.close()
    return [(row.board, row.boot, row.minute) for row in rows]


@pytest.mark.both_databases
@pytest.mark.timeout(60 + 30 * KILLS)
def test_every_acknowledged_report_survives_kills(tmp_path: Path, database: str) -> None:
    prepare(tmp_path, crowded_site(), database)
    moment = random.Random(KILLS)
    acknowledged: set[Minute] = set()
    for boot in range(1, KILLS + 1):
        with serving(tmp_path, database=database) as server:
            acknowledged |= run_until_killed(server, boot, moment)
    stored = stored_minutes(database)
    print(f"{KILLS} kills: {len(acknowledged)} reports acknowledged, {len(stored)} stored")
    assert acknowledged <= set(stored)
    assert len(stored) == len(set(stored))
    # At most the one that a board had under way is stored without having been acknowledged.
    assert len(stored) - len(acknowledged) <= KILLS * BOARDS


@contextmanager
def traced(output: Path, *process_ids: int) -> Iterator[None]:
    """System calls of processes and of what they fork, in the order in which they ended."""
    options = ["--follow-forks", "--trace=fsync,fdatasync,sendto,write", f"--output={output}"]
    options += [f"--attach={process_id}" for process_id in process_ids]
    command = ["strace", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        for _ in process_ids:
            line = strace.stderr.readline()
            if "attached" not in line:
                strace.kill()
                pytest.skip(f"system calls cannot be traced here: {line.strip()}")
        try:
            yield
        finally:
            strace.terminate()


def syncs_and_acknowledgements(trace: Path) -> str:
    """`s` for each sync that ended well, `a` for each acknowledgement that was sent."""
    found = []
    for line in trace.read_text().splitlines():
        found += ["s"] if _SYNCED.search(line) else []
        found += ["a"] if _ACKNOWLEDGED.search(line) else []
    return "".join(found)


def test_the_log_is_synced_before_each_acknowledgement(tmp_path: Path) -> None:
    prepare(tmp_path)
    trace = tmp_path / "trace"
    with serving(tmp_path) as server:
        board = server.board("flat-1")
        board.report()
        with traced(trace, server.process.pid):
            assert [board.report().status for _ in range(5)] == [200] * 5
    order = syncs_and_acknowledgements(trace)
    assert re.fullmatch("(s+a){5}s*", order), order


def test_postgresqls_log_is_synced_before_each_acknowledgement(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    database = postgres.new_database()
    prepare(tmp_path, database=database)
    trace = tmp_path / "trace"
    with serving(tmp_path, database=database) as server:
        board = server.board("flat-1")
        board.report()
        with traced(trace, server.process.pid, *postgres.process_ids):
            assert [board.report().status for _ in range(5)] == [200] * 5
    order = syncs_and_acknowledgements(trace)
    assert re.fullmatch("(s+a){5}s*", order), order


def test_threads_never_meet_a_locked_store(tmp_path: Path) -> None:
    prepare(tmp_path)
    statuses: list[int] = []

    def report(board: BoardClient) -> None:
        statuses.extend(board.report().status for _ in range(40))

    with serving(tmp_path) as server:
        boards = [server.board("flat-1"), server.board("flat-2")]
        threads = [threading.Thread(target=report, args=[board]) for board in boards]
        for thread in threads:
            thread.start()
        epochs = {server.get("api/v1/state")["epoch"] for _ in range(20)}
        for thread in threads:
            thread.join()
    assert statuses == [200] * 80
    assert len(epochs) == 1
