"""Sockets of the board over a good link and over bad ones."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from boards.virtual.board import VirtualBoard
from boards.virtual.network import Network, TcpPeer, WsgiPeer
from boards.virtual.tests.conftest import MakeBoard

# One state a callback: a loop that waits would never give its garbage back.
CLIENT = """
import machine, network, select, socket
wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.connect("any", "secret")
timer = machine.Timer(-1)
def get():
    global s, poll, got, sent, result
    s, poll, got, sent, result = socket.socket(), select.poll(), b"", False, None
    s.setblocking(False)
    try:
        s.connect(("10.0.0.1", 80))
    except OSError as e:
        assert e.errno == 115, e
    poll.register(s, select.POLLOUT)
    timer.init(period=5, callback=step)
def step(_):
    global sent, got
    try:
        if sent:
            data = s.recv(100)
            got += data
            if not data: end(got)
        elif poll.poll(0):
            s.send(b"GET /hello HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
            sent = True
    except OSError as e:
        if e.errno != 11: end("error %d" % e.errno)
def end(outcome):
    global result
    timer.deinit()
    s.close()
    result = outcome
"""


def get(board: VirtualBoard, within_s: float = 3.0) -> str:
    """Have the board fetch the page; gives what it got, an error, or ``timeout`` and how much had
    come.
    """
    board.exec("get()")
    board.run(within_s)
    board.exec("if result is None: end('timeout %d' % len(got))")
    return board.exec("print(result)").strip()


def hello(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """The application at the other end."""
    start_response("200 OK", [("Content-Length", "5")])
    return [environ["PATH_INFO"].encode()[1:]]


@pytest.fixture
def network() -> Network:
    return Network(lambda host, port: WsgiPeer(hello), seed=3)


def test_request_and_answer_cross_the_link(make_board: MakeBoard, network: Network) -> None:
    board = make_board(CLIENT, network=network)
    board.run(3)
    assert "\\r\\n\\r\\nhello" in get(board)
    assert network.exchanges[-1].delivered
    assert network.exchanges[-1].response.endswith(b"hello")


def test_only_a_station_in_a_network_has_a_signal(make_board: MakeBoard, network: Network) -> None:
    board = make_board(CLIENT, network=network)
    assert board.exec("print(wlan.status('rssi'))").strip() == "31"
    board.run(3)
    network.rssi_dbm = -77
    assert board.exec("print(wlan.status('rssi'))").strip() == "-77"
    network.faults.no_access_point = True
    assert board.exec("print(wlan.status('rssi'))").strip() == "31"


@pytest.mark.parametrize(
    ("faults", "outcome"),
    [
        ({"down": True}, "timeout 0"),
        ({"refused": True}, "error 111"),
        ({"no_access_point": True}, "timeout 0"),
        ({"lose_request": 1.0}, "timeout 0"),
        ({"lose_answer": 1.0}, "timeout 0"),
        ({"delay_us": 5e6}, "timeout 0"),
        ({"bytes_per_s": 10.0}, "timeout"),
    ],
)
def test_each_fault_shows_as_it_would(
    make_board: MakeBoard, network: Network, faults: dict[str, Any], outcome: str
) -> None:
    board = make_board(CLIENT, network=network)
    board.run(3)
    vars(network.faults).update(faults)
    assert get(board).startswith(outcome)
    assert not any(exchange.delivered for exchange in network.exchanges)


@pytest.mark.parametrize("joined", [True, False])
def test_a_wedged_chip_keeps_its_status_and_passes_nothing_until_a_reset(
    make_board: MakeBoard, network: Network, joined: bool
) -> None:
    board = make_board(CLIENT, network=network)
    network.faults.no_access_point = not joined
    board.run(3)
    assert board.exec("print(wlan.isconnected())").strip() == str(joined)
    network.faults.wedged = True
    network.faults.no_access_point = joined
    assert get(board) == "timeout 0"
    board.exec("wlan.disconnect(); wlan.active(False); wlan.active(True)")
    board.exec("wlan.connect('any', 'secret')")
    board.run(3)
    assert board.exec("print(wlan.isconnected())").strip() == str(joined)
    network.faults.no_access_point = False
    board.type(b"\x04")
    board.run(3)
    assert get(board) == "timeout 0"
    board.reset()
    board.run(3)
    assert "\\r\\n\\r\\nhello" in get(board)


@pytest.mark.parametrize("fault", ["garbage", "corrupt"])
def test_lies_have_the_right_length_and_the_wrong_bits(
    make_board: MakeBoard, network: Network, fault: str
) -> None:
    board = make_board(CLIENT, network=network)
    board.run(3)
    get(board)
    board.exec("good = result")
    setattr(network.faults, fault, 1.0)
    get(board)
    assert board.exec("print(len(result) == len(good), result == good)").split() == [
        "True",
        "False",
    ]


def test_a_real_server_on_loopback_answers_too(make_board: MakeBoard) -> None:
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = server.accept()
        client.recv(1000)
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\nreal")
        client.close()

    thread = threading.Thread(target=serve)
    thread.start()
    board = make_board(
        CLIENT, network=Network(lambda host, port: TcpPeer.connect(server.getsockname()))
    )
    board.run(3)
    # The wall clock decides when the answer is there: the board waits in its own time until it has
    # come.
    board.exec("get()")
    board.run_until(lambda: board.exec("print(result)").strip() != "None", within_s=3600)
    assert "real" in board.exec("print(result)")
    thread.join()
    server.close()


@pytest.fixture(autouse=True)
def _no_threads_left() -> Iterator[None]:
    yield
    assert threading.active_count() == 1
