"""Currents over time: of circuits and feeders step by step, raw readings, and what is missing."""

import csv
import io
from collections.abc import Sequence
from typing import Literal

from flask import Blueprint, Response

from headroom.coordinator import Coordinator
from headroom.history.gaps import gaps
from headroom.phases import Phase
from headroom.protocol.messages import UnixS
from headroom.protocol.problems import (
    NO_SUCH_BOARD,
    NO_SUCH_CIRCUIT,
    NO_SUCH_FEEDER,
    NOT_POSSIBLE,
    ProblemError,
)
from headroom.store import arrivals, series
from headroom.store.series import Span, StepS
from headroom.web.documents.base import BoardId, CircuitNo, Document, FeederId
from headroom.web.documents.series import (
    CircuitPoint,
    CircuitSeriesDocument,
    FeederPoint,
    FeederSeriesDocument,
    GapDocument,
    GapsDocument,
    ReadingPoint,
    ReadingsDocument,
)
from headroom.web.known import (
    require_known_board,
    require_known_circuit,
    require_known_feeder,
)
from headroom.web.operations import Query, operation

_DAY_S = 86_400
# Minutes are forgotten every ten minutes; what is gone by then is no gap.
_FORGETTING_S = 3600
# Two days of minutes, a month of quarters.
_MOST_POINTS = 3000
_MOST_READINGS = 1000
_STEP_S: dict[str, StepS] = {"minute": 60, "quarter": 900}
_CIRCUIT = "/boards/<board_id>/circuits/<int:circuit>"
_CSV = "text/csv"


class SpanQuery(Query):
    """A time from `start` up to before `end`; by default the day up to now."""

    start: UnixS | None = None
    end: UnixS | None = None

    def span(self, now_unix_s: float) -> Span:
        """The time that is meant; raises `not-possible`."""
        end = int(now_unix_s) if self.end is None else self.end
        start = max(0, end - _DAY_S) if self.start is None else self.start
        if start >= end:
            raise ProblemError(NOT_POSSIBLE, f"start: {start} is not before end {end}")
        return Span(start, end)


class SeriesQuery(SpanQuery):
    """A time, in steps of a minute or of 15; by default of a minute for up to two days."""

    step: Literal["minute", "quarter"] | None = None

    def step_s(self, span: Span) -> StepS:
        """The length of a step; raises `not-possible` where there would be too many."""
        few = len(span.steps(60)) <= _MOST_POINTS
        step_s = _STEP_S[self.step or ("minute" if few else "quarter")]
        if len(span.steps(step_s)) > _MOST_POINTS:
            way_out = (
                "a shorter time"
                if step_s == _STEP_S["quarter"]
                else "step=quarter or a shorter time"
            )
            raise ProblemError(
                NOT_POSSIBLE,
                f"start, end: {len(span.steps(step_s))} steps, at most {_MOST_POINTS} are told "
                f"at once; ask for {way_out}",
            )
        return step_s


class FeederSeriesQuery(SeriesQuery):
    """A time and a phase."""

    phase: Phase


