"""TCP sockets of the board: those it connects, and those it listens on and accepts."""

from __future__ import annotations

import contextlib
import errno
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from boards.virtual.host_sockets import HostListener
from boards.virtual.link import Link
from boards.virtual.peers import Peer

# What lwIP takes from the program before the far end has taken any: TCP_SND_BUF of the ESP8266.
SEND_BUFFER_BYTES = 2 * 1460

POLLIN, POLLOUT, POLLERR, POLLHUP = 1, 4, 8, 16

# What lwIP on the ESP8266 calls its errors.
EAGAIN, EINPROGRESS, ENOTCONN, ECONNRESET, ECONNREFUSED, EINVAL = 11, 115, 128, 104, 111, 22


@dataclass
class Exchange:
    """One request of the board and its answer, as they crossed the link."""

    at_us: float
    request: bytes
    response: bytes = b""
    delivered: bool = False  # the board has read the answer to its end


class Connection:
    """One TCP connection of the board. ``done`` gets the exchange once the board has closed."""

    def __init__(self, link: Link, now_us: float, done: Callable[[Exchange], None]) -> None:
        self.peer: Peer | None = None
        self.exchange = Exchange(now_us, b"")
        self._link = link
        self._done = done
        self._ready_us = 0.0
        self._stalled = False
        self._error = 0
        self._closed_by_peer = False
        self._arriving: deque[tuple[float, bytes]] = deque()
        self._unsent = b""
        self.port = 0  # once it is bound

    def connect(self, open_peer: Callable[[], Peer], now_us: float) -> int:
        """Begin to connect: always EINPROGRESS, as on the chip."""
        link = self._link
        if not link.passes(now_us):
            self._stalled = True
            return -EINPROGRESS
        self._ready_us = now_us + 2 * link.one_way_us()
        self._stalled = link.happens(link.faults.lose_request)
        try:
            if link.faults.refused:
                raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")
            self.peer = open_peer()
        except TimeoutError:  # its machine is off
            self._stalled = True
        except OSError:
            self._error = ECONNREFUSED
        return -EINPROGRESS

    def accepted(self, peer: Peer) -> Connection:
        """The same, connected by the far end."""
        self.peer = peer
        self._stalled = self._link.happens(self._link.faults.lose_request)
        return self

    def poll(self, now_us: float) -> int:
        """Its events now."""
        if (self._stalled and self.peer is None) or now_us < self._ready_us:
            return 0
        if self._error:
            return POLLERR | POLLHUP
        self._collect(now_us)
        arrived = bool(self._arriving) and self._arriving[0][0] <= now_us
        ended = self._closed_by_peer and not self._arriving
        takes = self._hand_over(now_us)
        return (POLLOUT if takes else 0) | (POLLIN if arrived or ended else 0)

    def send(self, data: bytes, now_us: float) -> int:
        """Hand bytes to the link; returns how many it took, or a negative errno."""
        if self._error:
            return -self._error
        if self.peer is None:
            return -ENOTCONN
        if now_us < self._ready_us or not self._hand_over(now_us):
            return -EAGAIN
        data = data[: SEND_BUFFER_BYTES - len(self._unsent)]
        self.exchange.at_us = now_us
        self.exchange.request += data
        if self._passes(now_us):
            self._unsent += data
            self._hand_over(now_us)
            self._collect(now_us)
        return -self._error or len(data)

    def receive(self, size: int, now_us: float) -> bytes | int:
        """Bytes that have arrived, b"" at the end of the stream, or a negative errno."""
        if self._error:
            return -self._error
        self._collect(now_us)
        if not self._arriving or self._arriving[0][0] > now_us:
            if self._closed_by_peer and not self._arriving:
                self.exchange.delivered = True
                return b""
            return -EAGAIN
        at_us, data = self._arriving.popleft()
        if len(data) > size:
            self._arriving.appendleft((at_us, data[size:]))
        return data[:size]

    def close(self) -> None:
        """The board closes; what its far end has not taken yet is lost."""
        if self.exchange.request:
            self.exchange.delivered |= bool(self.exchange.response) and not (
                self._arriving or self._stalled
            )
            self._done(self.exchange)
        if self.peer is not None:
            with contextlib.suppress(OSError):
                self.peer.close()

    def _hand_over(self, now_us: float) -> bool:
        """Pass on what the peer takes; whether there is room for more of the board's bytes."""
        if self._unsent and self.peer is not None and self._passes(now_us):
            try:
                self._unsent = self._unsent[self.peer.send(self._unsent) :]
            except OSError:
                self._error = ECONNRESET
        return len(self._unsent) < SEND_BUFFER_BYTES

    def _passes(self, now_us: float) -> bool:
        return not self._stalled and self._link.passes(now_us)

    def _collect(self, now_us: float) -> None:
        """Take what the peer has sent and put it on its way to the board."""
        while self._passes(now_us) and self.peer and not self._closed_by_peer:
            try:
                data = self.peer.receive()
            except OSError:
                self._error = ECONNRESET
                return
            if data == b"":
                return
            if data is None:
                self._closed_by_peer = True
                return
            if self._link.happens(self._link.faults.lose_answer):
                self._stalled = True
                return
            self.exchange.response += data
            self._arriving.extend(self._link.pieces(self._link.spoiled(data), now_us))


class Listener:
    """A port on which the board accepts connections.

    It keeps as many unaccepted ones as ``backlog`` says; modlwip.c resets those beyond.
    """

    def __init__(self, link: Link, port: int, backlog: int) -> None:
        self.port = port
        self.outside: HostListener | None = None  # in real time: its socket on the host
        self._link = link
        self._backlog = max(backlog, 1)
        self._waiting: deque[tuple[float, Peer]] = deque()

    def call(self, peer: Peer, now_us: float) -> None:
        """Somebody connects. Raises TimeoutError or ConnectionRefusedError."""
        if not self._link.passes(now_us):
            raise TimeoutError(f"nothing passes to port {self.port} of the board")
        if len(self._waiting) >= self._backlog:
            raise ConnectionRefusedError(f"{len(self._waiting)} wait on port {self.port} already")
        self._waiting.append((now_us + self._link.one_way_us(), peer))

    def poll(self, now_us: float) -> int:
        """Its events now."""
        for peer in self.outside.accept() if self.outside is not None else ():
            try:
                self.call(peer, now_us)
            except OSError:
                peer.close()
        return POLLIN if self._waiting and self._waiting[0][0] <= now_us else 0

    def accept(self, now_us: float) -> Peer | None:
        """The far end of the oldest connection that waits."""
        return self._waiting.popleft()[1] if self.poll(now_us) else None

    def send(self, _data: bytes, _now_us: float) -> int:
        """Not connected."""
        return -ENOTCONN

    def receive(self, _size: int, _now_us: float) -> int:
        """Not connected."""
        return -ENOTCONN

    def close(self) -> None:
        """The board closes; those that wait are reset."""
        for _, peer in self._waiting:
            peer.close()
        if self.outside is not None:
            self.outside.close()
