"""What happened: events, minutes and reports, a page at a time."""

from typing import Annotated

from flask import Blueprint
from pydantic import Field

from headroom.coordinator import Coordinator
from headroom.protocol.messages import MAX_CIRCUITS, MAX_COUNT, UnixS
from headroom.protocol.problems import NO_SUCH_BOARD
from headroom.store import boards, journal
from headroom.store.events import Wanted, events_after, events_before
from headroom.web.documents.base import BoardId, Text
from headroom.web.documents.journal import (
    EventDocument,
    EventsDocument,
    MinuteDocument,
    MinutesDocument,
    ReportDocument,
    ReportsDocument,
)
from headroom.web.known import require_known_board
from headroom.web.operations import Query, operation

_MOST_ROWS = 500
# A report is up to 1.5 KiB, and more once it is spelled out.
_MOST_REPORTS = 100
# What both databases hold as an integer.
_Cursor = Annotated[int, Field(ge=0, le=2**63 - 1)]


class EventsQuery(Query):
    """Which events, and from which cursor on: `after` reads forward, `before` back in time."""

    after: _Cursor = 0
    before: _Cursor | None = None
    limit: Annotated[int, Field(ge=1, le=_MOST_ROWS)] = _MOST_ROWS
    board: BoardId | None = None
    circuit: Annotated[int, Field(ge=0, lt=MAX_CIRCUITS)] | None = None
    kind: Annotated[Text, Field(max_length=24)] | None = None
    start: UnixS | None = None
    end: UnixS | None = None

    @property
    def wanted(self) -> Wanted:
        """What the store is asked for."""
        return Wanted(self.board, self.circuit, self.kind, self.start, self.end)


class MinutesQuery(Query):
    """Minutes after the one named."""

    after_boot: Annotated[int, Field(ge=0, le=MAX_COUNT)] = 0
    after_minute: Annotated[int, Field(ge=-1, le=MAX_COUNT)] = -1


class ReportsQuery(Query):
    """Reports before the one of a cursor; without one the newest."""

    before: _Cursor = 2**63 - 1
    limit: Annotated[int, Field(ge=1, le=_MOST_REPORTS)] = 20


def history_api(coordinator: Coordinator) -> Blueprint:
    """Routes under /api/v1 that tell of the past."""
    api = Blueprint("history", __name__)
    store = coordinator.store

    @api.get("/events")
    @operation("read")
    def events(query: EventsQuery) -> EventsDocument:
        """Events oldest first, or newest first with `before`; `next` is the cursor to read on."""
        wanted, limit = query.wanted, query.limit
        cursor = query.after if query.before is None else query.before
        with store.read() as db:
            read = events_after if query.before is None else events_before
            rows = read(db, cursor, limit, wanted)
        found = tuple(EventDocument.of(row, coordinator.site) for row in rows)
        return EventsDocument(events=found, next=rows[-1].id if rows else cursor)

    @api.get("/boards/<board_id>/minutes")
    @operation("read", NO_SUCH_BOARD)
    def minutes(board_id: BoardId, query: MinutesQuery) -> MinutesDocument:
        """The journal of a board, 500 minutes at a time."""
        require_known_board(coordinator, board_id)
        after = (query.after_boot, query.after_minute)
        with store.read() as db:
            rows = journal.minutes_of(db, board_id, after, _MOST_ROWS)
        return MinutesDocument(minutes=tuple(map(MinuteDocument.of, rows)))

    @api.get("/boards/<board_id>/reports")
    @operation("read", NO_SUCH_BOARD)
    def reports(board_id: BoardId, query: ReportsQuery) -> ReportsDocument:
        """The newest reports of a board as they came, newest first."""
        require_known_board(coordinator, board_id)
        with store.read() as db:
            rows = boards.reports_before(db, board_id, query.before, query.limit)
        full = len(rows) == query.limit
        found = tuple(map(ReportDocument.of, rows))
        return ReportsDocument(reports=found, next=rows[-1].id if full else None)

    return api
