"""Metrics of boards: whether they are heard, what they hold, and how they say they are."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import Metric

from headroom.coordinator.snapshot import BoardView, SiteView
from headroom.phases import PHASES, PhaseMa
from headroom.protocol.messages import Report
from headroom.web.metrics.families import Sample, counter, gauge

_BOARD = ("board",)
_Figures = tuple[tuple[str, str, Callable[[Report], float]], ...]

_GAUGES: _Figures = (
    ("uptime_seconds", "Since the board's start.", lambda report: report.up_s),
    ("heap_free_bytes", "After collection.", lambda report: report.heap_free),
    (
        "tick_longest_seconds",
        "Longest control cycle since the board's start.",
        lambda report: report.tick.longest_ms / 1000,
    ),
)
_COUNTERS: _Figures = (
    ("boots", "Starts of the board.", lambda report: report.boot),
    (
        "ticks_dropped",
        "Control cycles that came too late, since the board's start.",
        lambda report: report.tick.dropped,
    ),
    (
        "answers_refused",
        "Answers that the board refused, and the leases in them, since its start.",
        lambda report: report.refused,
    ),
    (
        "beacons_refused",
        "Beacons forged, old or not of their form, since the board's start.",
        lambda report: report.beacon.refused,
    ),
)


def board_metrics(view: SiteView) -> Iterator[Metric]:
    """Of every board what the coordinator knows; its own word only while it is heard."""
    yield from _known(view.boards)
    heard = [(b, b.live.report) for b in view.boards if b.live and not b.stale]
    yield from _reported(heard)


def _known(boards: Iterable[BoardView]) -> Iterator[Metric]:
    yield gauge(
        "headroom_board_silent",
        "1 if the newest report is too old to be taken for the present, or there is none.",
        _BOARD,
        [((board.board.id,), board.stale) for board in boards],
    )
    yield gauge(
        "headroom_board_report_age_seconds",
        "Newest report.",
        _BOARD,
        [((board.board.id,), board.age_s) for board in boards if board.age_s is not None],
    )
    yield counter(
        "headroom_board_reports",
        "Reports stored.",
        _BOARD,
        [((board.board.id,), board.reports) for board in boards],
    )
    yield gauge(
        "headroom_board_held_amperes",
        "Most that a board may use: its safe limit or any lease it may hold.",
        ("board", "phase"),
        [sample for board in boards for sample in _by_phase(board, board.held_ma)],
    )
    yield gauge(
        "headroom_board_plan_age_seconds",
        "Since the newest plan was made.",
        _BOARD,
        [((b.board.id,), b.plan_age_s) for b in boards if b.plan_age_s is not None],
    )
    yield gauge(
        "headroom_board_plan_acknowledged",
        "1 if the board obeys its newest plan.",
        _BOARD,
        [((board.board.id,), board.plan_acknowledged) for board in boards],
    )


def _reported(heard: list[tuple[BoardView, Report]]) -> Iterator[Metric]:
    yield gauge(
        "headroom_board_info",
        "The board's feeder, firmware and cause of its last start.",
        ("board", "feeder", "version", "reset"),
        [((b.board.id, b.board.feeder, r.fw, r.reset), 1) for b, r in heard],
    )
    yield gauge(
        "headroom_board_limit_amperes",
        "What the board enforces: its lease, else its safe limit.",
        ("board", "phase"),
        [sample for board, report in heard for sample in _by_phase(board, report.limit_ma)],
    )
    yield gauge(
        "headroom_board_journal_lost",
        "Minutes and events that the board lost undelivered.",
        ("board", "what"),
        [((b.board.id, what), n) for b, r in heard for what, n in r.lost._asdict().items()],
    )
    yield gauge(
        "headroom_board_signal_dbm",
        "Strength of the board's Wi-Fi signal.",
        _BOARD,
        [((b.board.id,), r.rssi_dbm) for b, r in heard if r.rssi_dbm is not None],
    )
    for figures, family in ((_GAUGES, gauge), (_COUNTERS, counter)):
        for name, text, of_report in figures:
            samples = [((board.board.id,), of_report(report)) for board, report in heard]
            yield family(f"headroom_board_{name}", text, _BOARD, samples)


def _by_phase(board: BoardView, values_ma: PhaseMa) -> list[Sample]:
    return [
        ((board.board.id, phase), value_ma / 1000)
        for phase, value_ma in zip(PHASES, values_ma, strict=True)
    ]
