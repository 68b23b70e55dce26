"""Connections that take more than they may: of memory, or of time."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from headroom.web import server
from headroom.web.address import Address
from headroom.web.server import Listeners
from tests.server_process import prepare, serving
from tests.support import World

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


def flood(stack: ExitStack, address: str, count: int, host: str) -> list[socket.socket]:
    """Connections from one address of this machine that say nothing."""
    name, _, port = address.rpartition(":")
    return [
        stack.enter_context(
            socket.create_connection((name, int(port)), WITHIN_S, source_address=(host, 0))
        )
        for _ in range(count)
    ]


def are_closed(connections: list[socket.socket]) -> list[bool]:
    """Of each, whether the server has closed it by now or does within a moment."""
    for connection in connections:
        connection.settimeout(0.01)
    return [is_left_now(connection) for connection in connections]


def is_left_now(connection: socket.socket) -> bool:
    """Whether there is an end to read."""
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_who_holds_all_that_one_address_may_keeps_no_other_board_out(tmp_path: Path) -> None:
    prepare(tmp_path)
    most, most_of_one = server._OF_BOARDS
    with serving(tmp_path) as running, ExitStack() as stack:
        board = running.board("flat-1")
        assert board.report().status == 200
        held = flood(stack, running.boards, most, "127.0.0.2")
        assert [board.report().status for _ in range(5)] == [200] * 5
        assert sum(are_closed(held)) >= most - most_of_one
        stack.close()
        assert [board.report().status for _ in range(5)] == [200] * 5
    assert (tmp_path / "stderr").read_text().count("too many connections") == 1


def test_who_holds_the_pages_connections_keeps_no_board_out(tmp_path: Path) -> None:
    prepare(tmp_path)
    most, most_of_one = server._OF_PEOPLE
    with serving(tmp_path) as running, ExitStack() as stack:
        page = running.page.removeprefix("http://").rstrip("/")
        for host in ("127.0.0.2", "127.0.0.3", "127.0.0.4"):
            flood(stack, page, most_of_one, host)
        assert 3 * most_of_one > most
        assert running.board("flat-1").report().status == 200
        stack.close()
        assert running.get("api/v1/boards")["boards"][0]["reports"] == 1
