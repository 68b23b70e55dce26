"""Prices: from the API into the plans of the boards that heed them, packed, durable."""

from typing import Any

import pytest
from headroom.protocol.prices import HIGHEST_EUR_MWH, LOWEST_EUR_MWH, pack, unpack
from tests.support import World

pytestmark = pytest.mark.both_databases

NOW = 1_800_000_000
PRICES = "/api/v1/prices"


@pytest.fixture
def priced(world: World) -> World:
    """A site whose first board heeds prices and whose second does not."""
    world.document["boards"][0]["circuits"][0]["price_ceiling_eur_mwh"] = 300
    world.start()
    return world


def put(world: World, *eur_mwh: Any, **changes: Any) -> tuple[int, dict[str, Any]]:
    """Give prices of a quarter of an hour from now on, with a token."""
    body = {"start": NOW, "step_s": 900, "eur_mwh": list(eur_mwh)} | changes
    response = world.api.put(PRICES, json=body, headers=world.bearer)
    return response.status_code, response.get_json()


def test_every_price_of_the_range_comes_back_unpacked() -> None:
    every = list(range(LOWEST_EUR_MWH, HIGHEST_EUR_MWH + 1))
    assert unpack(pack(every)) == every
    assert unpack(pack([-9_999, 9_999])) == [LOWEST_EUR_MWH, HIGHEST_EUR_MWH]
    assert not set(pack(every)) & set('"\\')


def test_prices_reach_the_boards_that_heed_them_and_no_other(priced: World) -> None:
    board, other = priced.board("flat-1"), priced.board("flat-2")
    assert put(priced, 80, 310, -20) == (200, {"rev": {"flat-1": 1}})
    start, step_s, packed = board.report().document["plan"]["price"]
    assert (start, step_s, unpack(packed)) == (NOW, 900, [80, 310, -20])
    assert "price" not in other.report().document["plan"]
    board.report()
    assert priced.state()["boards"][0]["plan"] == {"rev": 1, "acknowledged": True}


def test_prices_are_shown_and_survive_a_restart(priced: World) -> None:
    put(priced, 80, 310)
    priced.clock.advance(900)
    priced.start()
    shown = priced.state()["prices"]
    assert (shown["now_eur_mwh"], shown["eur_mwh"], shown["set_by"]) == (310, [80, 310], "first")
    circuit = priced.state()["boards"][0]["circuits"][0]
    assert circuit["price_ceiling_eur_mwh"] == 300
    assert unpack(priced.board().report().document["plan"]["price"][2]) == [80, 310]


def test_prices_leave_the_plan_when_they_are_over_or_deleted(priced: World) -> None:
    board = priced.board()
    put(priced, 80)
    assert "price" in board.report().document["plan"]
    priced.clock.advance(900)
    assert "price" not in board.report().document["plan"]
    assert priced.state()["prices"]["now_eur_mwh"] is None
    put(priced, 90, start=NOW + 900)
    assert "price" in board.report().document["plan"]
    response = priced.api.delete(PRICES, headers=priced.bearer)
    assert response.get_json() == {"rev": {"flat-1": 4}}
    assert "price" not in board.report().document["plan"]
    assert priced.state()["prices"] is None


@pytest.mark.parametrize(
    ("changes", "status", "detail"),
    [
        ({"eur_mwh": []}, 400, "eur_mwh"),
        ({"eur_mwh": [1] * 97}, 400, "eur_mwh"),
        ({"eur_mwh": [1.5]}, 400, "eur_mwh"),
        ({"eur_mwh": ["1"]}, 400, "eur_mwh"),
        ({"eur_mwh": [100_001]}, 400, "eur_mwh"),
        ({"step_s": 0}, 400, "step_s"),
        ({"start": -1}, 400, "start"),
        ({"unit": "ct"}, 400, "unit"),
        ({"start": NOW - 900}, 422, "eur_mwh: the last slot is over"),
    ],
)
def test_prices_that_make_no_sense_are_refused_and_change_nothing(
    priced: World, changes: dict[str, Any], status: int, detail: str
) -> None:
    answered, problem = put(priced, 80, **changes)
    assert (answered, problem["status"]) == (status, status)
    assert problem["detail"].startswith(detail)
    assert priced.state()["prices"] is None


def test_prices_need_a_token(priced: World) -> None:
    body = {"start": NOW, "step_s": 900, "eur_mwh": [1]}
    for response in (priced.api.put(PRICES, json=body), priced.api.delete(PRICES)):
        assert response.status_code == 401
        assert response.mimetype == "application/problem+json"
