"""Beacons: an order opens a relay at once instead of with the next report, and nothing else."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from headroom.protocol.signing import sign_beacon

from boards.virtual.board import VirtualBoard
from boards.virtual.network import BOARD_HOST
from boards.virtual.plant import Constant
from hil_tests.conftest import MakeWorld, circuit, one_board_site
from hil_tests.world import BEACON_GROUP, SITE_KEY, World

pytestmark = [
    pytest.mark.virtual("its datagrams are delivered and withheld one by one"),
    pytest.mark.requirement("beacon"),
]

REPORT_S = 10
GARBAGE_BYTES = 3 * 1024  # of one tick at most


def site() -> dict[str, Any]:
    """One board that reports every ten seconds, as boards do by default."""
    document = one_board_site([circuit("heater", safe="on"), circuit("pump", safe="on")])
    document["boards"][0]["report_s"] = REPORT_S
    return document


def started(make_world: MakeWorld, beacons: bool) -> tuple[World, VirtualBoard]:
    """A board with its relays closed, between two reports."""
    world = make_world(site(), beacons=beacons)
    board = world.add_board("flat-1", timing={"boot_delay_s": [1, 1]}, watch_heap=True)
    for index in range(2):
        board.set_load(index, Constant(1.0))
    board.power_on()
    world.run(30)
    assert contact(board, 0) == 1
    return world, board


def contact(board: VirtualBoard, index: int) -> int:
    """The truth about a contact."""
    return int(board.plant.circuits[index].contact.at(board.now_us))


def shown(world: World) -> dict[str, int]:
    """What the board's newest report says of beacons."""
    figures: dict[str, int] = world.state()["boards"][0]["health"]["beacon"]
    return figures


def reports(world: World) -> int:
    """How many reports have been stored."""
    return int(world.state()["boards"][0]["reports"])


def ordered_off_s(world: World, board: VirtualBoard) -> float:
    """From an order, given at any time between two reports, to the open contact."""
    world.order("flat-1", 0, "override", {"state": "off", "until": None})
    took_s = world.run_until(lambda: not contact(board, 0), within_s=2 * REPORT_S)
    world.order("flat-1", 0, "override", None)
    world.run_until(lambda: bool(contact(board, 0)), within_s=2 * REPORT_S)
    return took_s


def test_override_to_open_relay_with_and_without_beacons(make_world: MakeWorld) -> None:
    took_s: dict[bool, list[float]] = {}
    for beacons in (False, True):
        world, board = started(make_world, beacons)
        took_s[beacons] = []
        for wait_s in (3.3, 5.7, 7.1, 9.9, 4.5, 6.3):
            world.run(wait_s)
            took_s[beacons].append(ordered_off_s(world, board))
    for beacons, times_s in took_s.items():
        mean_s = sum(times_s) / len(times_s)
        what = "with beacons" if beacons else "without"
        print(f"order to open relay {what}: mean {mean_s:.2f} s, longest {max(times_s):.2f} s")
    assert max(took_s[True]) < 1.5  # a report that was under way, and another
    assert sum(took_s[True]) * 2 < sum(took_s[False])
    assert shown(world)["heard"] > 0


@pytest.mark.parametrize("way", ["unicast", "multicast"])
def test_each_way_alone_is_enough(make_world: MakeWorld, way: str) -> None:
    world, board = started(make_world, beacons=True)
    deliver = world.deliver
    wanted = BOARD_HOST if way == "unicast" else BEACON_GROUP

    def one_way(data: bytes, board_id: str, target: str) -> None:
        if target == wanted:
            deliver(data, board_id, target)

    world.deliver = one_way  # type: ignore[method-assign]
    world.run(4)
    # The group is asked when a second has shown that the address alone does not do.
    assert ordered_off_s(world, board) < (1 if way == "unicast" else 2)
    assert shown(world)["refused"] == 0


def test_a_lost_beacon_is_repeated_and_a_heard_one_is_not(make_world: MakeWorld) -> None:
    world, board = started(make_world, beacons=True)
    world.run(4)
    board.network.faults.lose_datagram = 1.0
    sent = len(world.sent_beacons)
    world.order("flat-1", 0, "override", {"state": "off", "until": None})
    world.run(0.5)
    board.network.faults.lose_datagram = 0.0
    assert world.run_until(lambda: not contact(board, 0), within_s=3) < 2
    world.run(10)
    targets = [target for _, target in world.sent_beacons[sent:]]
    assert targets == ["10.0.1.1", "10.0.1.1", BEACON_GROUP]


def test_a_forgotten_membership_is_renewed(make_world: MakeWorld) -> None:
    world, board = started(make_world, beacons=True)
    board.network.faults.membership_s = 70
    for minute in range(4):
        world.deliver(sign_beacon(SITE_KEY, 5000 + minute), "flat-1", BEACON_GROUP)
        known = reports(world)
        world.run(4)
        assert reports(world) > known
        assert shown(world)["heard"] == 5000 + minute
        world.run(58)


def dropped_ticks(board: VirtualBoard) -> int:
    """As the board itself knows it: a report tells of what was before it."""
    return int(board.exec("from node import app; print(app.current.dropped)"))


@pytest.mark.parametrize("flood", ["garbage", "replays", "forgeries", "ever new ones"])
def test_a_flood_holds_up_no_tick_and_asks_for_few_reports(
    make_world: MakeWorld, flood: str
) -> None:
    world, board = started(make_world, beacons=True)
    ordered_off_s(world, board)
    replay = world.sent_beacons[-1][0]
    board.heap()
    begun_us, dropped = world.now_us, dropped_ticks(board)
    board.network.exchanges.clear()
    for step in range(20 * 20):
        for k in range(6):  # every 50 ms, which is more than a board reads in 80 ms
            datagram = {
                "garbage": bytes([step % 256]) * 73,
                "replays": replay,
                "forgeries": sign_beacon(bytes(32), 10_000 + 6 * step + k),
                "ever new ones": sign_beacon(SITE_KEY, 10_000 + 6 * step + k),
            }[flood]
            world.deliver(datagram, "flat-1", BOARD_HOST)
        world.run(0.05)
    sent_s = [(e.at_us - begun_us) / 1e6 for e in board.network.exchanges]
    health = world.state()["boards"][0]["health"]
    heap = board.heap()
    print(f"{flood}: {len(sent_s)} reports in 20 s, {health['beacon']}, {heap}")
    assert heap.control == 0
    assert heap.garbage <= GARBAGE_BYTES
    # Five at once and then one in three seconds, whoever asks.
    gaps_s = [later - sooner for sooner, later in itertools.pairwise(sent_s)]
    assert min(gaps_s[5:], default=9) > 1.9
    assert len(sent_s) <= (12 if flood == "ever new ones" else 3)
    assert (health["beacon"]["refused"] > 100) == (flood != "ever new ones")
    assert dropped_ticks(board) == dropped
    assert len(board.resets) == 1
    assert b"MemoryError" not in board.serial_log
