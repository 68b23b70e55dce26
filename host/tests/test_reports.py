"""The board endpoint, rule by rule, as PROTOCOL.md states them."""

from typing import Any

import pytest
import structlog
from headroom.coordinator.ingest import Arrival
from headroom.coordinator.refusals import MOST_LINES_AT_ONCE
from headroom.protocol.signing import sign_report
from headroom.store import figures
from headroom.store.tables import figures as figures_table
from headroom.store.tables import leases
from sqlalchemy import select, update
from tests.support import World, key_of
from werkzeug.test import Client

pytestmark = pytest.mark.both_databases

MINUTE = [1, 0, 900, 0, 0, 0, 1100, 0, 0, 0, 60, 0, 0, 0]


# Of a first start at the date of the tests' clock: seconds since 2026.
EPOCH = 32_774_400


def slug(document: dict[str, Any]) -> str:
    """The last part of a problem's type."""
    return str(document["type"]).rpartition("/")[2]


def test_answer_is_signed_and_carries_lease_time_and_plan(world: World) -> None:
    # What an earlier term granted is not known yet: no more than the safe limit.
    response = world.board().report()
    assert response.status == 200
    assert response.signed
    assert response.document == {
        "v": 1,
        "boot": 1,
        "seq": 1,
        "time": 1_800_000_000,
        "valid_s": 120,
        "lease_ma": [5_000, 0, 0],
        "lease_s": 30,
        "epoch": EPOCH,
        "rev": 1,
        "ack_event": 0,
        "ack_minutes": [],
        "plan": {"start": 0, "step_s": 900, "slots": [""], "overrides": []},
    }


def test_plan_is_sent_until_the_board_reports_it(world: World) -> None:
    board = world.board()
    assert "plan" in board.report().document
    assert "plan" not in board.report().document


def test_events_and_minutes_are_acknowledged_and_stored_once(world: World) -> None:
    board = world.board()
    events = [[4, 9, "shed", 0, 12_000], [7, 10, "restore", 0, 0]]
    for _ in range(2):
        answer = board.report(events=events, minutes=[MINUTE]).document
        assert answer["ack_event"] == 7
        assert answer["ack_minutes"] == [[1, 0]]
    assert (world.rows("events"), world.rows("minutes")) == (2, 1)


def test_acknowledged_event_stays_so_in_later_answers_but_not_in_another_boot(
    world: World,
) -> None:
    board = world.board()
    board.report(events=[[4, 9, "shed", 0, 12_000]])
    assert board.report().document["ack_event"] == 4
    board.restart()
    assert board.report().document["ack_event"] == 0


def test_exact_repeat_is_answered_again_and_stored_once(world: World) -> None:
    board = world.board(seq=1)
    body = board.body(minutes=[MINUTE])
    first, second = board.send(body), board.send(body)
    assert (first.status, second.status) == (200, 200)
    assert second.signed
    assert second.document["ack_minutes"] == [[1, 0]]
    assert world.state()["boards"][0]["reports"] == 1


def test_same_pair_with_other_content_is_refused(world: World) -> None:
    board = world.board(seq=5)
    board.send(board.body())
    refusal = board.send(board.body(heap_free=1))
    assert (refusal.status, slug(refusal.document)) == (409, "replayed")
    assert refusal.signed


@pytest.mark.parametrize(("boot", "seq"), [(3, 4), (2, 9), (1, 1)])
def test_older_pair_is_refused_and_names_the_last_boot(world: World, boot: int, seq: int) -> None:
    board = world.board(boot=3, seq=5)
    board.send(board.body())
    refusal = board.send(board.body(boot=boot, seq=seq))
    assert (refusal.status, slug(refusal.document)) == (409, "replayed")
    assert refusal.signed
    assert refusal.document["last_boot"] == 3


@pytest.mark.parametrize(("boot", "seq"), [(3, 6), (4, 1), (4, 9)])
def test_higher_pair_is_accepted(world: World, boot: int, seq: int) -> None:
    board = world.board(boot=3, seq=5)
    board.send(board.body())
    assert board.send(board.body(boot=boot, seq=seq)).status == 200


def test_repeat_after_a_restart_of_the_coordinator_is_known(world: World) -> None:
    board = world.board(seq=1)
    body = board.body()
    board.send(body)
    world.start()
    assert board.send(body).status == 200
    assert board.send(board.body(heap_free=1)).status == 409


