"""The board's own HTTP, over the virtual network: pages, bad clients, and charge orders."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from headroom.protocol.signing import sign_charge
from prometheus_client.parser import text_string_to_metric_families

from boards.virtual.board import VirtualBoard
from boards.virtual.network import Caller
from boards.virtual.plant import Constant
from hil_tests.conftest import MakeWorld, circuit, one_board_site
from hil_tests.world import World

pytestmark = [
    pytest.mark.virtual("its clients misbehave packet by packet"),
    pytest.mark.requirement("http"),
]

PORT = 8080
KEY = bytes(range(32))
TIMING = {"boot_delay_s": [1, 1], "restore_wait_s": 10, "retry_s": 60}
SITE = one_board_site([circuit(f"circuit {i}", priority=i + 1, safe="off") for i in range(4)])
# The board's own reports every 2 s come first; then a client has 3 s, and so does one before it.
SERVED_S = 8
MOST_GARBAGE_BYTES = 3 * 1024


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    world = make_world(SITE)
    board = world.add_board(
        "flat-1", timing=TIMING, http_port=PORT, charge_key=KEY, watch_heap=True
    )
    for index in range(4):
        board.set_load(index, Constant(0.5 + index))
    board.power_on()
    world.run(10)
    board.heap()
    return world


@pytest.fixture
def board(world: World) -> VirtualBoard:
    return world.boards["flat-1"]


def ask(world: World, request: bytes) -> tuple[int, bytes]:
    """Status and body of the board's answer."""
    board = world.boards["flat-1"]
    caller = board.network.call(PORT, board.now_us)
    caller.tell(request)
    await_end(world, caller)
    return answer(caller)


def await_end(world: World, caller: Caller) -> None:
    """Wait until the board has closed."""
    world.run_until(lambda: caller.closed, within_s=SERVED_S)


def answer(caller: Caller) -> tuple[int, bytes]:
    """Status and body of what a client has received, whose chunks must be complete."""
    head, _, rest = caller.received.partition(b"\r\n\r\n")
    assert b"\r\nTransfer-Encoding: chunked" in head
    body = b""
    length = -1
    while length:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        body += rest[:length]
        assert rest[length : length + 2] == b"\r\n"
        rest = rest[length + 2 :]
    assert rest == b""
    return int(head.split()[1]), body


def get(path: str) -> bytes:
    """A request."""
    return f"GET {path} HTTP/1.1\r\nHost: board\r\nAccept: */*\r\n\r\n".encode()


def order(counter: int, minutes: int = 60, index: int = 1, key: bytes = KEY) -> bytes:
    """The request of a charge order."""
    document = {"v": 1, "counter": counter, "circuit": index, "minutes": minutes}
    body = json.dumps(document).encode()
    head = (
        f"POST /charge HTTP/1.1\r\nContent-Length: {len(body)}\r\n"
        f"Headroom-Signature: {sign_charge(key, 'flat-1', body)}\r\n\r\n"
    )
    return head.encode() + body


def shown(world: World, index: int) -> tuple[bool, str]:
    """Relay state and reason of a circuit by the coordinator's API."""
    it = world.state()["boards"][0]["circuits"][index]
    return it["closed"], it["reason"]


def contacts(board: VirtualBoard) -> list[int]:
    """Which contacts are closed."""
    return [int(c.contact.at(board.now_us)) for c in board.plant.circuits]


def samples(page: bytes) -> dict[tuple[str, str], float]:
    """Values by name and by what its only label says."""
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


def expect_unharmed(board: VirtualBoard) -> None:
    """One start, no error of memory, and no tick with too much garbage."""
    assert len(board.resets) == 1
    assert b"MemoryError" not in board.serial_log
    heap = board.heap()
    print(f"most garbage of a tick: {heap.garbage} bytes, live {heap.live}")
    assert heap.garbage <= MOST_GARBAGE_BYTES
    assert heap.control == 0


