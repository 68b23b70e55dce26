"""Leases through the coordinator: shared, freed when obeyed, counted in full after a restart."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from headroom.coordinator import Coordinator
from headroom.web import BoardApp
from tests.board_client import BoardClient
from tests.support import World, roomy_world

pytestmark = pytest.mark.both_databases

FREE_MA = 24_000  # 25 A less 1 A that no relay controls


@pytest.fixture
def world(tmp_path: Path, database: str) -> Iterator[World]:
    with roomy_world(tmp_path, database) as world:
        yield world


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
    world.document["boards"][1]["priority"] = 1
    world.start()
    world.outwait_earlier_terms()
    one, two = world.board(), world.board("flat-2")
    one.circuits = [[17_500, 20, "ok", 1, "default"]]
    two.circuits = [[0, 20, "ok", 0, "shed_feeder"]]
    one.report()
    two.report()
    assert one.report().document["lease_ma"][0] == 5000
    one.report()  # obeys it by its word, but still draws more
    assert two.report().document["lease_ma"][0] == 5000
    one.circuits = [[4900, 20, "ok", 1, "default"]]
    one.report()
    assert two.report().document["lease_ma"][0] == FREE_MA - 5000


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


def test_after_a_restart_boards_keep_what_they_have_and_get_no_more(world: World) -> None:
    one, two = world.board(), world.board("flat-2")
    one.circuits = [[12_000, 20, "ok", 1, "default"]]
    settle(world, one, two)
    had_ma = [one.limit_ma[0], two.limit_ma[0]]
    world.start()
    two.circuits = [[0, 20, "ok", 0, "shed_feeder"]]
    assert [one.report().document["lease_ma"][0], two.report().document["lease_ma"][0]] == had_ma
    one.circuits = [[1000, 20, "ok", 1, "default"]]
    settle(world, one, two)
    assert two.limit_ma[0] > had_ma[1]


def test_store_that_another_coordinator_has_taken_over_grants_nothing_more(world: World) -> None:
    board, store = world.board(), world.open_store()
    superseded = Coordinator(world.site, store, world.clock, world.settings)
    world.start()
    world.board_app = BoardApp(superseded)
    # It learns the other's epoch from the store, and must not go on under that.
    for refused in [board.report(), board.report()]:
        assert refused.status == 503
        assert refused.document["type"].endswith("/superseded")
    store.close()


def test_coordinators_that_took_the_same_epoch_learn_of_each_other_from_boards(
    world: World, tmp_path: Path
) -> None:
    other = World(tmp_path / "other", world.document)  # its clock shows what the first one did
    board, post = world.board(), other.board().post
    board.report()
    shared_epoch = board.epoch
    assert other.board("flat-2").report().document["epoch"] == shared_epoch
    assert board.report().document["epoch"] == shared_epoch
    # It now holds a lease of that very epoch that nobody granted there.
    board.post = post
    with structlog.testing.capture_logs() as logs:
        assert board.report().document["epoch"] > shared_epoch
    [told] = [line for line in logs if "another coordinator" in line["event"]]
    assert (told["board"], told["its_epoch"]) == ("flat-1", shared_epoch)
    other.close()


def test_lease_of_a_board_that_left_the_site_still_binds_its_feeder(world: World) -> None:
    world.board().report()
    world.document["boards"] = world.document["boards"][1:]
    world.start()
    world.clock.advance(33)
    assert world.board("flat-2").report().document["lease_ma"][0] == 5000


def test_unknown_current_counts_as_rated(world: World) -> None:
    one, two = world.board(), world.board("flat-2")
    one.circuits = [[0, 9000, "missing", 1, "default"]]
    settle(world, one, two)
    assert one.limit_ma[0] == FREE_MA - 5000
    feeder = world.state()["feeders"][0]["phases"][0]
    assert feeder["current_ma"] == 1000 + 25_000 + 1000


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