@pytest.mark.parametrize("signature", ["", "0" * 64, "not hex"])
def test_wrong_signature_is_refused_unsigned(world: World, signature: str) -> None:
    board = world.board(seq=1)
    refusal = board.send(board.body(), signature)
    assert (refusal.status, slug(refusal.document)) == (401, "unsigned")
    assert not refusal.signed
    assert "last_boot" not in refusal.document


def test_a_name_that_no_database_takes_spoils_nothing_for_who_reports_with_it(
    world: World,
) -> None:
    board = world.board(seq=1)
    body = board.body()
    bad, good = Arrival("fl\0at", "", b"{}", None), Arrival("flat-1", board.sign(body), body, None)
    replies = world.coordinator.handle_reports([bad, good])
    assert [reply.status for reply in replies] == [401, 200]


def test_three_ways_to_be_unknown_are_not_told_apart(world: World) -> None:
    known, stranger = world.board(seq=1), world.board("nobody", seq=1)
    answers = [known.send(known.body(), ""), stranger.send(stranger.body())]
    assert answers[0].document == answers[1].document
    other_key = sign_report(key_of("flat-2"), "flat-1", known.body())
    assert known.send(known.body(), other_key).document == answers[0].document


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"v": 2}, "v"),
        ({"boot": 0}, "boot"),
        ({"boot": True}, "boot"),
        ({"seq": 2**30}, "seq"),
        ({"up_s": -1}, "up_s"),
        ({"fw": "much too long for it"}, "fw"),
        ({"reset": "boredom"}, "reset"),
        ({"limit_ma": [1, 2]}, "limit_ma"),
        ({"lease_seq": 1}, "lease_seq"),
        ({"circuits": []}, "circuits"),
        ({"circuits": [[0, 0, "ok", 1, "default"]] * 2}, "circuits"),
        ({"circuits": [[0, 0, "ok", 2, "default"]]}, "circuits.0.3"),
        ({"circuits": [[0, 0, "ok", 1, "mood"]]}, "circuits.0.4"),
        ({"circuits": [{"current_ma": 0}]}, "circuits.0"),
        ({"events": [[2, 1, "shed", 0, 0], [1, 1, "shed", 0, 0]]}, "events"),
        ({"events": [[1, 1, "Shed!", 0, 0]]}, "events.0.2"),
        ({"minutes": [MINUTE[:-1]]}, "minutes.0"),
        ({"minutes": [[2, *MINUTE[1:]]]}, "minutes"),
        ({"lost": [0]}, "lost"),
        ({"extra": 1}, "extra"),
    ],
)
def test_malformed_report_is_refused_signed_and_names_the_key(
    world: World, change: dict[str, Any], named: str
) -> None:
    board = world.board(seq=1)
    refusal = board.send(board.body(**change))
    assert (refusal.status, slug(refusal.document)) == (400, "malformed")
    assert refusal.signed
    assert str(refusal.document["detail"]).startswith(named)


@pytest.mark.parametrize("body", [b"\xff", b"[]", b"null", b"{}", b"[" * 1500, b'{"v":1'])
def test_body_that_is_no_report_is_malformed(world: World, body: bytes) -> None:
    refusal = world.board().send(body)
    assert (refusal.status, slug(refusal.document)) == (400, "malformed")


def test_report_without_length_or_too_long_is_refused_before_it_is_read(world: World) -> None:
    path = "/api/v1/boards/flat-1/reports"
    client = Client(world.board_app)
    too_large = client.post(path, data=b" " * 1537)
    assert (too_large.status_code, slug(too_large.get_json())) == (413, "too-large")
    no_length = client.post(path)
    assert (no_length.status_code, slug(no_length.get_json())) == (411, "length-required")


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("GET", "/api/v1/boards/flat-1/reports", 405, "POST"),
        ("POST", "/api/v1/boards/flat-1/reports/", 404, None),
        ("POST", "/api/v1/boards/flat/1/reports", 404, None),
        ("GET", "/", 404, None),
    ],
)
def test_nothing_but_reports_is_taken(
    world: World, method: str, path: str, status: int, allowed: str | None
) -> None:
    response = Client(world.board_app).open(path, method=method, data=b"{}")
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    assert response.headers.get("Allow") == allowed


