"""What boards ask for, made of their reports and of what is remembered of each circuit."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from headroom.allocation.share import FIRST, Claim, Demand, Rank
from headroom.coordinator.live import STALE_INTERVALS
from headroom.coordinator.readings import drawn_ma, is_waiting, measured_ma, pairs
from headroom.phases import PhaseMa, by_phase, phase_index
from headroom.protocol.messages import MEASURED, CircuitReading, Report
from headroom.site import Board, Circuit

# A load that runs needs little more than it was measured with; a board lets one back in only where
# everything fits into 95 % of the limit.
_RUNS_NUM, _RUNS_DEN = 26, 25
_FITS_NUM, _FITS_DEN = 20, 19
# Loads vary by about a fifth around their mean within a report interval.
_VARYING_DIV = 5
# How long the highest current of a circuit is remembered.
_PEAK_S = 900.0

# (board, circuit) -> the highest current expected of it while the next lease runs, 0 = not known.
Forecast = Callable[[str, int], int]


def nothing_expected(_board: str, _circuit: int) -> int:
    """Without a forecast needs are what is measured."""
    return 0


@dataclass
class _Memory:
    """Of one circuit: its highest current of late, and since when it waits."""

    peak_ma: int = 0
    peak_s: float = 0.0
    waits_since_s: float | None = None

    def learn(self, reading: CircuitReading, now_s: float) -> None:
        known = reading.closed and reading.sensor in MEASURED
        if known and (reading.current_ma >= self.peak_ma or now_s - self.peak_s > _PEAK_S):
            self.peak_ma, self.peak_s = reading.current_ma, now_s
        if not is_waiting(reading):
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
    """The newest report of every board, as demands of those that are not silent."""

    def __init__(self, forecast: Forecast = nothing_expected) -> None:
        self._forecast = forecast
        self._heard: dict[str, _Heard] = {}
        self._memories: defaultdict[tuple[str, int], _Memory] = defaultdict(_Memory)

    def learn(self, board: Board, report: Report, received_s: float) -> None:
        """Take in a board's newest report."""
        self._heard[board.id] = _Heard(board, report, received_s)
        for number, reading in enumerate(report.circuits):
            self._memory(board, number).learn(reading, received_s)

    def change_board(self, board: Board) -> None:
        """Its priorities are others now; its circuits are the same."""
        if board.id in self._heard:
            self._heard[board.id] = replace(self._heard[board.id], board=board)

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
        flows_ma = measured_ma(board, heard.report)
        claims = (self._claim(board, n, pair, flows_ma, now_s) for n, pair in numbered)
        varying = (
            (circuit.phase, self._varying_ma(board, number, reading))
            for number, (circuit, reading) in numbered
        )
        most = ((circuit.phase, _fitting_ma(circuit.limit_ma)) for circuit in board.circuits)
        asked = tuple(claim for claim in claims if claim.amount_ma)
        return Demand(asked, by_phase(varying), by_phase(most))

    def _claim(
        self,
        board: Board,
        number: int,
        pair: tuple[Circuit, CircuitReading],
        flows_ma: PhaseMa,
        now_s: float,
    ) -> Claim:
        circuit, reading = pair
        memory = self._memory(board, number)
        phase, rank = phase_index(circuit.phase), _rank(board, circuit, reading)
        expected_ma = self._forecast(board.id, number)
        if is_waiting(reading):
            amount_ma = max(memory.peak_ma or circuit.rated_ma, expected_ma)
            room_ma = _fitting_ma(flows_ma[phase]) - _running_ma(flows_ma[phase])
            return Claim(
                number,
                phase,
                rank,
                _fitting_ma(amount_ma) + max(0, room_ma),
                waited_s=now_s - (memory.waits_since_s or now_s),
                running=False,
                divisible=rank == FIRST or not memory.peak_ma,
            )
        amount_ma = max(drawn_ma(circuit, reading), expected_ma)
        divisible = rank == FIRST or reading.sensor not in MEASURED
        return Claim(number, phase, rank, _running_ma(amount_ma), divisible=divisible)

    def _varying_ma(self, board: Board, number: int, reading: CircuitReading) -> int:
        """What a circuit that runs may draw more: a fifth, or what it drew a while ago."""
        if not reading.closed:
            return 0
        peak_ma = self._memory(board, number).peak_ma
        return max(reading.current_ma // _VARYING_DIV, peak_ma - reading.current_ma)

    def _memory(self, board: Board, number: int) -> _Memory:
        return self._memories[board.id, number]


def _running_ma(current_ma: int) -> int:
    """The limit under which a current of that size goes on."""
    return -(-current_ma * _RUNS_NUM // _RUNS_DEN)


def _fitting_ma(current_ma: int) -> int:
    """The limit under which a board lets a current of that size in."""
    return -(-current_ma * _FITS_NUM // _FITS_DEN)


def _rank(board: Board, circuit: Circuit, reading: CircuitReading) -> Rank:
    welded = not reading.closed and reading.sensor in MEASURED and reading.current_ma > 0
    if circuit.kind == "critical" or welded:
        return FIRST
    return (board.priority, circuit.priority)