def test_metrics_are_what_prometheus_reads(world: World, board: VirtualBoard) -> None:
    status, page = ask(world, get("/metrics"))
    assert status == 200
    families = {f.name: f for f in text_string_to_metric_families(page.decode())}
    assert all(family.documentation for family in families.values())
    assert {f.type for n, f in families.items() if f"{n}_total" in page.decode()} == {"counter"}
    info = {s.labels["circuit"]: s.labels for s in families["headroom_node_circuit_info"].samples}
    assert {labels["sensor"] for labels in info.values()} == {"ok"}
    assert {labels["reason"] for labels in info.values()} <= {"default", "shed_feeder"}
    assert info["2"]["name"] == "circuit 2"
    values = samples(page)
    for index in range(4):
        closed = board.plant.circuits[index].contact.at(board.now_us)
        assert values["headroom_node_circuit_relay_closed", str(index)] == closed
        now_a = values["headroom_node_circuit_current_amperes", str(index)]
        assert now_a == pytest.approx(closed * (0.5 + index), rel=0.02)
    assert values["headroom_node_phase_limit_amperes", "L1"] == 10.0
    assert values["headroom_node_boots_total", ""] == 1
    world.run(5)
    again = samples(ask(world, get("/metrics"))[1])
    name = "headroom_node_link_answers_total", ""
    assert again[name] > values[name]
    expect_unharmed(board)


def test_the_signal_is_told_at_the_board_and_at_the_coordinator(
    world: World, board: VirtualBoard
) -> None:
    board.network.rssi_dbm = -83
    assert samples(ask(world, get("/metrics"))[1])["headroom_node_signal_dbm", ""] == -83
    world.run(3)
    signal = world.state()["boards"][0]["health"]["signal"]
    assert signal == {"rssi_dbm": -83, "bars": 1, "text": "weak"}


def test_health_follows_the_sensors(world: World, board: VirtualBoard) -> None:
    assert ask(world, get("/health"))[0] == 200
    board.set_sensor_fault(2, "unplugged")
    world.run(1)
    status, body = ask(world, get("/health"))
    assert (status, json.loads(body)["reason"]) == (503, "circuit 2: reading is missing")
    expect_unharmed(board)


def test_a_client_that_dawdles_holds_up_no_shedding(world: World, board: VirtualBoard) -> None:
    reports = len(board.network.exchanges)
    callers = []
    for _ in range(3):
        callers.append(board.network.call(PORT, board.now_us))
        world.run(0.3)
        risen_us = board.now_us
        for index in range(4):
            board.set_load(index, Constant(4.9))
        while board.now_us < risen_us + 1.0e6:
            callers[-1].tell(b"G")
            world.run(0.05)
        # 19.6 A where 10 A are wanted: the two least important go, within a second.
        assert contacts(board) == [1, 1, 0, 0]
        for index in range(4):
            board.set_load(index, Constant(1.0))
        world.run_until(lambda: contacts(board) == [1, 1, 1, 1], within_s=120)
    assert [(caller.closed, caller.received) for caller in callers] == [(True, b"")] * 3
    assert len(board.network.exchanges) - reports >= 3 * 5

    expect_unharmed(board)


def test_noise_is_answered_or_dropped(world: World, board: VirtualBoard) -> None:
    noise = random.Random(11)
    for length in (1, 3, 40, 300, 1023, 1024, 1025, 5000):
        caller = board.network.call(PORT, board.now_us)
        caller.tell(noise.randbytes(length) + (b"\r\n\r\n" if length % 2 else b""))
        if length == 40:
            caller.reset()
        if length == 300:
            caller.end()
        await_end(world, caller)
        assert not caller.received or answer(caller)[0] in (404, 413)
    assert ask(world, get("/health"))[0] == 200
    expect_unharmed(board)


def test_fifty_in_a_row(world: World, board: VirtualBoard) -> None:
    answers = [ask(world, get("/health"))[0] for _ in range(50)]
    assert answers == [200] * 50
    assert world.state()["boards"][0]["age_s"] <= 5
    expect_unharmed(board)


