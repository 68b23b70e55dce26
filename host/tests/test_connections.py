"""Connections that take more than they may: of memory, or of time."""

import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from headroom.web import server
from headroom.web.server import Address, Listeners
from tests.support import World

# Waitress' next release may go without it; this one has nothing else for one piece a response.
pytestmark = pytest.mark.filterwarnings("ignore:send_bytes:DeprecationWarning")

WITHIN_S = 10


@pytest.fixture
def address(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """Where boards report; who sends nothing for a second is left."""
    monkeypatch.setattr(server, "_IDLE_S", 1)
    with Listeners() as listeners:
        opened = listeners.listen_for_boards(world.board_app, Address("127.0.0.1", 0))
        thread = threading.Thread(target=listeners.run)
        thread.start()
        try:
            yield opened.host, opened.port
        finally:
            listeners.stop()
            thread.join()


def is_left(connection: socket.socket, bit: bytes) -> bool:
    """Whether the server closes a connection on which a bit comes every 50 ms."""
    connection.settimeout(0.05)
    ends_s = time.monotonic() + WITHIN_S
    while time.monotonic() < ends_s:
        try:
            connection.sendall(bit)
            return connection.recv(1) == b""
        except TimeoutError:
            continue
        except ConnectionError:
            return True
    return False


def test_a_head_that_no_board_sends_is_refused_before_it_is_all_there(
    address: tuple[str, int],
) -> None:
    with socket.create_connection(address, timeout=WITHIN_S) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n" + b"X: y\r\n" * 400)
        answer = connection.makefile("rb").read()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == b"431"
    assert json.loads(body)["type"].endswith("/headers-too-large")


@pytest.mark.parametrize("bit", [b"X", b"\r\n\r\n"])
def test_bits_of_a_request_do_not_keep_its_connection(
    address: tuple[str, int], bit: bytes
) -> None:
    with socket.create_connection(address) as connection:
        assert is_left(connection, bit)
