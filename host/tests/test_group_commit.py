"""Reports that come together share one transaction; none of them suffers from another."""

from collections.abc import Sequence

import pytest
from headroom.coordinator.ingest import Accepted, Arrival, Outcome, Refused
from headroom.store import orders as stored_orders
from sqlalchemy import Connection, Engine, event
from tests.board_client import BoardClient
from tests.support import World

MINUTE = [1, 0, 900, 0, 0, 0, 1100, 0, 0, 0, 60, 0, 0, 0]


def arrival(board: BoardClient, body: bytes, signature: str | None = None) -> Arrival:
    """A report as it comes to the coordinator."""
    return Arrival(board.board_id, signature or board.sign(body), body, None)


def handle(world: World, *arrivals: Arrival) -> list[Outcome]:
    """What becomes of reports that come together."""
    return world.coordinator._ingest.handle(arrivals)


def slugs(outcomes: Sequence[Outcome]) -> list[str]:
    """Problems, or nothing for what was accepted."""
    return [one.problem.kind.slug if isinstance(one, Refused) else "" for one in outcomes]


@pytest.mark.both_databases
def test_a_refused_report_spoils_nothing_for_its_group(world: World) -> None:
    one, two = world.board(seq=1), world.board("flat-2", seq=1)
    old = two.body()
    handle(world, arrival(two, old))
    good, two.seq = one.body(minutes=[MINUTE]), 2
    outcomes = handle(
        world,
        arrival(one, good),
        arrival(two, two.body(), "0" * 64),
        arrival(two, b"{}"),
        arrival(two, two.body(events=[[7, 1, "shed", 0, 1]])),
        arrival(two, old),
        arrival(world.board("flat-9"), good),
    )
    assert slugs(outcomes) == ["", "unsigned", "malformed", "", "replayed", "unsigned"]
    assert (world.rows("reports"), world.rows("minutes"), world.rows("events")) == (3, 1, 1)
    assert [board["reports"] for board in world.state()["boards"]] == [1, 2]


@pytest.mark.both_databases
def test_two_reports_of_one_board_in_a_group_are_taken_one_after_the_other(world: World) -> None:
    board = world.board(seq=1)
    first = board.body(events=[[4, 9, "shed", 0, 12_000]])
    board.seq = 2
    second = board.body()
    outcomes = handle(
        world,
        arrival(board, first),
        arrival(board, first),
        arrival(board, second),
        arrival(board, first),
    )
    assert slugs(outcomes) == ["", "", "", "replayed"]
    answers = [one.answer for one in outcomes if isinstance(one, Accepted)]
    assert [answer.ack_event for answer in answers] == [4, 4, 4]
    assert answers[0].lease_ma == answers[1].lease_ma
    assert world.rows("reports") == 2
    assert [board["reports"] for board in world.state()["boards"]] == [2, 0]


@pytest.mark.both_databases
def test_a_group_is_one_transaction(world: World) -> None:
    one, two = world.board(seq=1), world.board("flat-2", seq=1)
    commits: list[Connection] = []
    noted = commits.append
    event.listen(Engine, "commit", noted)
    handle(world, arrival(one, one.body()), arrival(two, two.body()))
    event.remove(Engine, "commit", noted)
    assert len(commits) == 1


def test_a_group_that_cannot_be_stored_leaves_nothing_behind(world: World) -> None:
    one, two = world.board(seq=1), world.board("flat-2", seq=1)
    other = world.open_store()
    with other.write():
        outcomes = handle(world, arrival(one, one.body()), arrival(two, two.body(), "0" * 64))
    other.close()
    assert slugs(outcomes) == ["store-unavailable", "unsigned"]
    assert isinstance(outcomes[0], Refused)
    assert outcomes[0].reply().signature is not None
    assert [board["reports"] for board in world.state()["boards"]] == [0, 0]
    assert world.rows("leases") == 0
    assert slugs(handle(world, arrival(one, one.body()))) == [""]


@pytest.mark.both_databases
def test_first_plans_of_a_group_take_as_many_statements_as_one(world: World) -> None:
    one, two = world.board(seq=1), world.board("flat-2", seq=1)
    alone = statements(world, one)
    world.start()
    one.seq = 2
    assert statements(world, one, two) <= alone
    with world.store.read() as db:
        plans = stored_orders.plans_of(db, ["flat-1", "flat-2"])
    assert [plans[board].rev for board in ("flat-1", "flat-2")] == [1, 1]


def statements(world: World, *boards: BoardClient) -> int:
    """How many it takes to answer a group of reports, one of each board."""
    seen: list[object] = []

    def noted(*told: object) -> None:
        seen.append(told)

    event.listen(Engine, "before_cursor_execute", noted)
    try:
        outcomes = handle(world, *(arrival(board, board.body()) for board in boards))
    finally:
        event.remove(Engine, "before_cursor_execute", noted)
    assert slugs(outcomes) == [""] * len(boards)
    return len(seen)
