"""What a report says about currents, seen from the safe side; pure."""

from collections.abc import Iterable

from headroom.phases import PhaseMa, by_phase
from headroom.protocol.messages import MEASURED, CircuitReading, Report
from headroom.site import Board, Circuit

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


def surely_drawn_ma(circuit: Circuit, reading: CircuitReading) -> int | None:
    """Current that flows at least; None where nobody knows."""
    if reading.sensor == "spiky":
        return reading.current_ma * 100 // (100 + circuit.spiky_percent)
    if reading.sensor in MEASURED:
        return reading.current_ma
    return None if reading.closed or reading.current_ma else 0


def measured_ma(board: Board, report: Report) -> PhaseMa:
    """Current of a board on each phase."""
    return by_phase(
        (circuit.phase, drawn_ma(circuit, reading)) for circuit, reading in pairs(board, report)
    )


def is_waiting(reading: CircuitReading) -> bool:
    """Whether a circuit is open only because it had no room."""
    return not reading.closed and reading.reason in _WAITING


def pairs(board: Board, report: Report) -> Iterable[tuple[Circuit, CircuitReading]]:
    """Each circuit with what is reported of it."""
    return zip(board.circuits, report.circuits, strict=True)
