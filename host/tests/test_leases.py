"""Leases through the coordinator: shared, freed when obeyed, counted in full after a restart."""

import pytest
from tests.board_client import BoardClient
from tests.support import World

pytestmark = pytest.mark.both_databases

FREE_MA = 24_000  # 25 A less 1 A that no relay controls


def held_ma(world: World) -> dict[str, int]:
    """What each board may use by the book."""
    return {board["id"]: board["held_ma"]["L1"] for board in world.state()["boards"]}


def settle(world: World, *boards: BoardClient) -> None:
    """Let every board report until nothing changes any more."""
    for _ in range(4):
        world.clock.advance(10)
        for board in boards:
            board.report()


def test_first_board_gets_all_that_the_silent_one_does_not_keep(world: World) -> None:
    assert world.board().report().document["lease_ma"] == [FREE_MA - 5000, 0, 0]


def test_two_boards_share_the_whole_limit(world: World) -> None:
    one, two = world.board(), world.board("flat-2")
    one.circuits = [[9000, 20, "ok", 1, "default"]]
    settle(world, one, two)
    assert one.limit_ma[0] + two.limit_ma[0] == FREE_MA


def test_need_is_met_before_the_rest_is_split(world: World) -> None:
    one, two = world.board(), world.board("flat-2")
    one.circuits = [[15_000, 20, "ok", 1, "default"]]
    settle(world, one, two)
    assert one.limit_ma[0] > 15_000 * 1.2 - 1
    assert two.limit_ma[0] == FREE_MA - one.limit_ma[0]


def test_shed_circuit_that_waits_is_a_need(world: World) -> None:
    one, two = world.board(), world.board("flat-2")
    one.circuits = [[0, 20, "ok", 0, "shed_feeder"]]
    settle(world, one, two)
    assert one.limit_ma[0] > two.limit_ma[0]


def test_lower_lease_frees_nothing_until_the_board_obeys_it(world: World) -> None:
    one, two = world.board(), world.board("flat-2")
    one.report()
    two.circuits = [[11_000, 20, "ok", 1, "default"]]
    assert two.report().document["lease_ma"][0] == 5000
    one.report()  # learns of its lower lease
    assert two.report().document["lease_ma"][0] == 5000
    one.report()  # says that it obeys it, with its current under it
    assert two.report().document["lease_ma"][0] > 11_000


def test_lower_lease_frees_nothing_while_more_is_drawn(world: World) -> None:
    one, two = world.board(), world.board("flat-2")
    one.circuits = [[18_500, 20, "ok", 1, "default"]]
    two.circuits = [[0, 20, "ok", 0, "shed_feeder"]]
    one.report()
    two.report()
    assert one.report().document["lease_ma"][0] == 14_000
    one.report()  # obeys it by its word, but still draws more
    assert two.report().document["lease_ma"][0] == 5000
    one.circuits = [[13_900, 20, "ok", 1, "default"]]
    one.report()
    assert two.report().document["lease_ma"][0] == 10_000


def test_lease_of_a_board_that_fell_silent_runs_out_with_its_margin(world: World) -> None:
    one, two = world.board(), world.board("flat-2")
    one.report()
    world.clock.advance(33.9)
    assert two.report().document["lease_ma"][0] == 5000
    world.clock.advance(0.2)
    assert two.report().document["lease_ma"][0] == FREE_MA - 5000


def test_after_a_restart_every_lease_counts_in_full_from_then(world: World) -> None:
    one, two = world.board(), world.board("flat-2")
    one.report()
    world.clock.advance(33)
    world.start()
    world.clock.advance(33)
    assert held_ma(world)["flat-1"] == FREE_MA - 5000
    assert two.report().document["lease_ma"][0] == 5000


def test_lease_of_a_board_that_left_the_site_still_binds_its_feeder(world: World) -> None:
    world.board().report()
    world.document["boards"] = world.document["boards"][1:]
    world.start()
    assert world.board("flat-2").report().document["lease_ma"][0] == 5000


def test_unknown_current_counts_as_rated(world: World) -> None:
    one, two = world.board(), world.board("flat-2")
    one.circuits = [[0, 9000, "missing", 1, "default"]]
    settle(world, one, two)
    assert one.limit_ma[0] > 12_000 - 1
    feeder = world.state()["feeders"][0]["phases"][0]
    assert feeder["current_ma"] == 1000 + 10_000 + 1000


def test_silent_board_is_shown_as_not_measured(world: World) -> None:
    world.board().report()
    world.clock.advance(31)
    state = world.state()
    assert state["boards"][0]["stale"]
    assert state["feeders"][0]["silent_boards"] == ["flat-1", "flat-2"]
    phase = state["feeders"][0]["phases"][0]
    assert phase["current_ma"] == 1000
    assert phase["silent_ma"] == FREE_MA
    assert phase["headroom_ma"] == 0
