"""A board as a site sees it for hours: the firmware's plan, protection and shedding in half-second
steps, behind them loads that draw what they are made for whenever their relay is closed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from headroom.phases import phase_index
from headroom.protocol.messages import CircuitReading, Minute, Reason, Report
from headroom.site import Board

from tools.benches.firmware import node_module
from tools.lease_histories.board import SentAnswer

STEP_MS = 500
LIMIT_S = 5
_STEPS_A_MINUTE = 60_000 // STEP_MS
# Of a load's current from one step to the next.
_NOISE = 0.01
_TIMING = {"restore_wait_s": 30, "restore_cap_s": 480, "retry_s": 300}


class SteadyBoard:
    """One board. ``loads_ma`` per circuit: what it draws when closed, 0 = wants nothing."""

    def __init__(
        self, board: Board, rating_ma: tuple[int, int, int], loads_ma: Sequence[int], seed: int
    ) -> None:
        self.board = board
        self.loads_ma = tuple(loads_ma)
        self._random = random.Random(seed)
        circuits = [self._entry(number) for number in range(len(board.circuits))]
        feeder = {"safe_limit_ma": board.safe_limit_ma, "rating_ma": rating_ma}
        self._planning: Any = node_module("planning").Planning(feeder, circuits)
        self._protection: Any = node_module("protection").Protection(feeder, circuits, LIMIT_S)
        self._shedding: Any = node_module("shedding").Shedding(circuits, _TIMING)
        self._steps = self._seq = 0
        self._epoch = 0
        self.current_ma = [0] * len(circuits)
        self._sums_ma = [0] * len(circuits)
        self._highest_ma = [0] * len(circuits)
        self._closed_steps = [0] * len(circuits)
        self._journal: list[Minute] = []

    @property
    def _up_s(self) -> int:
        return self._steps * STEP_MS // 1000

    def step(self) -> None:
        """Half a second: measure, protect, shed, let one come back."""
        self._steps += 1
        up_s, shedding, protection = self._up_s, self._shedding, self._protection
        self._planning.update(up_s)
        self.current_ma = [self._drawn_ma(number) for number in range(len(self.loads_ma))]
        self._sample()
        protection.update(self.current_ma, 0, self._planning.limit_ma, STEP_MS)
        if protection.is_over:
            self._shed()
        wanted = sum(1 << n for n, reason in enumerate(shedding.reason) if reason)
        back = shedding.may_return(
            up_s, protection.load_ma, self._planning.limit_ma, wanted, (1 << 4) - 1
        )
        if back >= 0 and not protection.is_phase_over(back):
            shedding.returned(back, up_s)
            if shedding.trial:
                protection.put_on_trial(back)

    def report(self) -> Report:
        """What it would report now."""
        self._seq += 1
        return Report.model_construct(
            boot=1,
            seq=self._seq,
            epoch=self._epoch,
            limit_ma=tuple(self._planning.limit_ma),
            lease_seq=self._planning.lease_seq,
            up_s=self._up_s,
            minutes=self._minutes(),
            circuits=tuple(self._reading(number) for number in range(len(self.loads_ma))),
        )

    def receive(self, answer: SentAnswer) -> None:
        """Obeys the answer to its newest report, which comes at once."""
        self._epoch = answer.epoch
        self._planning.accept(answer, self._up_s)

    def _sample(self) -> None:
        """For the journal."""
        for number, current_ma in enumerate(self.current_ma):
            self._sums_ma[number] += current_ma
            self._highest_ma[number] = max(self._highest_ma[number], current_ma)
            self._closed_steps[number] += not self._shedding.reason[number]
        if self._steps % _STEPS_A_MINUTE:
            return
        means_ma = [total // _STEPS_A_MINUTE for total in self._sums_ma]
        closed_s = [steps * STEP_MS // 1000 for steps in self._closed_steps]
        minute = self._steps // _STEPS_A_MINUTE - 1
        self._journal.append(Minute(1, minute, *means_ma, *self._highest_ma, *closed_s))
        self._sums_ma = [0] * len(means_ma)
        self._highest_ma = [0] * len(means_ma)
        self._closed_steps = [0] * len(means_ma)

    def _minutes(self) -> tuple[Minute, ...]:
        """Those that no report has told."""
        told, self._journal = self._journal, []
        return tuple(told)

    def _shed(self) -> None:
        shedding, protection = self._shedding, self._protection
        closed = sum(1 << n for n, reason in enumerate(shedding.reason) if not reason)
        may = closed & shedding.sheddable
        own = protection.overloaded & may
        chosen = shedding.choose(protection.excess_ma, self.current_ma, may, own)
        for number, current_ma in enumerate(self.current_ma):
            if chosen & 1 << number:
                shedding.shed(number, "shed_feeder", current_ma, self._up_s)

    def _drawn_ma(self, number: int) -> int:
        if self._shedding.reason[number]:
            return 0
        return round(self.loads_ma[number] * self._random.uniform(1 - _NOISE, 1 + _NOISE))

    def _reading(self, number: int) -> CircuitReading:
        closed = not self._shedding.reason[number]
        reason: Reason = "default" if closed else "shed_feeder"
        return CircuitReading(self.current_ma[number], 20, "ok", int(closed), reason)

    def _entry(self, number: int) -> dict[str, Any]:
        circuit = self.board.circuits[number]
        return {
            **circuit.model_dump(),
            "phase": phase_index(circuit.phase) + 1,
            "price_ceiling_eur_mwh": 3000,
        }
