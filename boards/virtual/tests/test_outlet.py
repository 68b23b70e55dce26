"""A TCP port with a serial port behind it: one client has it, as with a cable."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from select import select

import pytest

from boards.virtual.outlet import Outlet

WITHIN_S = 10


@pytest.fixture
def outlet() -> Iterator[Outlet]:
    outlet = Outlet()
    yield outlet
    outlet.close()


def client_of(outlet: Outlet) -> socket.socket:
    host, _, port = outlet.address.partition(":")
    return socket.create_connection((host, int(port)), timeout=WITHIN_S)


def read(outlet: Outlet) -> bytes:
    """Once there is something to do."""
    assert select(outlet.waitable, [], [], WITHIN_S)[0]
    return outlet.read()


def test_a_second_client_is_turned_away_and_the_first_goes_on(outlet: Outlet) -> None:
    with client_of(outlet) as first:
        read(outlet)
        with client_of(outlet) as second:
            read(outlet)
            assert second.recv(1) == b""
        first.sendall(b"still here")
        assert read(outlet) == b"still here"
        outlet.write(b"so am I")
        assert first.recv(7) == b"so am I"


def test_the_next_one_is_taken_once_all_of_the_last_has_been_read(outlet: Outlet) -> None:
    with client_of(outlet) as first:
        read(outlet)
        first.sendall(b"last words")
    with client_of(outlet) as second:
        assert read(outlet) == b"last words"
        read(outlet)
        second.sendall(b"hello")
        assert read(outlet) == b"hello"
