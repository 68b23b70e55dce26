"""The virtual network: the board's Wi-Fi interfaces and its sockets.

A connection ends at a peer: a WSGI application called in this process (virtual time) or a real TCP
server on the host (real time). Datagrams are handed in and out by the test, or cross the host's
loopback. What the board sees of them, delays and faults included, is the same code for both.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable

from boards.virtual.host_sockets import HostDatagrams, HostListener
from boards.virtual.link import Faults, Link
from boards.virtual.peers import Caller, Peer, TcpPeer, WsgiPeer
from boards.virtual.tcp import EAGAIN, EINVAL, Connection, Exchange, Listener
from boards.virtual.udp import BROADCAST, Address, Datagram, DatagramSocket, Groups

__all__ = [
    "BOARD_HOST",
    "KEPT_EXCHANGES",
    "Caller",
    "Datagram",
    "Exchange",
    "Faults",
    "Network",
    "Peer",
    "TcpPeer",
    "WsgiPeer",
    "loopback_network",
    "process_loopback",
]

KEPT_EXCHANGES = 20_000
ACCESS_POINT = 1  # network.AP_IF
BOARD_HOST = "192.168.4.2"  # what ifconfig() on the board says

EACCES, EADDRINUSE, EBADF = 13, 98, 9

STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP = 0, 1, 5
NO_SIGNAL = 31  # what the SDK says of a station that is in no network
ASSOCIATE_US = 2_000_000  # joining an access point takes seconds on the real chip

Socket = Connection | Listener | DatagramSocket


class Network:
    """The board's Wi-Fi interfaces and its sockets.

    ``connect`` opens a peer for an address; it raises OSError if nobody listens there.
    ``loopback`` is the board's address on the host, such as 127.0.1.1, for a board in real time:
    what it binds can be reached there. Without one only a test reaches it.
    """

    def __init__(
        self, connect: Callable[[str, int], Peer], seed: int = 0, loopback: str = ""
    ) -> None:
        self._connect = connect
        self._loopback = loopback
        self._link = Link(lambda now_us: self.wlan_status(0, 0, now_us) == STAT_GOT_IP, seed)
        self.faults = self._link.faults
        self.exchanges: deque[Exchange] = deque(maxlen=KEPT_EXCHANGES)
        self.datagrams: deque[Datagram] = deque(maxlen=KEPT_EXCHANGES)  # sent by the board
        self._sockets: dict[int, Socket] = {}
        self._groups = Groups(self._link)
        self._station_active = False
        self._associated_us: float | None = None
        self._told_status = STAT_IDLE
        self.rssi_dbm = -60
        # A new chip opens an access point; the SDK keeps in flash that it was switched off.
        self.access_point_active = True

    def close_sockets(self) -> None:
        """The interpreter starts anew: its sockets are gone, the station stays as it is."""
        for handle in list(self._sockets):
            self.close(handle)

    def power_off(self) -> None:
        """All sockets are gone, and the association with them; a wedged chip works again."""
        self.faults.wedged = False
        self.close_sockets()
        self._groups.forget()
        self._station_active = False
        self._associated_us = None

    # The station

    def wlan_active(self, interface: int, on: int, _t: float) -> int:
        """Switch the station (``interface`` 0) or the access point (1) on or off (``on`` 1 or 0),
        or ask (-1).
        """
        if interface == ACCESS_POINT:
            if on >= 0:
                self.access_point_active = bool(on)
            return int(self.access_point_active)
        if on >= 0:
            self._station_active = bool(on)
        return int(self._station_active)

    def wlan_connect(self, now_us: float) -> int:
        """Begin to join the access point."""
        self._station_active = True
        if self._associated_us is None:
            self._associated_us = now_us + ASSOCIATE_US
        return 0

    def wlan_disconnect(self) -> int:
        """Leave the access point."""
        self._associated_us = None
        return 0

    def wlan_status(self, interface: int, what: int, now_us: float) -> int:
        """The station's status, or its signal strength in dBm (``what`` 1)."""
        if interface != 0:
            return STAT_IDLE
        if what == 1:
            return self.rssi_dbm if self._station_status(now_us) == STAT_GOT_IP else NO_SIGNAL
        if not self.faults.wedged:
            self._told_status = self._station_status(now_us)
        return self._told_status

    def _station_status(self, now_us: float) -> int:
        if self._associated_us is None:
            return STAT_IDLE
        if self.faults.no_access_point or now_us < self._associated_us:
            return STAT_CONNECTING
        return STAT_GOT_IP

    # Sockets

    def socket(self, now_us: float) -> int:
        """A new TCP socket."""
        return self._add(Connection(self._link, now_us, self.exchanges.append))

    def datagram_socket(self) -> int:
        """A new UDP socket."""
        return self._add(DatagramSocket(self._link, BOARD_HOST, self.datagrams.append))

    def connect(self, handle: int, host: str, port: int, now_us: float) -> int:
        """Begin to connect: always EINPROGRESS, as on the chip."""
        return self._connection(handle).connect(lambda: self._connect(host, port), now_us)

    def bind(self, handle: int, port: int) -> int:
        """Give the socket a port of the board."""
        socket = self._sockets[handle]
        if isinstance(socket, Connection):
            if any(one.port == port for one in self._listeners()):
                return -EADDRINUSE
            socket.port = port
            return 0
        socket = self._datagrams(handle)
        if any(one.address[1] == port for one in self._datagram_sockets()):
            return -EADDRINUSE
        socket.address = (BOARD_HOST, port)
        if self._loopback:
            try:
                socket.outside = HostDatagrams((self._loopback, port))
            except OSError:
                return -EADDRINUSE
        return 0

    def listen(self, handle: int, backlog: int) -> int:
        """Accept connections on the port that a TCP socket is bound to."""
        listener = Listener(self._link, self._connection(handle).port, backlog)
        if self._loopback:
            try:
                listener.outside = HostListener((self._loopback, listener.port))
            except PermissionError:
                return -EACCES
            except OSError:
                return -EADDRINUSE
        self._sockets[handle] = listener
        return 0

    def accept(self, handle: int, now_us: float) -> int:
        """The socket of the oldest connection that waits, or a negative errno."""
        listener = self._sockets[handle]
        if not isinstance(listener, Listener):
            return -EINVAL
        peer = listener.accept(now_us)
        if peer is None:
            return -EAGAIN
        # What the board serves is no exchange of its own with the coordinator.
        return self._add(Connection(self._link, now_us, lambda _: None).accepted(peer))

    def membership(self, handle: int, group: str, join: int, now_us: float) -> int:
        """Join a multicast group (``join`` 1) or drop it (0)."""
        if join:
            self._groups.join(group, now_us)
        elif not self._groups.drop(group):
            return -EINVAL
        outside = self._datagrams(handle).outside
        if outside is not None:
            (outside.join if join else outside.drop)(group)
        return 0

    def send_to(self, handle: int, host: str, port: int) -> int:
        """The address for the next datagram of a UDP socket."""
        self._datagrams(handle).send_to((host, port))
        return 0

    def source(self, handle: int) -> Address:
        """Who sent the datagram that was read last."""
        return self._datagrams(handle).source

    def poll(self, handle: int, now_us: float) -> int:
        """The socket's events now."""
        return self._sockets[handle].poll(now_us)

    def send(self, handle: int, data: bytes, now_us: float) -> int:
        """Hand bytes to the link; returns how many it took, or a negative errno."""
        return self._sockets[handle].send(data, now_us)

    def recv(self, handle: int, size: int, now_us: float) -> bytes | int:
        """Bytes that have arrived, b"" at the end of the stream, or a negative errno."""
        return self._sockets[handle].receive(size, now_us)

    def close(self, handle: int) -> int:
        """Close the socket; closing one twice is an error, as on the chip."""
        socket = self._sockets.pop(handle, None)
        if socket is None:
            return -EBADF
        socket.close()
        return 0

    # What others on the network do

    def call(self, port: int, now_us: float) -> Caller:
        """A client connects to the board. Raises TimeoutError or ConnectionRefusedError."""
        caller = Caller()
        for listener in self._listeners():
            if listener.port == port:
                listener.call(caller, now_us)
                return caller
        raise ConnectionRefusedError(f"the board does not listen on port {port}")

    def deliver(self, data: bytes, source: Address, target: Address, now_us: float) -> None:
        """Somebody sends a datagram: to the board (BOARD_HOST), to everybody, or to a group."""
        host, port = target
        if host in (BOARD_HOST, BROADCAST) or self._groups.reach(host, now_us):
            for socket in self._datagram_sockets():
                if socket.address[1] == port:
                    socket.deliver(Datagram(now_us, data, source, target))

    def _add(self, socket: Socket) -> int:
        handle = min(set(range(len(self._sockets) + 1)) - set(self._sockets))
        self._sockets[handle] = socket
        return handle

    def _connection(self, handle: int) -> Connection:
        socket = self._sockets[handle]
        assert isinstance(socket, Connection)
        return socket

    def _datagrams(self, handle: int) -> DatagramSocket:
        socket = self._sockets[handle]
        assert isinstance(socket, DatagramSocket)
        return socket

    def _datagram_sockets(self) -> list[DatagramSocket]:
        return [one for one in self._sockets.values() if isinstance(one, DatagramSocket)]

    def _listeners(self) -> list[Listener]:
        return [one for one in self._sockets.values() if isinstance(one, Listener)]


def loopback_network(address: str, seed: int = 0) -> Network:
    """The network of a board in real time, which has that address of this machine."""
    return Network(lambda host, port: TcpPeer.connect((host, port), address), seed, address)


def process_loopback() -> str:
    """An address of this machine that no other process takes: boards of several test runs beside
    each other may bind the same ports.
    """
    high, low = divmod(os.getpid(), 1 << 16)
    return f"127.{2 + high}.{low >> 8}.{low & 255}"
