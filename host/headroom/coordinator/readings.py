"""What a report says about currents, seen from the safe side; pure."""

from collections.abc import Iterable

from headroom.phases import PHASES, Phase, PhaseMa
from headroom.protocol.messages import MEASURED, CircuitReading, Report
from headroom.site import Board, Circuit

# Loads vary by about a fifth around their mean within a report interval.
_NEED_NUM, _NEED_DEN = 6, 5
# A circuit that is open for one of these would draw current again if it had room.
_WAITING = ("shed_feeder", "hold")


def drawn_ma(circuit: Circuit, reading: CircuitReading) -> int:
    """Current to reckon with: never less than measured, the rated current if it is not known."""
    if reading.sensor == "saturated":
        return max(reading.current_ma, circuit.rated_ma)
    if reading.sensor in MEASURED:
        return reading.current_ma
    # Of an open relay a board without a reading tells 0, or the rated current if it has welded.
    return circuit.rated_ma if reading.closed else reading.current_ma


def measured_ma(board: Board, report: Report) -> PhaseMa:
    """Current of a board on each phase."""
    return _by_phase(
        (circuit.phase, drawn_ma(circuit, reading)) for circuit, reading in _pairs(board, report)
    )


def needed_ma(board: Board, report: Report) -> PhaseMa:
    """What a board could use on each phase: its current with a margin, and what waits."""
    return _by_phase(
        (circuit.phase, _need_ma(circuit, reading)) for circuit, reading in _pairs(board, report)
    )


def _need_ma(circuit: Circuit, reading: CircuitReading) -> int:
    if not reading.closed and reading.reason in _WAITING:
        return circuit.rated_ma
    return drawn_ma(circuit, reading) * _NEED_NUM // _NEED_DEN


def _pairs(board: Board, report: Report) -> Iterable[tuple[Circuit, CircuitReading]]:
    return zip(board.circuits, report.circuits, strict=True)


def _by_phase(currents: Iterable[tuple[Phase, int]]) -> PhaseMa:
    sums = dict.fromkeys(PHASES, 0)
    for phase, current in currents:
        sums[phase] += current
    return (sums["L1"], sums["L2"], sums["L3"])
