"""Feeders, boards and circuits by API: in force at once where there is room, kept, recorded."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.board_client import BoardClient
from tests.support import World, key_of, site_document

pytestmark = pytest.mark.both_databases


@pytest.fixture
def world(tmp_path: Path, database: str) -> Iterator[World]:
    """Two boards of 5 A that could each use all of a riser of 25 A, long after the start."""
    document = site_document()
    for board in document["boards"]:
        board["circuits"][0]["rated_ma"] = 25_000
    world = World(tmp_path, document, database=database)
    world.outwait_earlier_terms()
    yield world
    world.store.close()


def send(world: World, method: str, path: str, body: Any = None) -> Any:
    return world.api.open(f"/api/v1/{path}", method=method, json=body, headers=world.bearer)


def board_table(board_id: str = "flat-3", **values: Any) -> dict[str, Any]:
    """A board as in the site file."""
    document: dict[str, Any] = site_document()["boards"][0]
    document["circuits"][0]["rated_ma"] = 25_000
    return document | {"id": board_id} | values


def feeder_table(feeder_id: str = "barn", **values: Any) -> dict[str, Any]:
    """A feeder of 16 A behind the riser."""
    return {"id": feeder_id, "parent": "riser", "rating_ma": {"L1": 16_000}} | values


def register(world: World, board_id: str) -> None:
    """As `headroom board provision` does."""
    body = {"key": key_of(board_id).hex()}
    assert send(world, "PUT", f"boards/{board_id}/key", body).status_code == 204


def provisioned(world: World, board: BoardClient, safe_ma: int = 5000) -> None:
    """A board gets what the site says, and starts anew."""
    register(world, board.board_id)
    board.restart()
    board.limit_ma = [safe_ma, 0, 0]
    assert board.report().status == 200


def lease_ma(board: BoardClient) -> int:
    """L1 of what a board is given next."""
    given: int = board.report().document["lease_ma"][0]
    return given


def shown_boards(world: World) -> list[str]:
    """As the page lists them."""
    return [board["id"] for board in world.state()["boards"]]


def to_provision(world: World) -> list[str]:
    """The boards that the page says this of."""
    return [board["id"] for board in world.state()["boards"] if board["needs_provisioning"]]


def until_there_is_room(world: World, boards: list[BoardClient], *request: Any) -> Any:
    """Send a request again, as told, while boards report; gives its answer and the retries."""
    for retries in range(10):
        answer = send(world, *request)
        if answer.status_code != 409:
            return answer, retries
        assert answer.get_json()["type"].endswith("no-room-yet")
        assert int(answer.headers["Retry-After"]) == 10
        world.clock.advance(10)
        for board in boards:
            board.report()
    raise AssertionError(answer.get_json()["detail"])


def test_an_added_board_reports_and_gets_leases_at_once_and_after_a_restart(world: World) -> None:
    assert send(world, "PUT", "boards/flat-3", board_table()).get_json() == {"provision": []}
    assert shown_boards(world) == ["flat-1", "flat-2", "flat-3"]
    board = world.board("flat-3")
    assert board.report().status == 401
    register(world, "flat-3")
    answer = board.report().document
    assert (answer["lease_ma"][0], "plan" in answer) == (14_000, True)
    world.start()
    world.outwait_earlier_terms()
    assert (shown_boards(world)[-1], lease_ma(board)) == ("flat-3", 14_000)


def test_a_board_waits_for_the_room_that_leases_take_and_gets_it(world: World) -> None:
    one = world.board(circuits=[[19_000, 20, "ok", 1, "default"]])
    for _ in range(2):
        assert lease_ma(one) == 19_000
    one.circuits = [[1000, 20, "ok", 1, "default"]]
    answer, retries = until_there_is_room(world, [one], "PUT", "boards/flat-3", board_table())
    assert (answer.status_code, retries > 0) == (200, True)
    assert world.state()["feeders"][0]["phases"][0]["committed_ma"] <= 25_000