def test_a_charge_order_is_obeyed_once_and_shown(world: World, board: VirtualBoard) -> None:
    world.order("flat-1", 1, "schedule", {"start": 1_790_000_000, "step_s": 900, "slots": "0"})
    world.run_until(lambda: shown(world, 1) == (False, "plan"), within_s=8)
    status, body = ask(world, order(7))
    assert (status, json.loads(body)) == (200, {"counter": 7, "circuit": 1, "seconds": 3600})
    world.run_until(lambda: shown(world, 1) == (True, "override"), within_s=8)
    events = [e for e in world.state()["events"] if e["kind"] == "charge"]
    assert [(e["circuit_name"], e["value"]) for e in events] == [("circuit 1", 3600)]
    assert ask(world, order(7))[0] == 409
    assert ask(world, order(8, key=bytes(32)))[0] == 401

    board.power_off()
    world.run(5)
    board.power_on()
    world.run(10)
    assert shown(world, 1) == (False, "plan")
    status, body = ask(world, order(7))
    assert (status, json.loads(body)["last_counter"]) == (409, 7)
    assert ask(world, order(8))[0] == 200
    world.run_until(lambda: shown(world, 1) == (True, "override"), within_s=8)


def test_overload_and_a_persons_off_beat_a_charge_order(world: World, board: VirtualBoard) -> None:
    assert ask(world, order(7, index=3))[0] == 200
    board.set_load(0, Constant(9.0))
    world.run_until(lambda: shown(world, 3)[1] == "shed_feeder", within_s=12)
    board.set_load(0, Constant(1.0))
    world.run_until(lambda: shown(world, 3) == (True, "override"), within_s=40)
    off: dict[str, Any] = {"state": "off", "until": None}
    world.order("flat-1", 3, "override", off)
    world.run_until(lambda: shown(world, 3) == (False, "override"), within_s=8)
    assert ask(world, order(8, index=3))[0] == 200
    world.run(4)
    assert shown(world, 3) == (False, "override")
    expect_unharmed(board)


def test_without_the_coordinator_orders_are_obeyed_and_kept_for_its_return(
    world: World, board: VirtualBoard
) -> None:
    """The board reports in vain for most of the time; a client waits for its turn."""
    board.network.faults.refused = True
    world.run(20)
    assert ask(world, order(7))[0] == 200
    board.network.faults.refused = False
    world.run(30)
    assert [e["value"] for e in world.state()["events"] if e["kind"] == "charge"] == [3600]


def test_a_revoked_key_orders_nothing_and_what_it_ordered_ends(
    world: World, board: VirtualBoard
) -> None:
    schedule = {"start": 1_790_000_000, "step_s": 900, "slots": "0"}
    world.order("flat-1", 1, "schedule", schedule)
    assert ask(world, order(7))[0] == 200
    world.run_until(lambda: shown(world, 1) == (True, "override"), within_s=8)
    path = "/api/v1/boards/flat-1/charge-revocation"
    headers = {"Authorization": f"Bearer {world.token()}"}
    assert world.api.put(path, headers=headers).status_code == 200
    world.run_until(lambda: shown(world, 1) == (False, "plan"), within_s=8)
    board.power_off()
    board.network.faults.refused = True
    board.power_on()
    world.run(10)
    status, body = ask(world, order(8))
    assert (status, json.loads(body)["type"].rpartition("/")[2]) == (403, "revoked")


def test_cut_at_every_flash_operation_of_a_charge_order(world: World, board: VirtualBoard) -> None:
    """Power goes at each program and erase of storing the counter, and at last after the answer:
    what was obeyed is not obeyed again, and what was not can be.
    """
    cuts, counter, answered = 0, 0, False
    while not answered:
        cuts, counter = cuts + 1, counter + 10
        board.flash.cut_at = board.flash.wear.operations + cuts
        caller = board.network.call(PORT, board.now_us)
        caller.tell(order(counter))
        await_end(world, caller)  # the board's answer, or its end
        answered = caller.received != b""
        board.close()
        board.power_on()
        world.run(8)
        status, body = ask(world, order(counter))
        if status == 409:
            assert json.loads(body)["last_counter"] == counter
        else:
            assert status == 200
            assert not answered
    print(f"{cuts - 1} cuts before the answer, one right after it")
    assert cuts >= 3