def series_api(coordinator: Coordinator) -> Blueprint:
    """Routes under /api/v1 for series."""
    api = Blueprint("series", __name__)
    store, clock = coordinator.store, coordinator.clock

    def of_circuit(board_id: str, circuit: int, query: SeriesQuery) -> CircuitSeriesDocument:
        require_known_circuit(coordinator, board_id, circuit)
        span = query.span(clock.unix_s())
        step_s = query.step_s(span)
        with store.read() as db:
            steps = series.circuit_series(db, board_id, circuit, span, step_s)
        points = tuple(CircuitPoint.of(*step) for step in steps)
        return CircuitSeriesDocument(board=board_id, circuit=circuit, step_s=step_s, points=points)

    def of_feeder(feeder_id: str, query: FeederSeriesQuery) -> FeederSeriesDocument:
        require_known_feeder(coordinator, feeder_id)
        span = query.span(clock.unix_s())
        step_s = query.step_s(span)
        with store.read() as db:
            steps = series.feeder_series(db, feeder_id, query.phase, span, step_s)
        points = tuple(FeederPoint.of(*step) for step in steps)
        return FeederSeriesDocument(
            feeder=feeder_id, phase=query.phase, step_s=step_s, points=points
        )

    @api.get(f"{_CIRCUIT}/series")
    @operation("read", NO_SUCH_BOARD, NO_SUCH_CIRCUIT, NOT_POSSIBLE)
    def circuit_series(
        board_id: BoardId, circuit: CircuitNo, query: SeriesQuery
    ) -> CircuitSeriesDocument:
        """Mean and highest current and closed time of a circuit, step by step."""
        return of_circuit(board_id, circuit, query)

    @api.get(f"{_CIRCUIT}/series.csv")
    @operation("read", NO_SUCH_BOARD, NO_SUCH_CIRCUIT, NOT_POSSIBLE, media=(_CSV,))
    def circuit_series_csv(board_id: BoardId, circuit: CircuitNo, query: SeriesQuery) -> Response:
        """The same as a table; a field is empty where nothing is known."""
        return _table(CircuitPoint, of_circuit(board_id, circuit, query).points)

    @api.get("/feeders/<feeder_id>/series")
    @operation("read", NO_SUCH_FEEDER, NOT_POSSIBLE)
    def feeder_series(feeder_id: FeederId, query: FeederSeriesQuery) -> FeederSeriesDocument:
        """Mean and highest current of a feeder phase, step by step."""
        return of_feeder(feeder_id, query)

    @api.get("/feeders/<feeder_id>/series.csv")
    @operation("read", NO_SUCH_FEEDER, NOT_POSSIBLE, media=(_CSV,))
    def feeder_series_csv(feeder_id: FeederId, query: FeederSeriesQuery) -> Response:
        """The same as a table; a field is empty where nothing is known."""
        return _table(FeederPoint, of_feeder(feeder_id, query).points)

    @api.get(f"{_CIRCUIT}/readings")
    @operation("read", NO_SUCH_BOARD, NO_SUCH_CIRCUIT, NOT_POSSIBLE)
    def readings(board_id: BoardId, circuit: CircuitNo, query: SpanQuery) -> ReadingsDocument:
        """A circuit as each report told of it, as long as whole reports are kept."""
        require_known_circuit(coordinator, board_id, circuit)
        span = query.span(clock.unix_s())
        with store.read() as db:
            found, rest = series.readings(db, board_id, circuit, span, _MOST_READINGS)
        points = tuple(map(ReadingPoint.of, found))
        return ReadingsDocument(board=board_id, circuit=circuit, points=points, next=rest)

    @api.get("/boards/<board_id>/gaps")
    @operation("read", NO_SUCH_BOARD, NOT_POSSIBLE)
    def board_gaps(board_id: BoardId, query: SpanQuery) -> GapsDocument:
        """Which journal minutes of a board are missing, and why; as long as minutes are kept."""
        require_known_board(coordinator, board_id)
        now_unix_s = int(clock.unix_s())
        kept_s = coordinator.site.retention.minutes_days * _DAY_S - _FORGETTING_S
        span = query.span(now_unix_s).since(now_unix_s - kept_s)
        with store.read() as db:
            boots = arrivals.boots_of(db, board_id, span.start_unix_s)
            minutes = arrivals.minute_numbers(db, board_id, boots)
        found = gaps(boots, minutes, now_unix_s)
        inside = (gap for gap in found if span.overlaps(gap.start_unix_s, gap.end_unix_s))
        return GapsDocument(board=board_id, gaps=tuple(map(GapDocument.of, inside)))

    return api


def _table(form: type[Document], points: Sequence[Document]) -> Response:
    text = io.StringIO()
    table = csv.DictWriter(text, list(form.model_fields))
    table.writeheader()
    table.writerows(point.model_dump() for point in points)
    return Response(text.getvalue(), mimetype=_CSV)
