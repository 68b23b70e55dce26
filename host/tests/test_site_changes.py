"""Changes of the site by API: in force at once, kept over restarts, refused where impossible."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.board_client import BoardClient
from tests.support import World, roomy_world

pytestmark = pytest.mark.both_databases


@pytest.fixture
def world(tmp_path: Path, database: str) -> Iterator[World]:
    """Its feeder has a meter."""
    meter = {"max_ma": {"L1": 6000}, "rise_ma": {"L1": 500}, "max_age_s": 15}
    with roomy_world(tmp_path, database, {"meter": meter}) as world:
        yield world


def send(world: World, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    return world.api.open(f"/api/v1/{path}", method=method, json=body, headers=world.bearer)


def phase(world: World) -> dict[str, Any]:
    """L1 of the riser as the page shows it."""
    shown: dict[str, Any] = world.state()["feeders"][0]["phases"][0]
    return shown


def lease_ma(board: BoardClient) -> int:
    """L1 of what a board is given next."""
    given: int = board.report().document["lease_ma"][0]
    return given


def test_lower_limit_holds_at_once_and_after_a_restart(world: World) -> None:
    board = world.board()
    assert lease_ma(board) == 25_000 - 1000 - 6000 - 5000
    assert send(world, "PUT", "feeders/riser/limit", {"L1": 20_000}).status_code == 204
    assert phase(world)["limit_ma"] == 20_000
    assert lease_ma(board) == 8000
    world.start()
    assert phase(world)["limit_ma"] == 20_000
    assert send(world, "DELETE", "feeders/riser/limit").status_code == 204
    assert phase(world)["limit_ma"] == 25_000


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ({"L1": 25_001}, "limit 25001 mA is above its rating"),
        ({"L1": 16_999}, "limit_ma: 16999 on L1 cannot be kept"),
        ({}, "limit_ma: 0 on L1 cannot be kept"),
    ],
)
def test_limit_that_cannot_be_is_refused_and_changes_nothing(
    world: World, limit: dict[str, int], words: str
) -> None:
    refused = send(world, "PUT", "feeders/riser/limit", limit)
    assert refused.status_code == 422
    assert words in refused.get_json()["detail"]
    world.start()
    assert phase(world)["limit_ma"] == 25_000


def test_meter_counts_with_its_rise_until_it_is_too_old(world: World) -> None:
    board = world.board()
    assert send(world, "PUT", "feeders/riser/meter", {"L1": 1500}).status_code == 204
    assert lease_ma(board) == 25_000 - 1000 - 2000 - 5000
    send(world, "PUT", "feeders/riser/meter", {"L1": 5900})
    assert lease_ma(board) == 25_000 - 1000 - 6000 - 5000
    # What is measured is there, whatever was thought to be the most.
    send(world, "PUT", "feeders/riser/meter", {"L1": 9000})
    assert lease_ma(board) == 25_000 - 1000 - 9000 - 5000
    send(world, "PUT", "feeders/riser/meter", {"L1": 0})
    world.clock.advance(15)
    assert lease_ma(board) == 25_000 - 1000 - 6000 - 5000


def test_reading_of_a_feeder_without_meter_is_refused(world: World) -> None:
    del world.document["feeders"][0]["meter"]
    world.start()
    refused = send(world, "PUT", "feeders/riser/meter", {"L1": 1})
    assert (refused.status_code, "has no meter" in refused.get_json()["detail"]) == (422, True)


@pytest.mark.parametrize("path", ["boards/flat-2/priority", "boards/flat-2/circuits/0/priority"])
def test_priority_decides_who_is_served(world: World, path: str) -> None:
    one, two = world.board(), world.board("flat-2")
    one.circuits = [[10_000, 20, "ok", 1, "default"]]
    two.circuits = [[0, 20, "ok", 0, "shed_feeder"]]
    for board in (one, two, one):
        board.report()
    assert one.limit_ma[0] > 10_000
    assert send(world, "PUT", path, {"priority": 1}).status_code == 204
    assert lease_ma(one) == 5000


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("feeders/roof/limit", {"L1": 1}),
        ("feeders/roof/meter", {"L1": 1}),
        ("boards/roof/priority", {"priority": 1}),
        ("boards/flat-1/circuits/3/priority", {"priority": 1}),
    ],
)
def test_what_is_not_there_is_named(world: World, path: str, body: dict[str, int]) -> None:
    assert send(world, "PUT", path, body).status_code == 404


def test_change_is_recorded_and_one_that_no_longer_fits_is_passed_over(world: World) -> None:
    send(world, "PUT", "feeders/riser/limit", {"L1": 20_000})
    newest = send(world, "GET", "audit").get_json()["changes"][0]
    assert (newest["what"], newest["target"]) == ("site_changes", "feeder/riser/limit_ma")
    world.document["feeders"][0]["rating_ma"] = {"L1": 19_000}
    world.start()
    assert phase(world)["limit_ma"] == 19_000


def test_changes_that_fit_only_together_hold_after_a_restart(world: World) -> None:
    def meter(amperes: int) -> dict[str, Any]:
        return {"max_ma": {"L1": 1000 * amperes}, "max_age_s": 60}

    riser = world.document["feeders"][0]
    riser["meter"] = meter(12)
    barn = {"id": "barn", "parent": "riser", "rating_ma": {"L1": 16_000}, "meter": meter(1)}
    world.document["feeders"].append(barn)
    world.start()
    for feeder, amperes in ("riser", 4), ("barn", 8):
        path = f"feeders/{feeder}/uncontrolled"
        assert send(world, "PUT", path, meter(amperes)).status_code == 204
    world.start()
    meters = [world.coordinator.site.feeder(feeder).meter for feeder in ("riser", "barn")]
    assert [one.max_ma[0] for one in meters if one] == [4000, 8000]


def test_a_change_that_no_longer_fits_is_named_forgotten_and_spoils_no_other(world: World) -> None:
    send(world, "PUT", "feeders/riser/limit", {"L1": 20_000})
    world.document["feeders"][0]["rating_ma"] = {"L1": 19_000}
    world.start()
    assert send(world, "PUT", "boards/flat-1/priority", {"priority": 1}).status_code == 204
    told = {one["name"]: one for one in send(world, "GET", "site/changes").get_json()["changes"]}
    assert set(told) == {"feeder.riser.limit_ma", "board.flat-1.priority"}
    assert (told["board.flat-1.priority"]["value"], told["board.flat-1.priority"]["misfit"]) == (
        1,
        [],
    )
    (why,) = told["feeder.riser.limit_ma"]["misfit"]
    assert "limit 20000 mA is above its rating 19000 mA" in why
    assert send(world, "DELETE", "site/changes/feeder.riser.limit_ma").status_code == 200
    assert len(send(world, "GET", "site/changes").get_json()["changes"]) == 1
    again = send(world, "DELETE", "site/changes/feeder.riser.limit_ma")
    assert (again.status_code, again.get_json()["type"][-14:]) == (404, "no-such-change")
    world.start()
    assert world.coordinator.site.boards[0].priority == 1


def test_a_change_of_what_the_file_no_longer_has_is_named(world: World) -> None:
    send(world, "PUT", "boards/flat-2/priority", {"priority": 1})
    del world.document["boards"][1]
    world.start()
    (told,) = send(world, "GET", "site/changes").get_json()["changes"]
    assert told["misfit"] == ["board/flat-2: the site has none any more; forget this change"]
