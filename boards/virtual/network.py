"""The virtual network: TCP sockets of the board, over a link that can be down, slow, lossy or lie.

A connection ends at a peer: a WSGI application called in this process (virtual time) or a real TCP
server on the host (real time). What the board sees of it, delays and faults included, is the same
code for both.
"""

from __future__ import annotations

import contextlib
import errno
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from boards.virtual.peers import Peer, TcpPeer, WsgiPeer

__all__ = ["KEPT_EXCHANGES", "Exchange", "Faults", "Network", "Peer", "TcpPeer", "WsgiPeer"]

POLLIN, POLLOUT, POLLERR, POLLHUP = 1, 4, 8, 16
KEPT_EXCHANGES = 20_000
ACCESS_POINT = 1  # network.AP_IF

# What lwIP on the ESP8266 calls its errors.
EAGAIN, EINPROGRESS, ENOTCONN, ECONNRESET, ECONNREFUSED, EBADF = 11, 115, 128, 104, 111, 9

STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP = 0, 1, 5
ASSOCIATE_US = 2_000_000  # joining an access point takes seconds on the real chip


@dataclass
class Faults:
    """What is wrong with the link.

    Chances are for each connection; the seed of the board decides.
    """

    down: bool = False  # nothing passes in either direction, nobody says so
    refused: bool = False  # the coordinator's port is closed
    no_access_point: bool = False
    delay_us: float = 0.0  # added to each direction
    bytes_per_s: float = 0.0  # 0 = as fast as it goes
    lose_request: float = (
        0.0  # chance that the connection stalls before the coordinator has it all
    )
    lose_answer: float = 0.0  # chance that it stalls after the coordinator has answered
    garbage: float = 0.0  # chance that the answer is noise
    corrupt: float = 0.0  # chance that one bit of the answer's body is flipped


@dataclass
class Exchange:
    """One request and its answer, as they crossed the link."""

    at_us: float
    request: bytes
    response: bytes = b""
    delivered: bool = False  # the board has read the answer to its end


@dataclass
class Connection:
    """One TCP socket of the board."""

    exchange: Exchange
    peer: Peer | None = None
    ready_us: float = 0.0
    stalled: bool = False
    error: int = 0
    closed_by_peer: bool = False
    arriving: deque[tuple[float, bytes]] = field(default_factory=deque)