@pytest.mark.parametrize("length", ["-1", "+5", "1e3", "", "9" * 5000])
def test_a_length_that_is_none_is_refused(world: World, length: str) -> None:
    environ = {"CONTENT_LENGTH": length}
    path = "/api/v1/boards/flat-1/reports"
    response = Client(world.board_app).post(path, data=b"{}", environ_overrides=environ)
    assert response.status_code in (411, 413)


def test_longest_report_and_longest_answer_fit(world: World) -> None:
    world.document["boards"][0]["circuits"] *= 4
    world.start()
    big = 2**30 - 1
    board = world.board(boot=big, seq=big - 1)
    report = board.report(
        up_s=big,
        rssi_dbm=-128,
        circuits=[[999_999, big, "saturated", 1, "shed_circuit"]] * 4,
        events=[[big - 6 + n, big, "overload", 3, big] for n in range(6)],
        minutes=[[big, big - n, *[99_999] * 8, *[60] * 4] for n in range(4)],
    )
    assert report.status == 200
    assert len(board.body()) < 1536


def test_epoch_rises_with_every_start_and_above_what_boards_report(world: World) -> None:
    board = world.board()
    assert board.report().document["epoch"] == EPOCH
    world.start()
    assert board.report().document["epoch"] == EPOCH + 1
    assert board.report(epoch=EPOCH + 40, rev=3).document["epoch"] == EPOCH + 41
    world.start()
    assert board.report().document["epoch"] == EPOCH + 42


def test_a_restored_store_takes_an_epoch_that_was_not_taken_since_its_backup(
    world: World,
) -> None:
    with world.store.read() as db:
        backed_up = figures.epoch(db)
    world.clock.advance(60)
    world.start()
    lost = world.board().report().document["epoch"]
    with world.store.write() as db:
        db.execute(update(figures_table).values(value=backed_up))
    world.clock.advance(8)
    world.start()
    assert world.board(boot=2).report().document["epoch"] > lost


def test_minutes_are_dated_by_the_first_report_of_their_boot(world: World) -> None:
    board = world.board()
    board.report(up_s=180, minutes=[MINUTE])
    board.restart()
    board.report(minutes=[[1, 2, *MINUTE[2:]]])
    found = world.api.get("/api/v1/boards/flat-1/minutes").get_json()["minutes"]
    began = 1_800_000_000 - 180
    assert [row["unix_s"] for row in found] == [began, began + 120]


def test_minutes_of_a_boot_that_never_reported_are_kept_undated(world: World) -> None:
    board = world.board(boot=5)
    board.report(minutes=[[4, *MINUTE[1:]]])
    found = world.api.get("/api/v1/boards/flat-1/minutes").get_json()["minutes"]
    assert [(row["boot"], row["unix_s"]) for row in found] == [(4, None)]


def test_an_epoch_beyond_reason_is_refused_and_harms_nobody(world: World) -> None:
    response = world.board().report(epoch=2**29 + 1)
    assert response.status == 400
    assert "epoch" in response.document["detail"]
    assert world.board("flat-2").report().status == 200
    highest = world.board("flat-1", boot=2).report(epoch=2**29)
    assert (highest.status, highest.document["epoch"]) == (200, 2**29 + 1)


def test_a_repeat_holds_no_lease_for_longer(world: World) -> None:
    board = world.board()
    board.seq += 1
    body = board.body()
    for _ in range(50):
        assert board.send(body).status == 200
        world.clock.now_s += 1
    with world.store.read() as db:
        rows = db.execute(select(leases.c.seq)).all()
    assert len(rows) == 1
    world.clock.now_s += 40
    assert world.board("flat-2").report().document["lease_ma"][0] > 5000
    assert world.state()["boards"][0]["held_ma"]["L1"] == 5000


def test_a_flood_of_rubbish_is_counted_and_does_not_fill_the_log(world: World) -> None:
    board = world.board()
    with structlog.testing.capture_logs() as logs:
        for _ in range(10 * MOST_LINES_AT_ONCE):
            board.send(b"{}", "0" * 64)
        world.clock.advance(1)
        board.send(b"{}", "0" * 64)
    told = [line for line in logs if line["event"] == "report refused"]
    assert len(told) == MOST_LINES_AT_ONCE + 1
    assert told[-1]["unlogged_before"] == 9 * MOST_LINES_AT_ONCE
    assert world.state()["boards"][0]["refused"] == {"unsigned": 10 * MOST_LINES_AT_ONCE + 1}
