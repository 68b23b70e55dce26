"""UDP sockets of the board: to it, from it, to a group, and over a bad link."""

from __future__ import annotations

import ast
import socket
import time
from typing import Any

import pytest

from boards.virtual.board import VirtualBoard
from boards.virtual.network import BOARD_HOST, Network, process_loopback
from boards.virtual.tests.conftest import MakeBoard, nobody

GROUP = "239.1.2.3"
SENDER = ("192.168.4.9", 5000)

LISTENER = """
import machine, network, select, socket
wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.connect("any", "secret")
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setblocking(False)
s.bind(("", 8087))
member = bytes((239, 1, 2, 3, 0, 0, 0, 0))
poller = select.poll()
poller.register(s, select.POLLIN)
got = []
def read():
    while poller.poll(0):
        got.append(s.recvfrom(20))
"""


@pytest.fixture
def board(make_board: MakeBoard) -> VirtualBoard:
    board = make_board(LISTENER, network=Network(nobody, seed=5))
    board.run(3)
    return board


def tell(board: VirtualBoard, data: bytes, host: str = BOARD_HOST) -> None:
    """Somebody on the network sends the board a datagram."""
    board.network.deliver(data, SENDER, (host, 8087), board.now_us)


def heard(board: VirtualBoard) -> Any:
    """What the board's program has read by now; forgotten by it."""
    board.exec("read()")
    return ast.literal_eval(board.exec("print(got); got.clear()"))


def test_a_datagram_comes_with_its_sender_and_no_other_port_hears_it(board: VirtualBoard) -> None:
    tell(board, b"now")
    board.network.deliver(b"other", SENDER, (BOARD_HOST, 8088), board.now_us)
    tell(board, b"all", "255.255.255.255")
    board.run(0.1)
    assert heard(board) == [(b"now", SENDER), (b"all", SENDER)]


def test_without_one_there_is_an_error_and_no_waiting(board: VirtualBoard) -> None:
    code = "try:\n s.recvfrom(9)\nexcept OSError as e:\n print(e.errno, s.readinto(bytearray(9)))"
    assert board.exec(code).split() == ["11", "None"]


def test_a_long_one_loses_its_end_and_a_fifth_unread_one_is_dropped(board: VirtualBoard) -> None:
    for number in range(5):
        tell(board, b"%d" % number * 30)
    board.run(0.1)
    assert heard(board) == [(b"%d" % number * 20, SENDER) for number in range(4)]


def test_the_board_sends(board: VirtualBoard) -> None:
    board.exec("print(s.sendto(b'here', ('192.168.4.9', 5000)))")
    sent = board.network.datagrams[-1]
    assert (sent.data, sent.source, sent.target) == (b"here", (BOARD_HOST, 8087), SENDER)


def test_a_group_is_heard_by_members_only(board: VirtualBoard) -> None:
    tell(board, b"early", GROUP)
    board.exec("s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)")
    tell(board, b"in time", GROUP)
    board.exec("s.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, member)")
    tell(board, b"late", GROUP)
    board.run(0.1)
    assert heard(board) == [(b"in time", SENDER)]


def test_a_membership_fades_and_only_leaving_and_joining_renews_it(board: VirtualBoard) -> None:
    board.network.faults.membership_s = 200.0
    join = "s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)"
    drop = "s.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, member)"
    board.exec(join)
    for what, expected in (("", []), (join, []), (f"{drop};{drop};{join}", [(b"x", SENDER)])):
        board.run(250)
        board.exec(what)
        tell(board, b"x", GROUP)
        board.run(0.1)
        assert heard(board) == expected


@pytest.mark.parametrize(
    ("faults", "arrived"),
    [
        ({"down": True}, 0),
        ({"no_access_point": True}, 0),
        ({"lose_datagram": 1.0}, 0),
        ({"delay_us": 5e6}, 0),
        ({"bytes_per_s": 1.0}, 0),
        ({"delay_us": 5e4}, 1),
        ({"bytes_per_s": 1000.0}, 1),
    ],
)
def test_faults_of_the_link_apply(
    board: VirtualBoard, faults: dict[str, Any], arrived: int
) -> None:
    vars(board.network.faults).update(faults)
    tell(board, b"now")
    board.run(1)
    assert len(heard(board)) == arrived
    board.exec("s.sendto(b'here', ('192.168.4.9', 5000))")
    silent = faults.keys() & {"down", "no_access_point", "lose_datagram"}
    assert len(board.network.datagrams) == (0 if silent else 1)


@pytest.mark.parametrize("fault", ["garbage", "corrupt"])
def test_a_lie_has_the_right_length_and_the_wrong_bits(board: VirtualBoard, fault: str) -> None:
    setattr(board.network.faults, fault, 1.0)
    tell(board, b"beacon")
    board.run(0.1)
    [(data, _)] = heard(board)
    assert len(data) == 6
    assert data != b"beacon"


def test_in_real_time_the_host_reaches_it_alone_and_by_group(make_board: MakeBoard) -> None:
    board = make_board(LISTENER, network=Network(nobody, loopback=process_loopback()))
    board.run(3)
    board.exec("s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        sender.settimeout(5)
        interface = socket.inet_aton("127.0.0.1")
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
        sender.sendto(b"to one", (process_loopback(), 8087))
        sender.sendto(b"to all", (GROUP, 8087))
        here = sender.getsockname()
        got: list[Any] = []
        deadline_s = time.monotonic() + 5
        while len(got) < 2 and time.monotonic() < deadline_s:
            board.run(0.05)
            got += heard(board)
        assert sorted(got) == [(b"to all", here), (b"to one", here)]
        board.exec(f"s.sendto(b'here', {here})")
        assert sender.recvfrom(20) == (b"here", (process_loopback(), 8087))
