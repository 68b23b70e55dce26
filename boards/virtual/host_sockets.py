"""The board's own ports on the host's loopback, for a board in real time.

Each board has a loopback address of its own, so that several of them may use the same port.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from boards.virtual.peers import TcpPeer

Address = tuple[str, int]

MOST_BYTES = 2048  # more than fits into one frame of Wi-Fi
INTERFACE = "127.0.0.1"


class HostDatagrams:
    """The sockets behind one UDP socket of the board: its own, and one for each group it is in.

    Raises OSError when the port is taken.
    """

    def __init__(self, address: Address) -> None:
        self._sockets: dict[Address, socket.socket] = {}
        self._open(address)
        self._own = address

    def send(self, data: bytes, target: Address) -> None:
        """Nobody says whether it arrived."""
        with contextlib.suppress(OSError):
            self._sockets[self._own].sendto(data, target)

    def receive(self) -> Iterator[tuple[bytes, Address, Address]]:
        """What has come by now: data, from whom, to whom."""
        for target, one in list(self._sockets.items()):
            with contextlib.suppress(OSError):
                while True:
                    data, source = one.recvfrom(MOST_BYTES)
                    yield data, source, target

    def join(self, group: str) -> None:
        """Hear what is sent to a group on the host's loopback interface."""
        address = (group, self._own[1])
        if address not in self._sockets:
            member = socket.inet_aton(group) + socket.inet_aton(INTERFACE)
            self._open(address).setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)

    def drop(self, group: str) -> None:
        """Hear it no more."""
        one = self._sockets.pop((group, self._own[1]), None)
        if one is not None:
            one.close()

    def close(self) -> None:
        """The board has closed its socket."""
        for one in self._sockets.values():
            one.close()
        self._sockets.clear()

    def _open(self, address: Address) -> socket.socket:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(address)
        except OSError:
            one.close()
            raise
        self._sockets[address] = one
        return one


class HostListener:
    """The port on the host behind one listening socket of the board.

    Raises OSError when the port is taken, or below 1024 and this program may not have it.
    """

    def __init__(self, address: Address) -> None:
        self._socket = socket.create_server(address)
        self._socket.setblocking(False)

    def accept(self) -> Iterator[TcpPeer]:
        """Those that have connected since."""
        with contextlib.suppress(OSError):
            while True:
                yield TcpPeer(self._socket.accept()[0])

    def close(self) -> None:
        """The board has closed its socket."""
        self._socket.close()
