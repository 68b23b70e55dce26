"""UDP sockets of the board, as lwIP keeps them.

A socket holds four datagrams that the program has not yet read and drops what comes beyond
(modlwip.c of MicroPython 1.29: LWIP_INCOMING_PACKET_QUEUE_LEN). A datagram longer than the buffer
it is read into loses its end. Membership of a multicast group belongs to the chip: joining a group
once more only counts, and sends no new message to the network (igmp_joingroup of lwIP 1.4), so a
membership that the network has forgotten comes back only by dropping and joining it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from boards.virtual.host_sockets import HostDatagrams
from boards.virtual.link import Link
from boards.virtual.tcp import EAGAIN, POLLIN, POLLOUT

QUEUED = 4
BROADCAST = "255.255.255.255"

Address = tuple[str, int]


@dataclass(frozen=True)
class Datagram:
    """One datagram, at the time it was sent."""

    at_us: float
    data: bytes
    source: Address
    target: Address


class Groups:
    """The chip's multicast groups."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._uses: dict[str, int] = {}
        self._since_us: dict[str, float] = {}

    def join(self, group: str, now_us: float) -> None:
        """Be a member; tells the network only if it was none."""
        self._uses[group] = self._uses.get(group, 0) + 1
        self._since_us.setdefault(group, now_us)

    def drop(self, group: str) -> bool:
        """Give one use up; False if it was no member."""
        if group not in self._uses:
            return False
        self._uses[group] -= 1
        if not self._uses[group]:
            del self._uses[group], self._since_us[group]
        return True

    def reach(self, group: str, now_us: float) -> bool:
        """Whether the network still brings what is sent to that group."""
        lasts_us = self._link.faults.membership_s * 1e6
        since_us = self._since_us.get(group)
        return since_us is not None and (not lasts_us or now_us - since_us < lasts_us)

    def forget(self) -> None:
        """The chip starts anew."""
        self._uses.clear()
        self._since_us.clear()


class DatagramSocket:
    """One UDP socket of the board. ``sent`` gets each datagram that has crossed the link."""

    def __init__(self, link: Link, host: str, sent: Callable[[Datagram], None]) -> None:
        self.address: Address = (host, 0)
        self.outside: HostDatagrams | None = None  # in real time: its sockets on the host
        self.source: Address = ("", 0)  # of the datagram read last
        self.dropped = 0
        self._link = link
        self._sent = sent
        self._target: Address = ("", 0)
        self._under_way: deque[tuple[float, Datagram]] = deque()
        self._queue: deque[Datagram] = deque()

    def send_to(self, target: Address) -> None:
        """The address for the next datagram sent."""
        self._target = target

    def poll(self, now_us: float) -> int:
        """Its events now."""
        self._take_arrived(now_us)
        return POLLOUT | (POLLIN if self._queue else 0)

    def send(self, data: bytes, now_us: float) -> int:
        """Send one datagram; nobody says whether it arrived."""
        if self._link.passes(now_us) and not self._link.happens(self._link.faults.lose_datagram):
            self._sent(Datagram(now_us, data, self.address, self._target))
            if self.outside is not None:
                self.outside.send(data, self._target)
        return len(data)

    def deliver(self, datagram: Datagram) -> None:
        """Put a datagram for this socket on its way to it."""
        link = self._link
        if link.passes(datagram.at_us) and not link.happens(link.faults.lose_datagram):
            # The last piece brings it: a datagram is there as a whole or not at all.
            *_, (arrives_us, _piece) = link.pieces(datagram.data or b"\0", datagram.at_us)
            self._under_way.append((arrives_us, datagram))

    def receive(self, size: int, now_us: float) -> bytes | int:
        """The oldest datagram, or a negative errno."""
        self._take_arrived(now_us)
        if not self._queue:
            return -EAGAIN
        datagram = self._queue.popleft()
        self.source = datagram.source
        return self._link.spoiled(datagram.data)[:size]

    def close(self) -> None:
        """The board closes."""
        if self.outside is not None:
            self.outside.close()

    def _take_arrived(self, now_us: float) -> None:
        for data, source, target in self.outside.receive() if self.outside is not None else ():
            self.deliver(Datagram(now_us, data, source, target))
        while self._under_way and self._under_way[0][0] <= now_us:
            _, datagram = self._under_way.popleft()
            if len(self._queue) < QUEUED:
                self._queue.append(datagram)
            else:
                self.dropped += 1
