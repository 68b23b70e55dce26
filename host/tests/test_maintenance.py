"""An order for maintenance: sent to one boot, never twice, acknowledged, or void in time."""

from typing import Any

import pytest
from tests.support import World

pytestmark = pytest.mark.both_databases

NOW = 1_800_000_000
MAINTENANCE = "/api/v1/boards/flat-1/maintenance"
EVENT = [[7, 20, "maintenance", -1, 0]]


@pytest.fixture
def ordered(world: World) -> World:
    """A site whose first board has reported and is ordered into maintenance for ten minutes."""
    world.board().report()
    assert put(world, NOW + 600)[0] == 204
    return world


def put(world: World, until: Any) -> tuple[int, Any]:
    """Order maintenance with a token."""
    response = world.api.put(MAINTENANCE, json={"until": until}, headers=world.bearer)
    return response.status_code, response.get_json(silent=True)


def shown(world: World) -> str:
    """What became of the order, as the API shows it."""
    order = world.state()["boards"][0]["maintenance"]
    return str(order["state"]) if order else "none"


def test_is_sent_until_acknowledged_and_not_after(ordered: World) -> None:
    board = ordered.board(seq=1)
    assert shown(ordered) == "ordered"
    for _ in range(2):
        assert board.report().document["maintenance"] == 1
        assert shown(ordered) == "sent"
    assert "maintenance" not in board.report(events=EVENT).document
    assert shown(ordered) == "acknowledged"
    board.restart()
    assert "maintenance" not in board.report().document
    assert shown(ordered) == "acknowledged"


def test_says_that_a_board_which_obeyed_and_is_silent_is_in_maintenance(ordered: World) -> None:
    board = ordered.board(seq=1)

    def text() -> str:
        return str(ordered.state()["boards"][0]["maintenance"]["text"])

    assert text() == "ordered into maintenance"
    board.report()
    board.report(events=EVENT)
    assert text() == ""
    ordered.clock.advance(60)
    assert text() == "in maintenance"


def test_only_the_board_that_it_names_gets_it(ordered: World) -> None:
    assert "maintenance" not in ordered.board("flat-2").report().document
    assert ordered.state()["boards"][1]["maintenance"] is None


def test_is_never_sent_to_a_second_boot(ordered: World) -> None:
    board = ordered.board(seq=1)
    assert board.report().document["maintenance"] == 1
    board.restart()
    assert "maintenance" not in board.report().document
    assert shown(ordered) == "lapsed"
    ordered.start()
    assert "maintenance" not in board.report().document
    assert put(ordered, NOW + 600)[0] == 204
    assert board.report().document["maintenance"] == 1


def test_survives_a_restart_of_the_coordinator(ordered: World) -> None:
    ordered.start()
    board = ordered.board(seq=1)
    assert board.report().document["maintenance"] == 1
    ordered.start()
    board.report(events=EVENT)
    assert shown(ordered) == "acknowledged"


def test_a_repeat_is_answered_as_before_and_acknowledges_nothing(ordered: World) -> None:
    board = ordered.board(seq=1)
    body = board.body(seq=2)
    assert board.send(body).document["maintenance"] == 1
    assert board.send(body).document["maintenance"] == 1
    body = board.body(seq=3, events=EVENT)
    board.send(body)
    put(ordered, NOW + 600)
    assert "maintenance" not in board.send(body).document
    assert shown(ordered) == "ordered"


def test_is_void_when_it_is_late_or_cancelled(ordered: World) -> None:
    board = ordered.board(seq=1)
    ordered.clock.advance(600)
    assert "maintenance" not in board.report().document
    assert shown(ordered) == "expired"
    put(ordered, NOW + 1200)
    assert ordered.api.delete(MAINTENANCE, headers=ordered.bearer).status_code == 204
    assert "maintenance" not in board.report().document
    assert shown(ordered) == "none"


@pytest.mark.parametrize(
    ("path", "body", "status", "detail"),
    [
        (MAINTENANCE, {"until": NOW}, 422, "until"),
        (MAINTENANCE, {"until": None}, 400, "until"),
        (MAINTENANCE, {}, 400, "until"),
        (MAINTENANCE.replace("flat-1", "x"), {"until": NOW + 1}, 404, "no board x"),
    ],
)
def test_order_that_makes_no_sense_is_refused(
    world: World, path: str, body: dict[str, Any], status: int, detail: str
) -> None:
    response = world.api.put(path, json=body, headers=world.bearer)
    assert (response.status_code, response.mimetype) == (status, "application/problem+json")
    assert response.get_json()["detail"].startswith(detail)
    assert shown(world) == "none"


def test_needs_a_token(world: World) -> None:
    assert world.api.put(MAINTENANCE, json={"until": NOW + 1}).status_code == 401
    assert world.api.delete(MAINTENANCE).status_code == 401
