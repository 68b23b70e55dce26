"""What is usual at this time of the day is reckoned with before it is drawn."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from headroom.history.steps import QUARTER_S, CircuitStep
from headroom.history.usual import Expected, Usual
from headroom.store import series
from tests.board_client import BoardClient
from tests.support import World, roomy_world

pytestmark = pytest.mark.both_databases

DAY_S = 86_400
USUAL_MA = 16_000
FREE_MA = 24_000  # 25 A less 1 A that no relay controls


@pytest.fixture
def world(tmp_path: Path, database: str) -> Iterator[World]:
    with roomy_world(tmp_path, database) as world:
        yield world


def draw(world: World, board: str, quarter_unix_s: int, *highest_ma: int) -> None:
    """On so many days before, at that time, its first circuit drew that much."""
    steps = [
        CircuitStep(
            *(board, 0, QUARTER_S, quarter_unix_s - day * DAY_S, ma // 5, ma, 900, 900),
            from_journal=False,
        )
        for day, ma in enumerate(highest_ma, start=1)
    ]
    with world.store.write() as db:
        series.put_circuit_steps(db, steps)


def quarter_of(unix_s: float) -> int:
    """When the quarter of an hour began that it is in."""
    return int(unix_s) - int(unix_s) % QUARTER_S


def leases_ma(world: World, *boards: BoardClient) -> list[int]:
    """What boards have once nothing changes any more."""
    for _ in range(4):
        world.clock.advance(10)
        for board in boards:
            board.report()
    return [board.limit_ma[0] for board in boards]


def test_a_board_has_room_for_what_it_usually_draws_now(world: World) -> None:
    usual = Usual(world.coordinator.expect, world.store)
    draw(world, "flat-1", quarter_of(world.clock.unix_s() + 300), *[USUAL_MA] * 3)
    idle = [[100, 20, "ok", 1, "default"]]
    one, two = world.board(circuits=idle), world.board("flat-2", circuits=idle)
    assert leases_ma(world, one, two) == [FREE_MA // 2, FREE_MA // 2]
    usual.step(world.clock.unix_s())
    first, second = leases_ma(world, one, two)
    assert first >= USUAL_MA
    assert first + second == FREE_MA


def test_it_is_the_mean_of_three_days_or_more_at_the_same_time(world: World) -> None:
    said: list[Expected] = []
    usual = Usual(said.append, world.store)
    now_s = quarter_of(world.clock.unix_s()) + QUARTER_S
    draw(world, "flat-1", now_s, 3000, 6000, 9000, 6000)
    draw(world, "flat-2", now_s, 3000, 6000)
    draw(world, "flat-2", now_s + QUARTER_S, *[5000] * 8)
    usual.step(now_s)
    usual.step(now_s + 599)
    assert said == [{("flat-1", 0): 6000}]
    usual.step(now_s + 600)  # the next quarter is five minutes away
    assert said[1:] == [{("flat-2", 0): 5000}]
