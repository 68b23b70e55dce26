"""The same seed gives the same run: firmware, coordinator and a link that loses messages."""

from __future__ import annotations

import pytest

from boards.virtual.network import Exchange
from boards.virtual.pins import Edge
from boards.virtual.plant import Trace
from hil_tests.conftest import MakeWorld, circuit, one_board_site

pytestmark = [
    pytest.mark.virtual("no two runs of a real board are alike"),
    pytest.mark.requirement("repeat"),
]


def run(
    make_world: MakeWorld, seed: int, seconds: float = 60.0
) -> tuple[list[Edge], list[Exchange]]:
    """Every edge of the board's pins and all that crossed its link."""
    world = make_world(one_board_site([circuit(f"circuit {i}", priority=i + 1) for i in range(4)]))
    timing = {"boot_delay_s": [1, 3], "restore_wait_s": 5, "retry_s": 20}
    board = world.add_board("flat-1", timing=timing, seed=seed)
    for index in range(4):
        board.set_load(index, Trace([1.0, 2.5, 4.0, 1.5], step_s=7.0 + index))
    board.network.faults.lose_request = board.network.faults.lose_answer = 0.3
    board.power_on()
    world.run(seconds)
    return board.pins.edges, list(board.network.exchanges)


def test_same_seed_same_run_and_another_seed_another(make_world: MakeWorld) -> None:
    first, again = run(make_world, seed=1), run(make_world, seed=1)
    assert first == again
    edges, exchanges = first
    lost = sum(not e.delivered for e in exchanges)
    print(f"{len(edges)} edges, {len(exchanges)} exchanges, {lost} of them lost")
    assert lost >= 2
    assert sum(e.what == "coil" for e in edges) > 8
    other = run(make_world, seed=2, seconds=15.0)
    assert other[0] != edges[: len(other[0])]
    assert other[1] != exchanges[: len(other[1])]
