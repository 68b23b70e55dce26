"""Overrides and schedules: from the API into the plan, and the board's acknowledgement back."""

from typing import Any

import pytest
from headroom.protocol.messages import (
    MAX_CIRCUITS,
    MAX_PLAN_BYTES,
    MAX_SLOTS,
    OverrideOrder,
    PlanBody,
    PlanPrices,
)
from tests.support import World

pytestmark = pytest.mark.both_databases

NOW = 1_800_000_000
OVERRIDE = "/api/v1/boards/flat-1/circuits/0/override"
SCHEDULE = "/api/v1/boards/flat-1/circuits/0/schedule"


def put(world: World, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    """An order with a token."""
    response = world.api.put(path, json=body, headers=world.bearer)
    return response.status_code, response.get_json()


def plan_state(world: World) -> dict[str, Any]:
    """Revision of the first board's plan, and whether the board obeys it."""
    state: dict[str, Any] = world.state()["boards"][0]["plan"]
    return state


def test_override_reaches_the_board_and_is_acknowledged(world: World) -> None:
    board = world.board()
    board.report()
    assert put(world, OVERRIDE, {"state": "off", "until": None}) == (200, {"rev": 2})
    assert plan_state(world) == {"rev": 2, "acknowledged": False}
    board.report()
    assert board.plan is not None
    assert board.plan["overrides"] == [[0, 0, 0]]
    board.report()
    assert plan_state(world) == {"rev": 2, "acknowledged": True}


def test_override_names_who_gave_it(world: World) -> None:
    put(world, OVERRIDE, {"state": "on", "until": NOW + 60})
    override = world.state()["boards"][0]["circuits"][0]["override"]
    assert override == {"state": "on", "until": NOW + 60, "set_by": "first", "set_unix_s": NOW}


def test_override_leaves_the_plan_when_it_expires(world: World) -> None:
    board = world.board()
    put(world, OVERRIDE, {"state": "off", "until": NOW + 60})
    assert board.report().document["plan"]["overrides"] == [[0, 0, NOW + 60]]
    world.clock.advance(60)
    answer = board.report().document
    assert (answer["rev"], answer["plan"]["overrides"]) == (2, [])
    assert world.state()["boards"][0]["circuits"][0]["override"] is None


def test_override_that_expired_while_the_clock_was_ahead_holds_again(world: World) -> None:
    board = world.board()
    put(world, OVERRIDE, {"state": "off", "until": NOW + 60})
    for ahead_s, overrides in (0, [[0, 0, NOW + 60]]), (3600, []), (10, [[0, 0, NOW + 60]]):
        world.clock.date_s = NOW + ahead_s
        assert board.report().document["plan"]["overrides"] == overrides


def test_override_survives_a_restart_and_is_cancelled_by_delete(world: World) -> None:
    board = world.board()
    put(world, OVERRIDE, {"state": "off", "until": None})
    world.start()
    assert board.report().document["plan"]["overrides"] == [[0, 0, 0]]
    assert world.api.delete(OVERRIDE, headers=world.bearer).get_json() == {"rev": 2}
    assert board.report().document["plan"]["overrides"] == []


def test_same_order_again_raises_no_revision(world: World) -> None:
    for _ in range(2):
        assert put(world, OVERRIDE, {"state": "off", "until": None}) == (200, {"rev": 1})


def test_schedule_reaches_the_board_until_it_is_over(world: World) -> None:
    board = world.board()
    put(world, SCHEDULE, {"start": NOW, "step_s": 900, "slots": "110-0"})
    plan = board.report().document["plan"]
    assert (plan["start"], plan["step_s"], plan["slots"]) == (NOW, 900, ["110-0"])
    world.clock.advance(5 * 900)
    assert board.report().document["plan"]["slots"] == [""]


def test_schedules_of_one_board_share_start_and_step(world: World) -> None:
    world.document["boards"][0]["circuits"] *= 2
    world.start()
    other = SCHEDULE.replace("/0/", "/1/")
    body = {"start": NOW, "step_s": 900, "slots": "11"}
    assert put(world, SCHEDULE, body)[0] == 200
    status, problem = put(world, other, body | {"step_s": 600})
    assert (status, problem["title"]) == (409, "The circuits of one board share start and step")
    assert put(world, other, body)[0] == 200
    world.clock.advance(1800)
    later = {"start": NOW + 1800, "step_s": 600, "slots": "1"}
    assert put(world, other, later)[0] == 200


def test_plan_that_a_board_would_refuse_is_refused_and_changes_nothing(world: World) -> None:
    body = {"start": NOW, "step_s": 900, "slots": "1" * 1000}
    status, problem = put(world, SCHEDULE, body)
    assert (status, problem["type"].rpartition("/")[2]) == (400, "malformed")
    assert problem["detail"].startswith("slots")
    assert world.state()["boards"][0]["circuits"][0]["schedule"] is None
    assert world.board().report().status == 200


def test_the_largest_legal_plan_fits_and_leaves_room_for_every_order() -> None:
    """So an override is never refused because of a schedule or of prices."""
    latest = 2**32 - 1
    body = PlanBody(
        start=latest,
        step_s=86_400,
        slots=("1" * MAX_SLOTS,) * MAX_CIRCUITS,
        overrides=tuple(OverrideOrder(n, 0, latest) for n in range(MAX_CIRCUITS)),
        price=PlanPrices(latest, 86_400, "[[" * MAX_SLOTS),
    )
    assert len(body.encode()) <= MAX_PLAN_BYTES


@pytest.mark.parametrize(
    ("path", "body", "status", "detail"),
    [
        (OVERRIDE, {"state": "off"}, 400, "until"),
        (OVERRIDE, {"state": "maybe", "until": None}, 400, "state"),
        (OVERRIDE, {"state": "off", "until": None, "x": 1}, 400, "x"),
        (OVERRIDE, {"state": "off", "until": NOW - 1}, 422, "until"),
        (OVERRIDE, {"state": "on", "until": 0}, 400, "until"),
        (OVERRIDE, [], 400, "Input"),
        (SCHEDULE, {"start": NOW, "step_s": 0, "slots": "1"}, 400, "step_s"),
        (SCHEDULE, {"start": NOW, "step_s": 900, "slots": "12"}, 400, "slots"),
        (SCHEDULE, {"start": NOW - 9999, "step_s": 900, "slots": "1"}, 422, "slots"),
        (OVERRIDE.replace("/0/", "/1/"), {"state": "off", "until": None}, 404, "board flat-1"),
        (OVERRIDE.replace("flat-1", "x"), {"state": "off", "until": None}, 404, "no board x"),
    ],
)
def test_order_that_makes_no_sense_is_refused(
    world: World, path: str, body: Any, status: int, detail: str
) -> None:
    answered, problem = put(world, path, body)
    assert (answered, problem["status"]) == (status, status)
    assert problem["detail"].startswith(detail)


def test_order_that_says_two_things_is_refused(world: World) -> None:
    text = '{"state": "off", "until": null, "state": "on"}'
    headers = world.bearer | {"Content-Type": "application/json"}
    response = world.api.put(OVERRIDE, data=text, headers=headers)
    assert response.status_code == 400
    assert response.get_json()["detail"] == "state: is given more than once"
    assert world.state()["boards"][0]["circuits"][0]["override"] is None
