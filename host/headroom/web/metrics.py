"""The site as Prometheus metrics, read from the coordinator at each scrape.

A value that is not known now has no sample: a stale board keeps only its age.
"""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from headroom.coordinator import Coordinator
from headroom.coordinator.snapshot import BoardView, CircuitView, FeederView, SiteView
from headroom.phases import PHASES, PhaseMa, phase_index
from headroom.protocol.messages import MEASURED

_Sample = tuple[tuple[str, ...], float]


def site_registry(coordinator: Coordinator) -> CollectorRegistry:
    """A registry of its own, so that several coordinators can live in one process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_SiteCollector(coordinator))
    return registry


class _SiteCollector(Collector):
    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator

    def describe(self) -> Iterable[Metric]:
        # Registering must not read the store.
        return ()

    def collect(self) -> Iterator[Metric]:
        view = self._coordinator.view()
        yield from _circuit_metrics(view)
        yield from _feeder_metrics(view)
        yield from _board_metrics(view)
        yield _counter(
            "headroom_report_refusals",
            "Reports refused since this start, by problem.",
            ("reason",),
            [((reason,), count) for reason, count in view.refusals],
        )
        yield _gauge("headroom_epoch", "Term of this coordinator.", (), [((), view.epoch)])


def _circuit_metrics(view: SiteView) -> Iterator[Metric]:
    labels = ("board", "circuit", "name", "phase")
    circuits = [(board, circuit) for board in view.boards for circuit in board.circuits]
    current = [
        (_labels(board, circuit), circuit.reading.current_ma / 1000)
        for board, circuit in circuits
        if circuit.reading and not board.stale and circuit.reading.sensor in MEASURED
    ]
    limit = [(_labels(b, c), c.circuit.limit_ma / 1000) for b, c in circuits]
    closed = [
        (_labels(b, c), float(c.reading.closed)) for b, c in circuits if c.reading and not b.stale
    ]
    reasons = [
        ((*_labels(b, c), c.reading.reason), 1.0) for b, c in circuits if c.reading and not b.stale
    ]
    yield _gauge(
        "headroom_circuit_reason_info",
        "Why the relay is as it is.",
        (*labels, "reason"),
        reasons,
    )
    yield _gauge("headroom_circuit_current_amperes", "RMS current.", labels, current)
    yield _gauge("headroom_circuit_limit_amperes", "Most current wanted.", labels, limit)
    yield _gauge("headroom_circuit_relay_closed", "1 if commanded closed.", labels, closed)
    sensors = [
        ((*_labels(b, c), c.reading.sensor), 1.0) for b, c in circuits if c.reading and not b.stale
    ]
    yield _gauge(
        "headroom_circuit_sensor_info",
        "1 for the state of the sensor; the current is measured in ok, below_range, saturated.",
        (*labels, "state"),
        sensors,
    )


def _feeder_metrics(view: SiteView) -> Iterator[Metric]:
    labels = ("feeder", "phase")
    current = [s for f in view.feeders for s in _per_phase(f, f.current_ma)]
    silent = [s for f in view.feeders for s in _per_phase(f, f.silent_ma)]
    limit = [s for f in view.feeders for s in _per_phase(f, f.feeder.limit_ma)]
    committed = [s for f in view.feeders for s in _per_phase(f, f.committed_ma)]
    yield _gauge(
        "headroom_feeder_current_amperes",
        "Measured and uncontrolled current.",
        labels,
        current,
    )
    yield _gauge(
        "headroom_feeder_silent_amperes",
        "Most that boards gone silent may use on top.",
        labels,
        silent,
    )
    yield _gauge("headroom_feeder_limit_amperes", "Most current wanted.", labels, limit)
    yield _gauge(
        "headroom_feeder_committed_amperes",
        "Uncontrolled load and all that boards may use by right.",
        labels,
        committed,
    )


def _board_metrics(view: SiteView) -> Iterator[Metric]:
    boards = view.boards
    leases = [
        ((board.board.id, phase), held / 1000)
        for board in boards
        for phase, held in zip(PHASES, board.held_ma, strict=True)
    ]
    ages = [((board.board.id,), board.age_s) for board in boards if board.age_s is not None]
    reports = [((board.board.id,), board.reports) for board in boards]
    lost = [
        ((board.board.id, what), count)
        for board in boards
        if board.live
        for what, count in board.live.report.lost._asdict().items()
    ]
    yield _gauge(
        "headroom_board_held_amperes",
        "Most that a board may use: its safe limit or any lease it may hold.",
        ("board", "phase"),
        leases,
    )
    yield _gauge("headroom_board_report_age_seconds", "Newest report.", ("board",), ages)
    refused = [
        ((board.board.id,), board.live.report.beacon.refused) for board in boards if board.live
    ]
    yield _counter(
        "headroom_board_beacons_refused",
        "Beacons forged, old or not of their form, since the board's start.",
        ("board",),
        refused,
    )
    yield _counter("headroom_board_reports", "Reports stored.", ("board",), reports)
    yield _gauge(
        "headroom_board_journal_lost",
        "Minutes and events that the board lost undelivered, as its newest report says.",
        ("board", "what"),
        lost,
    )


def _labels(board: BoardView, circuit: CircuitView) -> tuple[str, ...]:
    return (
        board.board.id,
        str(circuit.number),
        circuit.circuit.name,
        circuit.circuit.phase,
    )


def _per_phase(view: FeederView, values: PhaseMa) -> list[_Sample]:
    return [
        ((view.feeder.id, phase), values[phase_index(phase)] / 1000)
        for phase in view.feeder.phases
    ]


def _gauge(name: str, text: str, labels: tuple[str, ...], samples: Iterable[_Sample]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _counter(name: str, text: str, labels: tuple[str, ...], samples: Iterable[_Sample]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family
