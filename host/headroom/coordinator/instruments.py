"""What the coordinator counts and times of its own work, in Prometheus' types."""

from collections import defaultdict
from collections.abc import Container, Iterator

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.registry import Collector

from headroom.protocol.messages import Report

# A report takes a sync of the disk: a millisecond on flash, tens on a disk, seconds on a bad one.
_REPORT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_ALLOCATION_S = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1)
# A firmware has some twenty kinds of events. Whoever holds a board's key may send any word, and
# each would be kept for ever.
_MOST_KINDS = 40
_OTHER_KIND = "other"


class Instruments:
    """Counts and durations since this start; iterating gives what a registry takes."""

    def __init__(self) -> None:
        self.report_s = Histogram(
            "headroom_report_duration_seconds",
            "From a report to its answer, refusals among them.",
            buckets=_REPORT_S,
            registry=None,
        )
        self.allocation_s = Histogram(
            "headroom_allocation_duration_seconds",
            "Time to share a feeder's limit out for one answer.",
            buckets=_ALLOCATION_S,
            registry=None,
        )
        self._events = Counter(
            "headroom_board_events",
            "Events received since this start, by kind.",
            ("board", "kind"),
            registry=None,
        )
        self.keeper_failures = Counter(
            "headroom_keeper_failures",
            "Steps of series and retention that failed since this start, and are tried again.",
            registry=None,
        )
        self.keeper_success_unix_s = Gauge(
            "headroom_keeper_last_success_timestamp_seconds",
            "When series and retention were last brought up to date without a failure.",
            registry=None,
        )
        self.retention_lag_s = Gauge(
            "headroom_retention_clock_lag_seconds",
            "How far the time that retention goes by is behind this machine's clock.",
            registry=None,
        )
        self._newest_event: dict[str, tuple[int, int]] = {}
        self._kinds: defaultdict[str, set[str]] = defaultdict(set)

    def __iter__(self) -> Iterator[Collector]:
        kept = (self.keeper_failures, self.keeper_success_unix_s, self.retention_lag_s)
        return iter((self.report_s, self.allocation_s, self._events, *kept))

    def forget_all_but(self, board_ids: Container[str]) -> None:
        """Count nothing any more of boards that are gone."""
        for board_id in [one for one in self._newest_event if one not in board_ids]:
            del self._newest_event[board_id]
            self._kinds.pop(board_id, None)
            self._events.remove_by_labels({"board": board_id})

    def count_events(self, board_id: str, report: Report) -> None:
        """Count what is new: a board sends its events again until it has heard they arrived."""
        newest = self._newest_event.get(board_id, (0, 0))
        for event in report.events:
            if (report.boot, event.n) > newest:
                newest = (report.boot, event.n)
                self._events.labels(board_id, self._kind(board_id, event.kind)).inc()
        self._newest_event[board_id] = newest

    def _kind(self, board_id: str, kind: str) -> str:
        kinds = self._kinds[board_id]
        if len(kinds) < _MOST_KINDS:
            kinds.add(kind)
        return kind if kind in kinds else _OTHER_KIND
