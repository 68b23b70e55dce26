"""Feeders, boards and circuits by API: in force at once where there is room, kept, recorded."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from headroom.coordinator import Coordinator
from headroom.store import open_store
from headroom.store.backup import back_up, restore
from tests.board_client import BoardClient
from tests.support import World, key_of, roomy_world, site_document

pytestmark = pytest.mark.both_databases


@pytest.fixture
def world(tmp_path: Path, database: str) -> Iterator[World]:
    with roomy_world(tmp_path, database) as world:
        yield world


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


def test_nothing_changes_while_there_is_no_room(world: World) -> None:
    one = world.board(circuits=[[19_000, 20, "ok", 1, "default"]])
    for _ in range(2):
        assert lease_ma(one) == 19_000
    refused = send(world, "PUT", "boards/flat-3", board_table())
    assert (refused.status_code, refused.get_json()["type"][-11:]) == (409, "no-room-yet")
    assert (
        "feeder riser L1: leases that boards hold leave 5000 mA too little"
        in (refused.get_json()["detail"])
    )
    assert shown_boards(world) == ["flat-1", "flat-2"]
    assert send(world, "GET", "site/changes").get_json() == {"changes": []}
    world.start()
    assert shown_boards(world) == ["flat-1", "flat-2"]


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("PUT", "boards/flat-3", board_table(safe_limit_ma={"L1": 15_000}), "above the rating"),
        ("PUT", "boards/flat-3", board_table(feeder="roof"), "feeder roof is not among riser"),
        ("PUT", "boards/flat-3", board_table("flat-4"), "the path names flat-3"),
        ("PUT", "feeders/barn", feeder_table(parent="roof"), "parent roof is not among"),
        ("PUT", "feeders/riser", {"id": "riser", "rating_ma": {"L1": 9000}}, "by 1000"),
        ("DELETE", "feeders/riser", None, "feeds board flat-1, board flat-2; move or remove"),
        ("DELETE", "boards/flat-1/circuits/0", None, "has no other circuit"),
    ],
)
def test_what_cannot_be_is_named_and_changes_nothing(
    world: World, method: str, path: str, body: Any, words: str
) -> None:
    refused = send(world, method, path, body)
    assert (refused.status_code, refused.mimetype) == (422, "application/problem+json")
    assert words in refused.get_json()["detail"]
    world.start()
    assert len(world.coordinator.site.boards) == 2
    assert len(world.coordinator.site.feeders) == 1


def test_a_board_that_reports_is_not_removed(world: World) -> None:
    board = world.board("flat-2")
    assert board.report().status == 200
    refused = send(world, "DELETE", "boards/flat-2")
    assert (refused.status_code, "switch it off" in refused.get_json()["detail"]) == (409, True)
    world.clock.advance(int(refused.headers["Retry-After"]))
    assert send(world, "DELETE", "boards/flat-2").status_code == 204


def test_a_removed_board_counts_until_its_lease_has_run_out(world: World) -> None:
    two = world.board("flat-2", circuits=[[9000, 20, "ok", 1, "default"]])
    for _ in range(2):
        held_ma = lease_ma(two)
    world.clock.advance(31)
    assert send(world, "DELETE", "boards/flat-2").status_code == 204
    assert (shown_boards(world), two.report().status) == (["flat-1"], 401)
    one = world.board()
    assert (held_ma > 5000, lease_ma(one)) == (True, 25_000 - 1000 - held_ma)
    world.start()  # All that was leased counts in full from now.
    assert lease_ma(one) <= 25_000 - 1000 - held_ma
    world.outwait_earlier_terms()
    assert lease_ma(one) == 24_000


def test_what_a_removed_board_told_stays_readable_and_its_key_waits(world: World) -> None:
    two = world.board("flat-2")
    two.report(events=[[1, 5, "shed", 0, 2]])
    world.clock.advance(60)
    assert send(world, "DELETE", "boards/flat-2").status_code == 204
    assert len(send(world, "GET", "boards/flat-2/reports").get_json()["reports"]) == 1
    assert send(world, "GET", "boards/flat-2/gaps").status_code == 200
    event = send(world, "GET", "events?board=flat-2").get_json()["events"][0]
    assert (event["kind"], event["circuit_name"]) == ("shed", None)
    metrics = world.api.get("/metrics", headers=world.bearer).text
    assert ('board="flat-1"' in metrics, 'board="flat-2"' in metrics) == (True, False)
    assert send(world, "DELETE", "site/changes/board.flat-2").status_code == 200
    assert two.report().status == 200


def test_a_lower_safe_limit_frees_nothing_until_the_board_has_it(world: World) -> None:
    one, two = world.board(), world.board("flat-2")
    one.report()
    table = board_table("flat-1", safe_limit_ma={"L1": 1000})
    answer = send(world, "PUT", "boards/flat-1", table)
    assert answer.get_json() == {"provision": ["flat-1"]}
    world.outwait_earlier_terms()
    for _ in range(2):
        assert lease_ma(two) == 19_000
    one.restart()  # A power cut: the flash says 5000 as before.
    assert (one.report().status, to_provision(world)) == (200, ["flat-1"])
    world.start()
    assert to_provision(world) == ["flat-1"]
    refused = send(world, "PUT", "boards/flat-3", board_table(safe_limit_ma={"L1": 15_000}))
    assert "that flat-1 may still have" in refused.get_json()["detail"]
    provisioned(world, one, safe_ma=1000)
    assert to_provision(world) == []
    one.report()
    world.outwait_earlier_terms()
    assert lease_ma(two) == 23_000


def test_a_moved_board_counts_on_both_feeders_until_it_is_provisioned(world: World) -> None:
    assert send(world, "PUT", "feeders/barn", {"id": "barn", "rating_ma": {"L1": 16_000}})
    one = world.board()
    one.report()
    table = board_table("flat-1", feeder="barn", safe_limit_ma={"L1": 2000})
    answer, _ = until_there_is_room(world, [one], "PUT", "boards/flat-1", table)
    assert answer.get_json() == {"provision": ["flat-1"]}
    feeders = {feeder["id"]: feeder["phases"][0] for feeder in world.state()["feeders"]}
    assert feeders["barn"]["committed_ma"] >= 5000
    assert feeders["riser"]["committed_ma"] >= 1000 + 5000 + 5000
    refused = send(world, "DELETE", "feeders/barn")
    assert "feeds board flat-1" in refused.get_json()["detail"]
    provisioned(world, one, safe_ma=2000)
    one.report()
    world.outwait_earlier_terms()
    one.report()
    feeders = {feeder["id"]: feeder["phases"][0] for feeder in world.state()["feeders"]}
    assert feeders["riser"]["committed_ma"] == 1000 + 5000


def test_a_board_is_heard_by_its_earlier_circuits_until_it_is_provisioned(world: World) -> None:
    one = world.board()
    one.report()
    heater = board_table()["circuits"][0]
    answer = send(world, "PUT", "boards/flat-1/circuits/1", heater | {"name": "boiler"})
    assert answer.get_json() == {"provision": ["flat-1"]}
    assert one.report().status == 200
    assert one.plan
    assert len(one.plan["slots"]) == 1
    assert [c["closed"] for c in world.state()["boards"][0]["circuits"]] == [True, None]
    body = {"state": "off", "until": None}
    order = send(world, "PUT", "boards/flat-1/circuits/1/override", body)
    assert (order.status_code, one.report().status) == (200, 200)
    one.circuits = one.circuits * 2
    provisioned(world, one)
    assert len(one.plan["slots"]) == 2
    assert one.plan["overrides"] == [[1, 0, 0]]
    assert to_provision(world) == []
    assert send(world, "PUT", "boards/flat-1/circuits/3", heater).status_code == 404
    followed = send(world, "DELETE", "boards/flat-1/circuits/0")
    assert "remove circuit 1 first" in followed.get_json()["detail"]
    assert send(world, "DELETE", "boards/flat-1/circuits/1").status_code == 200


def test_who_may_only_operate_changes_no_structure(world: World) -> None:
    made = send(world, "PUT", "tokens/op", {"role": "operate"}).get_json()["token"]
    headers = {"Authorization": f"Bearer {made}"}
    refused = world.api.put("/api/v1/boards/flat-3", json=board_table(), headers=headers)
    assert refused.status_code == 403


def test_a_structure_change_is_recorded_and_restored_from_a_backup(
    world: World, tmp_path: Path
) -> None:
    assert send(world, "PUT", "feeders/barn", feeder_table()).status_code == 200
    assert send(world, "PUT", "boards/flat-3", board_table(feeder="barn")).status_code == 200
    newest = send(world, "GET", "audit").get_json()["changes"][0]
    assert (newest["person"], newest["target"]) == ("first", "board/flat-3/table")
    assert '"feeder": "barn"' in str(newest["new"])
    back_up(world.store, tmp_path / "backup.db")
    with closing(open_store(f"sqlite:///{tmp_path / 'restored.db'}")) as restored:
        restore(tmp_path / "backup.db", restored, tmp_path)
        again = Coordinator(world.site, restored, world.clock)
        assert [board.id for board in again.site.boards] == ["flat-1", "flat-2", "flat-3"]
        assert again.site.feeder("barn").parent == "riser"
