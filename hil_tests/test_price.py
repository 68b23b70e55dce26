"""A price from the API holds a circuit off at its contact, and never cycles a compressor short."""

from __future__ import annotations

import itertools

import pytest

from boards.virtual.plant import Constant
from hil_tests.conftest import MakeWorld, circuit, one_board_site
from hil_tests.world import World

pytestmark = [
    pytest.mark.virtual("prices of hours, in simulated time"),
    pytest.mark.requirement("orders"),
]

SLOT_S = 30
MIN_ON_S, MIN_OFF_S = 40, 70
CEILING = {"price_ceiling_eur_mwh": 300, "price_hysteresis_eur_mwh": 20}


def test_prices_hold_off_what_they_may_and_nothing_else(make_world: MakeWorld) -> None:
    fridge = circuit(
        "fridge", kind="thermal", safe="on", min_on_s=MIN_ON_S, min_off_s=MIN_OFF_S, **CEILING
    )
    circuits = [fridge, circuit("heater", **CEILING), circuit("lights", kind="critical")]
    world = make_world(one_board_site(circuits))
    board = world.add_board("flat-1", timing={"boot_delay_s": [1, 1]})
    for index in range(3):
        board.set_load(index, Constant(1.0))
    board.power_on()
    world.run_until(lambda: reasons(world) == ["default"] * 3, within_s=MIN_OFF_S + 30)

    slots = 8
    give(world, [400, 290, 100, 400, 100, 301, 280, 281])  # 290 and 281 are within the hysteresis
    world.run_until(lambda: reasons(world)[1:] == ["price", "default"], within_s=8)
    world.order("flat-1", 1, "override", {"state": "on", "until": None})
    world.run_until(lambda: reasons(world)[1] == "override", within_s=6)
    world.order("flat-1", 1, "override", None)
    world.run(slots * SLOT_S + 10)

    fridge_edges = edges_s(world, 0)
    for (before_s, was_closed), (after_s, _) in itertools.pairwise(fridge_edges):
        # Contacts take some 10 ms; the board counts whole seconds.
        assert after_s - before_s > (MIN_ON_S if was_closed else MIN_OFF_S) - 1.1, fridge_edges
    print("heater", edges_s(world, 1), "fridge", fridge_edges)
    assert len(fridge_edges) >= 4
    assert [to for _, to in edges_s(world, 1)] == [1, 0, 1, 0, 1, 0, 1, 0, 1]
    assert [to for _, to in edges_s(world, 2)] == [1]
    assert reasons(world) == ["default"] * 3  # the prices are over


def give(world: World, eur_mwh: list[int]) -> None:
    """Give the site its prices from now on, by API."""
    world.put("prices", {"start": int(world.unix_s()), "step_s": SLOT_S, "eur_mwh": eur_mwh})


def reasons(world: World) -> list[str]:
    """Why each circuit is as it is, as the API shows it."""
    return [circuit["reason"] for circuit in world.state()["boards"][0]["circuits"]]


def edges_s(world: World, index: int) -> list[tuple[float, int]]:
    """A contact's changes: (s, closed)."""
    contact = world.boards["flat-1"].plant.circuits[index].contact
    values = zip(contact.times_us, contact.values, strict=True)
    changes = [(round(t / 1e6, 2), int(v)) for t, v in values]
    return [c for i, c in enumerate(changes) if c[1] != (changes[i - 1][1] if i else 0)]
