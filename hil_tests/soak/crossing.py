"""What reports and answers meet between a board and its coordinator besides a bad link: they come
twice, too late, or in place of others. Every answer is shown to a witness on its way.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from boards.virtual.network import Peer
from hil_tests.world import World

# What the coordinator has answered to a request: both whole, as they crossed the link.
Witness = Callable[[bytes, bytes], None]
OpenPeer = Callable[[], Peer]


class Crossing:
    """All connections of a board to its coordinator. Chances are for each of them.

    ``twice``: the request comes once more. ``late``: it comes only after the next one, and gets no
    answer. ``swapped``: the answer before comes in place of the one that was meant.
    """

    def __init__(self, world: World, draw: random.Random) -> None:
        self.counts: Counter[str] = Counter()
        self.witness: Witness = lambda _request, _answer: None
        self.last_answer = b""
        self._draw = draw
        self._world = world
        self._held: list[bytes] = []
        self.mend()
        world.between = lambda open_peer: _Connection(self, open_peer)

    def mend(self) -> None:
        """Messages come once, in their order."""
        self.twice = self.late = self.swapped = 0.0

    def happens(self, what: str, chance: float) -> bool:
        """Whether it does this time; counted."""
        happens = chance > 0 and self._draw.random() < chance
        self.counts[what] += happens
        return happens

    def hold(self, request: bytes) -> None:
        """It comes after the next one."""
        self._held.append(request)

    def passed(self, open_peer: OpenPeer, request: bytes) -> None:
        """A request has been answered; what comes once more or too late comes now."""
        again = [request] if self.happens("message twice", self.twice) else []
        late, self._held = self._held, []
        if self._world.machine_is_off:
            return
        for one in again + late:
            peer = open_peer()
            with suppress(ConnectionResetError):
                peer.send(one)
                self.witness(one, peer.receive() or b"")


class _Connection:
    """One connection of the board."""

    def __init__(self, crossing: Crossing, open_peer: OpenPeer) -> None:
        self._crossing = crossing
        self._open_peer = open_peer
        self._peer = open_peer()
        self._request = b""
        self._is_held = crossing.happens("message late", crossing.late)
        self._is_answered = False

    def send(self, data: bytes) -> int:
        """See Peer."""
        self._request += data
        return len(data) if self._is_held else self._peer.send(data)

    def receive(self) -> bytes | None:
        """See Peer."""
        if self._is_held:
            return b""
        answer = self._peer.receive()
        if not answer:
            return answer
        self._is_answered = True
        crossing = self._crossing
        crossing.witness(self._request, answer)
        last, crossing.last_answer = crossing.last_answer, answer
        return last if last and crossing.happens("answer swapped", crossing.swapped) else answer

    def close(self) -> None:
        """See Peer."""
        if self._is_held:
            self._crossing.hold(self._request)
        elif self._is_answered:
            self._crossing.passed(self._open_peer, self._request)
