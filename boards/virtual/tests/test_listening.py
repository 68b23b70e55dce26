"""Ports that the board listens on: clients in simulated time, and real ones in real time."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

import pytest

from boards.virtual.board import VirtualBoard
from boards.virtual.network import Network, process_loopback
from boards.virtual.tcp import SEND_BUFFER_BYTES
from boards.virtual.tests.conftest import MakeBoard, nobody

PORT = 8080

# An echo: one client at a time, one state a callback.
ECHO = """
import machine, network, select, socket
wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.connect("any", "secret")
listener = socket.socket()
listener.setblocking(False)
listener.bind(("", 8080))
listener.listen(2)
poller = select.poll()
poller.register(listener, select.POLLIN)
client = None
errors = []
def step(_):
    global client
    try:
        if client is None:
            if poller.poll(0):
                client = listener.accept()[0]
                client.setblocking(False)
        else:
            data = client.recv(100)
            if data: client.send(data)
            else: end()
    except OSError as e:
        if e.errno != 11:
            errors.append(e.errno)
            end()
def end():
    global client
    if client: client.close()
    client = None
timer = machine.Timer(-1)
timer.init(period=5, callback=step)
"""


@pytest.fixture
def board(make_board: MakeBoard) -> VirtualBoard:
    board = make_board(ECHO, network=Network(nobody, seed=5))
    board.run(3)
    return board


def test_a_client_is_accepted_answered_and_seen_leaving(board: VirtualBoard) -> None:
    for _ in range(3):
        caller = board.network.call(PORT, board.now_us)
        caller.tell(b"hello")
        board.run(0.1)
        assert (caller.received, caller.closed) == (b"hello", False)
        caller.end()
        board.run(0.1)
        assert caller.closed
    assert not board.network.exchanges  # those are the board's own


def test_no_more_wait_than_the_backlog_says(board: VirtualBoard) -> None:
    first = board.network.call(PORT, board.now_us)
    board.run(0.1)
    waiting = [board.network.call(PORT, board.now_us) for _ in range(2)]
    with pytest.raises(ConnectionRefusedError):
        board.network.call(PORT, board.now_us)
    for caller in (first, *waiting):
        caller.tell(b"x")
        caller.end()
    board.run(0.3)
    assert [caller.received for caller in (first, *waiting)] == [b"x"] * 3


def test_nobody_listens_on_another_port_nor_after_closing(board: VirtualBoard) -> None:
    with pytest.raises(ConnectionRefusedError):
        board.network.call(PORT + 1, board.now_us)
    waiting = board.network.call(PORT, board.now_us)
    board.exec("timer.deinit(); listener.close()")
    assert waiting.closed
    with pytest.raises(ConnectionRefusedError):
        board.network.call(PORT, board.now_us)


def test_a_client_that_breaks_off_is_an_error(board: VirtualBoard) -> None:
    caller = board.network.call(PORT, board.now_us)
    board.run(0.1)
    caller.reset()
    board.run(0.1)
    assert board.exec("print(errors)").strip() == "[104]"


def test_a_client_that_does_not_read_leaves_no_room(board: VirtualBoard) -> None:
    caller = board.network.call(PORT, board.now_us)
    board.run(0.1)
    caller.takes = False
    send = "timer.deinit()\nn = 0\nwhile n < 9000:\n try:\n  n += client.send(bytes(500))\n"
    sent = board.exec(f"{send} except OSError as e:\n  print(n, e.errno)\n  break").split()
    assert sent == [str(SEND_BUFFER_BYTES), "11"]
    caller.takes = True
    board.exec("client.send(bytes(100))")
    assert len(caller.received) == SEND_BUFFER_BYTES + 100


@pytest.mark.parametrize("faults", [{"down": True}, {"no_access_point": True}])
def test_nobody_reaches_it_over_a_link_that_is_down(
    board: VirtualBoard, faults: dict[str, Any]
) -> None:
    vars(board.network.faults).update(faults)
    with pytest.raises(TimeoutError):
        board.network.call(PORT, board.now_us)


@pytest.mark.parametrize(
    "faults", [{"lose_request": 1.0}, {"lose_answer": 1.0}, {"delay_us": 5e6}]
)
def test_a_bad_link_holds_up_what_the_client_says(
    board: VirtualBoard, faults: dict[str, Any]
) -> None:
    vars(board.network.faults).update(faults)
    caller = board.network.call(PORT, board.now_us)
    caller.tell(b"hello")
    board.run(1)
    assert (caller.received, caller.closed) == (b"", False)


def test_a_port_is_taken_once(board: VirtualBoard) -> None:
    code = "try:\n socket.socket().bind(('', 8080))\nexcept OSError as e:\n print(e.errno)"
    assert board.exec(code).strip() == "98"


def test_in_real_time_programs_on_the_host_reach_it(make_board: MakeBoard) -> None:
    board = make_board(ECHO, network=Network(nobody, loopback=process_loopback()))
    board.run(3)
    got: list[bytes] = []

    def talk() -> None:
        for text in (b"one", b"two"):
            with socket.create_connection((process_loopback(), PORT), timeout=5) as client:
                client.sendall(text)
                got.append(client.recv(100))

    thread = threading.Thread(target=talk)
    thread.start()
    with contextlib.suppress(TimeoutError):
        board.run_until(lambda: not thread.is_alive(), within_s=3600)
    thread.join()
    assert got == [b"one", b"two"]
