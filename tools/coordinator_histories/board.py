"""A board that runs the firmware: its storage, plan in force, journal and link are the real ones.

Its ticks are not: 25 a second on three boards would make a history last for a minute. So what
switches loads is simulated: current obeys the limit, at the latest when an earlier lease ends.
Protection has tests of its own, and hil_tests/test_leases.py has both together.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from headroom.phases import PHASES, PhaseMa, highest
from headroom.site import Board

from tools.benches.firmware import FIRMWARE, node_module

RATED_MA = 60_000
_NOTHING = [0] * len(PHASES)
# A report is on its way after fewer steps of the link than that, and so is an answer obeyed.
_MOST_STEPS = 16


@dataclass(frozen=True)
class Request:
    """A report as it left, with the headers of HTTP; that same object is what a retry is not."""

    board: str
    data: bytes


def _fakes() -> Any:
    node_module("app")
    folder = str(FIRMWARE / "tests")
    if folder not in sys.path:
        sys.path.append(folder)
    return import_module("fakes")


class NodeBoard:
    """One board. ``rate`` is how fast its clock runs; ``t`` is the true time in s."""

    def __init__(self, board: Board, key: bytes, rate: float, lease_s: int) -> None:
        self.rate = rate
        self._lease_s = lease_s
        self._secrets = _fakes().secrets(key)
        self._hardware = _fakes().Hardware(server=self._exchange)
        self._hardware.network.chunk = 4096
        self.provision(board, 0.0)

    def provision(self, board: Board, t: float) -> None:
        """Give it another configuration, by which it starts."""
        fakes = _fakes()
        self.board = board
        self._config = fakes.configuration(
            id=board.id,
            feeder={
                "rating_ma": [RATED_MA] * len(PHASES),
                "safe_limit_ma": list(board.safe_limit_ma),
            },
            circuits=[
                fakes.board_circuit(i) | {"phase": i + 1, "rated_ma": RATED_MA, "safe": "keep"}
                for i in range(len(PHASES))
            ],
            link={"host": "192.168.1.10", "report_s": 1},
        )
        self.reset(t)

    def reset(self, t: float) -> None:
        """Power was gone for a moment: what is left is what is in flash."""
        self._hardware.time.now_us = self._local_us(t)
        self._node = node_module("app").App(self._config, self._secrets, self._hardware)
        self._node.start()
        self._request: Request | None = None
        self._answer: bytes | None = None
        self._booted_s = t
        self._sent_s = self._lease_end_s = 0
        self.drawn_ma = list(_NOTHING)
        self._draws_until_s = list(_NOTHING)
        self.waits = False

    @property
    def epoch(self) -> int:
        """The highest that it has obeyed, in flash."""
        return int(self._node.storage.epoch)

    def at(self, t: float) -> None:
        """Let it be that time."""
        node = self._node
        self._hardware.time.now_us = self._local_us(t)
        if not node.clock.advance(1):
            return
        node.planning.update(node.clock.up_s)
        self._settle()
        closed = node.relays.closed
        node.minutes.sample(node.clock.up_s, node.clock.step_ms, self.drawn_ma, closed)
        node.blocks.step(node.clock.up_s)

    def believed_ma(self) -> PhaseMa:
        """The limits that it keeps now."""
        l1, l2, l3 = self._node.planning.limit_ma
        return (l1, l2, l3)

    def used_ma(self) -> PhaseMa:
        """The most it may use: its safe limits, its lease, or what it still draws of an earlier
        lease that was not yet over when a lower one came.
        """
        l1, l2, l3 = self.drawn_ma
        return highest([self.board.safe_limit_ma, self.believed_ma(), (l1, l2, l3)])

    def lease_ends_at(self) -> float:
        """The true time at which the lease in force is over."""
        return self._booted_s + self._lease_end_s / self.rate

    def draw(self, share: float) -> None:
        """Use that share of what it may; 0 = wait for more."""
        self.waits = not share
        may_ma = highest([self.believed_ma(), self._drawn()])
        self.drawn_ma = [int(share * ma) for ma in may_ma]
        self._settle()

    def is_ordered_off(self, circuit: int) -> bool:
        """Whether an override holds that circuit open."""
        return bool(self._node.planning.is_ordered_off(circuit))

    def send(self) -> Request | None:
        """Its next report, if one is due and nothing is on its way that it still waits for."""
        before = self._request
        self._step_until(lambda: self._request is not before and self._request is not None)
        return self._request if self._request is not before else None

    def receive(self, answer: bytes) -> None:
        """What comes back on the connection that is open, if there is one."""
        client = self._node.client
        if self._request is None:
            return
        before_ma, before_end_s = self.believed_ma(), self._lease_end_s
        tries, answers = client.answers + client.errors, client.answers
        self._answer = answer
        self._step_until(lambda: client.answers + client.errors > tries)
        self._request = self._answer = None
        if client.answers == answers:
            return
        self._node.planning.update(self._node.clock.up_s)
        self._lease_end_s = self._sent_s + self._lease_s
        for phase, drawn_ma in enumerate(self.drawn_ma):
            if self.believed_ma()[phase] < drawn_ma <= before_ma[phase]:
                self._draws_until_s[phase] = before_end_s
        self._settle()

    def waits_for(self, request: Request) -> bool:
        """Whether the connection that is open is the one of that request."""
        return self._request is request

    def _local_us(self, t: float) -> int:
        return int(t * self.rate * 1e6)

    def _drawn(self) -> PhaseMa:
        l1, l2, l3 = self.drawn_ma
        return (l1, l2, l3)

    def _settle(self) -> None:
        """Relays and currents as the plan in force and its limits have them."""
        node = self._node
        for i, may_ma in enumerate(self.believed_ma()):
            if node.clock.up_s >= self._draws_until_s[i]:
                self.drawn_ma[i] = min(self.drawn_ma[i], may_ma)
            self._switch(i)
            if not node.relays.closed[i]:
                self.drawn_ma[i] = 0
            state = "ok" if self.drawn_ma[i] else "below_range"
            node.readings.take(i, state, self.drawn_ma[i])

    def _switch(self, i: int) -> None:
        node = self._node
        if self.is_ordered_off(i):
            node.relays.open(i, "override")
        elif self.waits and not self.drawn_ma[i]:
            node.relays.open(i, "shed_feeder")
        else:
            node.relays.wish(i, node.planning.wish(i), node.planning.reason[i])

    def _exchange(self, data: bytes) -> bytes | None:
        """The far side of its socket: nothing comes back before there is an answer."""
        if self._request is None:
            self._request = Request(self.board.id, data)
            self._sent_s = self._begun_s
        return self._answer

    def _step_until(self, is_done: Any) -> None:
        client = self._node.client
        for _ in range(_MOST_STEPS):
            if is_done():
                return
            errors = client.errors
            self._begun_s = self._node.clock.up_s
            try:
                client.step()
            except (OSError, ValueError) as error:
                client.failed(error)
            if client.errors > errors:
                self._request = self._answer = None
