"""A board with the firmware's own planning, a clock of its own and a load that uses its lease."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headroom.phases import PhaseMa
from headroom.protocol.messages import CircuitReading, Reason, Report
from headroom.site import Board

from tools.benches.firmware import node_module

_TIMEOUT_S = 5
# What of a plan and of a report does not matter here.
_CIRCUIT = {
    "default": "on",
    "safe": "keep",
    "price_ceiling_eur_mwh": 3000,
    "price_hysteresis_eur_mwh": 10,
}


@dataclass(frozen=True)
class SentAnswer:
    """An answer on its way: the fields that the firmware's planning takes."""

    board: str
    pair: tuple[int, int]
    epoch: int
    lease_ma: tuple[int, int, int]
    lease_s: int
    time: int
    rev: int = 1
    valid_s: int = 120
    plan: None = None

    @property
    def seq(self) -> int:
        """Of the report that it answers."""
        return self.pair[1]


class SimBoard:
    """One board. ``rate`` is how fast its clock runs; ``t`` is the true time in s."""

    def __init__(self, board: Board, rating_ma: tuple[int, int, int], rate: float) -> None:
        self.board = board
        self.rate = rate
        self.epoch = 0  # in flash
        self.boot = 0
        self.drawn_ma = 0
        self._rating_ma = rating_ma
        self.reset(0.0)

    def provision(self, board: Board, t: float) -> None:
        """What the site wants of it gets into its flash, and it starts anew."""
        self.board = board
        self.reset(t)

    def reset(self, t: float) -> None:
        """Power was gone for a moment: of what it held nothing is left but the epoch."""
        self.boot += 1
        self.drawn_ma = 0
        self.waits = False
        self._seq = 0
        self._booted_s = t
        self._sent_s: int | None = None
        self._lease_end_s = 0
        self._draws_until_s = 0
        self._planning: Any = node_module("planning").Planning(
            {"safe_limit_ma": self.board.safe_limit_ma, "rating_ma": self._rating_ma}, [_CIRCUIT]
        )

    def up_s(self, t: float) -> int:
        """Uptime in whole seconds, by its own clock."""
        return int((t - self._booted_s) * self.rate)

    def believed_ma(self, t: float) -> int:
        """The limit that it keeps now."""
        self._planning.update(self.up_s(t))
        return int(self._planning.limit_ma[0])

    def used_ma(self, t: float) -> PhaseMa:
        """The most it may use on each phase: its safe limit, its lease, or what it still draws of
        an earlier lease that was not yet over when a lower one came.
        """
        believed_ma = self.believed_ma(t)
        if self.up_s(t) >= self._draws_until_s:
            self.drawn_ma = min(self.drawn_ma, believed_ma)
        return max(self.board.safe_limit_ma[0], believed_ma, self.drawn_ma), 0, 0

    def lease_ends_at(self) -> float:
        """The true time at which the lease in force is over."""
        return self._booted_s + self._lease_end_s / self.rate

    def can_send(self, t: float) -> bool:
        """Whether nothing is on its way that it still waits for."""
        return self._sent_s is None or self.up_s(t) - self._sent_s > _TIMEOUT_S

    def send(self, t: float) -> Report:
        """Its next report."""
        limit_ma = (self.believed_ma(t), 0, 0)
        self._seq += 1
        self._sent_s = self.up_s(t)
        waits = self.waits and not self.drawn_ma
        reason: Reason = "shed_feeder" if waits else "default"
        reading = CircuitReading(self.drawn_ma, 20, "ok", int(not waits), reason)
        return Report.model_construct(
            boot=self.boot,
            seq=self._seq,
            epoch=self.epoch,
            limit_ma=limit_ma,
            lease_seq=self._planning.lease_seq,
            minutes=(),
            circuits=(reading,),
        )

    def receive(self, answer: SentAnswer, t: float) -> bool:
        """Obeys an answer to the report that it waits for; says whether it was one."""
        waits = self._sent_s is not None and not self.can_send(t)
        if not waits or answer.pair != (self.boot, self._seq) or answer.epoch < self.epoch:
            return False
        assert self._sent_s is not None
        if answer.lease_ma[0] < self.drawn_ma <= self.believed_ma(t):
            self._draws_until_s = self._lease_end_s
        self.epoch = answer.epoch
        self._planning.accept(answer, self._sent_s)
        self._lease_end_s = self._sent_s + answer.lease_s
        self._sent_s = None
        return True