class Network:
    """The board's Wi-Fi interfaces and its sockets.

    ``connect`` opens a peer for an address; it raises OSError if nobody listens there.
    """

    LATENCY_US = 3_000.0

    def __init__(self, connect: Callable[[str, int], Peer], seed: int = 0) -> None:
        self._connect = connect
        self._random = random.Random(seed)
        self.faults = Faults()
        self.exchanges: deque[Exchange] = deque(maxlen=KEPT_EXCHANGES)
        self._connections: dict[int, Connection] = {}
        self._station_active = False
        self._associated_us: float | None = None
        # A new chip opens an access point; the SDK keeps in flash that it was switched off.
        self.access_point_active = True

    def close_sockets(self) -> None:
        """The interpreter starts anew: its sockets are gone, the station stays as it is."""
        for handle in list(self._connections):
            self.close(handle, 0.0)

    def power_off(self) -> None:
        """All sockets are gone, and the association with them."""
        self.close_sockets()
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
        if what == 1:
            return -60
        if interface != 0 or self._associated_us is None:
            return STAT_IDLE
        if self.faults.no_access_point or now_us < self._associated_us:
            return STAT_CONNECTING
        return STAT_GOT_IP

    # Sockets

    def socket(self, now_us: float) -> int:
        """A new TCP socket."""
        handle = min(set(range(len(self._connections) + 1)) - set(self._connections))
        self._connections[handle] = Connection(Exchange(now_us, b""))
        return handle

    def connect(self, handle: int, host: str, port: int, now_us: float) -> int:
        """Begin to connect: always EINPROGRESS, as on the chip."""
        connection = self._connections[handle]
        if self.wlan_status(0, 0, now_us) != STAT_GOT_IP or self.faults.down:
            connection.stalled = True
            return -EINPROGRESS
        connection.ready_us = now_us + 2 * self._one_way_us()
        connection.stalled = self._random.random() < self.faults.lose_request
        try:
            if self.faults.refused:
                raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")
            connection.peer = self._connect(host, port)
        except OSError:
            connection.error = ECONNREFUSED
        return -EINPROGRESS

    def poll(self, handle: int, now_us: float) -> int:
        """The socket's events now."""
        connection = self._connections[handle]
        if (connection.stalled and connection.peer is None) or now_us < connection.ready_us:
            return 0
        if connection.error:
            return POLLERR | POLLHUP
        self._collect(connection, now_us)
        arrived = bool(connection.arriving) and connection.arriving[0][0] <= now_us
        ended = connection.closed_by_peer and not connection.arriving
        return POLLOUT | (POLLIN if arrived or ended else 0)

    def send(self, handle: int, data: bytes, now_us: float) -> int:
        """Hand bytes to the link; returns how many it took, or a negative errno."""
        connection = self._connections[handle]
        if connection.error:
            return -connection.error
        if connection.peer is None:
            return -ENOTCONN
        if now_us < connection.ready_us:
            return -EAGAIN
        connection.exchange.at_us = now_us
        connection.exchange.request += data
        if self._usable(connection):
            try:
                connection.peer.send(data)
            except OSError:
                connection.error = ECONNRESET
                return -ECONNRESET
            self._collect(connection, now_us)
        return len(data)

    def recv(self, handle: int, size: int, now_us: float) -> bytes | int:
        """Bytes that have arrived, b"" at the end of the stream, or a negative errno."""
        connection = self._connections[handle]
        if connection.error:
            return -connection.error
        self._collect(connection, now_us)
        if not connection.arriving or connection.arriving[0][0] > now_us:
            if connection.closed_by_peer and not connection.arriving:
                connection.exchange.delivered = True
                return b""
            return -EAGAIN
        at_us, data = connection.arriving.popleft()
        if len(data) > size:
            connection.arriving.appendleft((at_us, data[size:]))
        return data[:size]

    def close(self, handle: int, _t: float) -> int:
        """Close the socket; closing one twice is an error, as on the chip."""
        connection = self._connections.pop(handle, None)
        if connection is None:
            return -EBADF
        if connection.exchange.request:
            connection.exchange.delivered |= bool(connection.exchange.response) and not (
                connection.arriving or connection.stalled
            )
            self.exchanges.append(connection.exchange)
        if connection.peer is not None:
            with contextlib.suppress(OSError):
                connection.peer.close()
        return 0

    def _usable(self, connection: Connection) -> bool:
        return not (connection.stalled or self.faults.down)

    def _one_way_us(self) -> float:
        return self.LATENCY_US + self.faults.delay_us

    def _collect(self, connection: Connection, now_us: float) -> None:
        """Take what the peer has sent and put it on its way to the board."""
        while self._usable(connection) and connection.peer and not connection.closed_by_peer:
            try:
                data = connection.peer.receive()
            except OSError:
                connection.error = ECONNRESET
                return
            if data == b"":
                return
            if data is None:
                connection.closed_by_peer = True
                return
            if self._random.random() < self.faults.lose_answer:
                connection.stalled = True
                return
            connection.exchange.response += data
            self._deliver(connection, self._spoiled(data), now_us + self._one_way_us())

    def _spoiled(self, data: bytes) -> bytes:
        if self._random.random() < self.faults.garbage:
            return self._random.randbytes(len(data))
        if self._random.random() < self.faults.corrupt:
            # In its body: a bit of a header that nobody reads would change nothing.
            body_at = data.find(b"\r\n\r\n") + 4
            position = self._random.randrange(body_at, len(data))
            flipped = data[position] ^ (1 << self._random.randrange(8))
            return data[:position] + bytes([flipped]) + data[position + 1 :]
        return data

    def _deliver(self, connection: Connection, data: bytes, at_us: float) -> None:
        if not self.faults.bytes_per_s:
            connection.arriving.append((at_us, data))
            return
        for index in range(0, len(data), 64):
            piece = data[index : index + 64]
            at_us += len(piece) / self.faults.bytes_per_s * 1e6
            connection.arriving.append((at_us, piece))
