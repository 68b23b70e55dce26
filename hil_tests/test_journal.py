"""Minutes outlive an outage with a power cut in it, and come under the boot that measured them."""

from __future__ import annotations

from typing import Any

import pytest

from hil_tests.conftest import MakeWorld, circuit, one_board_site

pytestmark = [
    pytest.mark.virtual("an hour of outage, in simulated time"),
    pytest.mark.requirement("delivery"),
]


def test_minutes_before_and_after_a_power_cut_arrive_once_dated_and_in_order(
    make_world: MakeWorld,
) -> None:
    # One circuit and the slowest tick there is: an hour of it is soon over.
    world = make_world(one_board_site([circuit("heater")]))
    board = world.add_board("flat-1", timing={"tick_ms": 200})
    board.power_on()
    world.run(130)
    assert board.flash.wear.operations > 0
    known = rows(world)
    board.network.faults.down = True
    world.run(33 * 60)
    board.power_off()
    world.run(60)
    cut_up_s = int((board.now_us - board.resets[0][0]) / 1e6) - 60
    board.power_on()
    world.run(17 * 60)
    assert rows(world) == known
    board.network.faults.down = False
    world.run(90)

    stored = rows(world)
    first = [row["minute"] for row in stored if row["boot"] == 1]
    second = [row["minute"] for row in stored if row["boot"] == 2]
    assert first == list(range(len(first)))
    assert second == list(range(len(second)))
    assert len(second) >= 18
    assert 0 <= cut_up_s // 60 - len(first) <= 15
    taken = cut_up_s // 60 - len(first)
    print(f"{len(first)} and {len(second)} minutes, the cut took {taken}")
    assert all(row["unix_s"] is not None for row in stored)
    began = [row["unix_s"] for row in stored]
    assert began == sorted(began)
    health = world.state()["boards"][0]["health"]
    assert health["lost"] == {"minutes": 0, "events": 0}
    assert board.exec("import os; print(os.listdir('/journal'))").strip() == "[]"


def rows(world: Any) -> list[dict[str, Any]]:
    """The stored journal minutes, in the order of the API."""
    found: list[dict[str, Any]] = world.api.get("/api/v1/boards/flat-1/minutes").get_json()[
        "minutes"
    ]
    return found
