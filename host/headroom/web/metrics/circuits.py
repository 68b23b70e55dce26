"""Metrics of circuits: current, relay with its reason, sensor."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from headroom.coordinator.snapshot import BoardView, CircuitView, SiteView
from headroom.protocol.messages import MEASURED, CircuitReading
from headroom.web.metrics.families import gauge

_LABELS = ("board", "circuit", "name", "phase")


def circuit_metrics(view: SiteView) -> Iterator[Metric]:
    """Of every circuit its limit; the rest of those whose board is heard."""
    circuits = [(_values(board, c), c) for board in view.boards for c in board.circuits]
    yield gauge(
        "headroom_circuit_limit_amperes",
        "Most current wanted.",
        _LABELS,
        [(values, circuit.circuit.limit_ma / 1000) for values, circuit in circuits],
    )
    yield from _reading_metrics(list(_readings(view)))


def _reading_metrics(readings: list[tuple[tuple[str, ...], CircuitReading]]) -> Iterator[Metric]:
    yield gauge(
        "headroom_circuit_current_amperes",
        "RMS current.",
        _LABELS,
        [(values, r.current_ma / 1000) for values, r in readings if r.sensor in MEASURED],
    )
    yield gauge(
        "headroom_circuit_relay_closed",
        "1 if commanded closed.",
        _LABELS,
        [(values, reading.closed) for values, reading in readings],
    )
    yield gauge(
        "headroom_circuit_reason_info",
        "Why the relay is as it is.",
        (*_LABELS, "reason"),
        [((*values, reading.reason), 1) for values, reading in readings],
    )
    yield gauge(
        "headroom_circuit_sensor_info",
        "1 for the state of the sensor; measured is what is below_range, ok, saturated or spiky.",
        (*_LABELS, "state"),
        [((*values, reading.sensor), 1) for values, reading in readings],
    )


def _readings(view: SiteView) -> Iterator[tuple[tuple[str, ...], CircuitReading]]:
    """Label values and reading of each circuit whose board is heard."""
    for board in view.boards:
        for circuit in board.circuits:
            if circuit.reading and not board.stale:
                yield _values(board, circuit), circuit.reading


def _values(board: BoardView, circuit: CircuitView) -> tuple[str, ...]:
    return (
        board.board.id,
        str(circuit.number),
        circuit.circuit.name,
        circuit.circuit.phase,
    )
