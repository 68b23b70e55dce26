"""What was acknowledged is there after the process was killed at any moment."""

import http.client
import json
import random
import threading
from pathlib import Path

import pytest
from tests.board_client import BoardClient
from tests.server_process import Server, prepare, serving


def report_until_killed(
    board: BoardClient, acknowledged: set[tuple[int, int]], killer: threading.Timer
) -> None:
    """Report as fast as it goes, a minute and an event each, until nobody answers.

    The killer starts with the first acknowledgement, however long that takes.
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
        if not acknowledged:
            killer.start()
        acknowledged.update((boot, minute) for boot, minute in answer.document["ack_minutes"])


def stored_minutes(server: Server) -> list[tuple[int, int]]:
    """Every minute of the first board, page by page."""
    found: list[tuple[int, int]] = []
    while True:
        boot, minute = found[-1] if found else (0, 0)
        path = f"api/v1/boards/flat-1/minutes?after_boot={boot}&after_minute={minute}"
        page = server.get(path)["minutes"]
        if not page:
            return found
        found += [(row["boot"], row["minute"]) for row in page]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_acknowledged_report_survives_a_kill(tmp_path: Path, seed: int) -> None:
    prepare(tmp_path)
    acknowledged: set[tuple[int, int]] = set()
    with serving(tmp_path) as server:
        board = server.board("flat-1")
        epoch = server.get("api/v1/state")["epoch"]
        killer = threading.Timer(random.Random(seed).uniform(0.05, 0.6), server.process.kill)
        report_until_killed(board, acknowledged, killer)
        killer.join()
    with serving(tmp_path) as server:
        stored = stored_minutes(server)
        events = server.get("api/v1/state")["events"]
        again = server.board("flat-1", boot=2)
        assert again.report().document["epoch"] > epoch
    assert acknowledged
    assert acknowledged <= set(stored)
    assert len(stored) == len(set(stored))
    # At most the one report that was under way is stored without having been acknowledged.
    assert len(stored) - len(acknowledged) in (0, 1)
    assert events[0]["n"] == stored[-1][1]


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
