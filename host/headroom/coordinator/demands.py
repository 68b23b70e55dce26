"""What boards ask for, made of their reports and of what is remembered of each circuit."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from headroom.allocation.board_rule import lets_in_ma
from headroom.allocation.claims import FIRST, Claim, Demand, Rank
from headroom.coordinator.configured import Configured
from headroom.coordinator.live import STALE_INTERVALS
from headroom.coordinator.readings import drawn_ma, is_waiting, pairs
from headroom.phases import by_phase, phase_index
from headroom.protocol.messages import MEASURED, CircuitReading, Report
from headroom.site import Board, Circuit

# Loads vary by about a fifth around their mean within a report interval.
_VARYING_DIV = 5
# Readings of a load that goes on as it did: half of what its claim has to spare.
_STEADY_DIV = 50
# How long the highest current of a circuit is remembered.
_PEAK_S = 900.0

# A relay closed for less, in whole seconds, says too little of the mean while it was.
_LONG_S = 10


@dataclass
class _Memory:
    """Of one circuit: its current, its highest of late, and since when it waits."""

    level_ma: int = 0
    peak_ma: int = 0
    peak_s: float = 0.0
    waits_since_s: float | None = None
    runs_since_s: float = -math.inf

    def drew(self, current_ma: int, now_s: float) -> None:
        """Its relay was closed, and that was measured."""
        if current_ma >= self.peak_ma or now_s - self.peak_s > _PEAK_S:
            self.peak_ma, self.peak_s = current_ma, now_s

    def learn(self, circuit: Circuit, reading: CircuitReading, now_s: float) -> None:
        """What the newest report says of it."""
        if reading.closed and reading.sensor in MEASURED:
            self.drew(reading.current_ma, now_s)
        current_ma = drawn_ma(circuit, reading)
        if abs(current_ma - self.level_ma) * _STEADY_DIV > self.level_ma:
            self.level_ma = current_ma
        if not is_waiting(reading):
            if self.waits_since_s is not None:
                self.runs_since_s = now_s
            self.waits_since_s = None
        elif self.waits_since_s is None:
            self.waits_since_s = now_s


@dataclass(frozen=True)
class _Heard:
    board: Board
    report: Report
    received_s: float

    def is_stale(self, now_s: float) -> bool:
        return now_s - self.received_s > STALE_INTERVALS * self.board.report_s


class Demands:
    """The newest report of every board, as demands of those that are not silent.

    `expected_ma`: the highest current that a circuit may draw soon by forecast, by board and
    circuit; what is not in it is not known.
    """

    def __init__(self) -> None:
        self.expected_ma: Mapping[tuple[str, int], int] = {}
        self._heard: dict[str, _Heard] = {}
        self._memories: defaultdict[tuple[str, int], _Memory] = defaultdict(_Memory)

    def learn(self, board: Board, report: Report, received_s: float) -> None:
        """Take in a board's newest report."""
        self._heard[board.id] = _Heard(board, report, received_s)
        self._learn_minutes(board, report, received_s)
        for number, (circuit, reading) in enumerate(pairs(board, report)):
            self._memory(board, number).learn(circuit, reading, received_s)

    def _learn_minutes(self, board: Board, report: Report, received_s: float) -> None:
        """What ran for so short a time that no report told: a trial, a load shed at the start."""
        for minute in report.minutes:
            age_s = report.up_s - 60 * (minute.minute + 1)
            if minute.boot != report.boot or not 0 <= age_s < _PEAK_S:
                continue
            for number, circuit in enumerate(minute.by_circuit()):
                if current_ma := _while_closed_ma(*circuit):
                    self._memory(board, number).drew(current_ma, received_s - age_s)

    def change_boards(self, configured: Configured) -> None:
        """Boards may have other priorities now, other circuits, or be gone."""
        for board_id, heard in list(self._heard.items()):
            board = configured.board_of(board_id, len(heard.report.circuits))
            if board is None:
                del self._heard[board_id]
            else:
                self._heard[board_id] = replace(heard, board=board)

    def now(self, now_s: float, boards: Iterable[str]) -> dict[str, Demand]:
        """By board; silent boards ask for nothing."""
        return {
            board_id: self._demand(heard, now_s)
            for board_id in boards
            if (heard := self._heard.get(board_id)) and not heard.is_stale(now_s)
        }

    def _demand(self, heard: _Heard, now_s: float) -> Demand:
        board = heard.board
        numbered = list(enumerate(pairs(board, heard.report)))
        claims = (self._claim(board, n, pair, now_s) for n, pair in numbered)
        varying = (
            (circuit.phase, self._varying_ma(board, number, reading))
            for number, (circuit, reading) in numbered
        )
        most = ((circuit.phase, lets_in_ma(circuit.limit_ma)) for circuit in board.circuits)
        asked = tuple(claim for claim in claims if claim.current_ma)
        return Demand(asked, by_phase(varying), by_phase(most))

    def _claim(
        self, board: Board, number: int, pair: tuple[Circuit, CircuitReading], now_s: float
    ) -> Claim:
        circuit, reading = pair
        memory = self._memory(board, number)
        phase, rank = phase_index(circuit.phase), _rank(board, circuit, reading)
        if is_waiting(reading):
            current_ma = memory.peak_ma or circuit.rated_ma
            waited_s = now_s - (memory.waits_since_s or now_s)
            known = memory.peak_ma > 0
            return Claim(number, phase, rank, current_ma, waited_s, running=False, known=known)
        ran_s, known = now_s - memory.runs_since_s, reading.sensor in MEASURED
        return Claim(number, phase, rank, memory.level_ma, ran_s=ran_s, known=known)

    def _varying_ma(self, board: Board, number: int, reading: CircuitReading) -> int:
        """What a circuit that runs may draw more: a fifth, or what it drew a while ago, or what
        is expected of it.
        """
        memory = self._memory(board, number)
        if not reading.closed:
            return 0
        highest_ma = max(memory.peak_ma, self.expected_ma.get((board.id, number), 0))
        return max(memory.level_ma // _VARYING_DIV, highest_ma - memory.level_ma)

    def _memory(self, board: Board, number: int) -> _Memory:
        return self._memories[board.id, number]


def _while_closed_ma(mean_ma: int, max_ma: int, closed_s: int) -> int:
    """What a circuit drew: its mean was taken over all of a minute, its highest is an inrush."""
    return mean_ma * 60 // closed_s if closed_s >= _LONG_S else max_ma


def _rank(board: Board, circuit: Circuit, reading: CircuitReading) -> Rank:
    welded = not reading.closed and reading.sensor in MEASURED and reading.current_ma > 0
    if circuit.kind == "critical" or welded:
        return FIRST
    return (board.priority, circuit.priority)
