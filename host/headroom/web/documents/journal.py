"""What boards told: events, minutes and whole reports."""

from typing import Self

from headroom.protocol.messages import Report
from headroom.site import Site
from headroom.store.boards import StoredReport, read_stored
from headroom.store.events import StoredEvent
from headroom.store.journal import StoredMinute
from headroom.web.documents.base import BoardId, Document, UnixS
from headroom.web.words import event_text


class EventDocument(Document):
    """Something that happened on a board; circuit null if it was not on one."""

    id: int
    board: BoardId
    boot: int
    n: int
    kind: str
    circuit: int | None
    circuit_name: str | None
    value: int
    text: str
    unix_s: UnixS

    @classmethod
    def of(cls, stored: StoredEvent, site: Site) -> Self:
        """Of an event, with the name of its circuit."""
        event = stored.event
        board = site.board(stored.board)
        named = board is not None and 0 <= event.circuit < len(board.circuits)
        return cls(
            id=stored.id,
            board=stored.board,
            boot=stored.boot,
            n=event.n,
            kind=event.kind,
            circuit=event.circuit if event.circuit >= 0 else None,
            circuit_name=board.circuits[event.circuit].name if board and named else None,
            value=event.value,
            text=event_text(event),
            unix_s=stored.happened_unix_s,
        )


class EventsDocument(Document):
    """Events in the order in which they came in; `next` is the cursor to read on from."""

    events: tuple[EventDocument, ...]
    next: int


class MinuteDocument(Document):
    """A journal minute of four circuits; unix_s null while its boot is not dated."""

    boot: int
    minute: int
    unix_s: UnixS | None
    mean_ma: tuple[int, int, int, int]
    max_ma: tuple[int, int, int, int]
    closed_s: tuple[int, int, int, int]

    @classmethod
    def of(cls, stored: StoredMinute) -> Self:
        """Of a minute as stored."""
        values = stored.minute
        return cls(
            boot=values.boot,
            minute=values.minute,
            unix_s=stored.began_unix_s,
            mean_ma=values[2:6],
            max_ma=values[6:10],
            closed_s=values[10:14],
        )


class MinutesDocument(Document):
    """Minutes of a board in their order; read on after the last one's boot and minute."""

    minutes: tuple[MinuteDocument, ...]


class ReportDocument(Document):
    """A report as it came, see PROTOCOL.md, and when; null if only an earlier release reads it."""

    id: int
    received_unix_s: UnixS
    report: Report | None

    @classmethod
    def of(cls, stored: StoredReport) -> Self:
        """Of a report as stored."""
        report = read_stored(stored.body)
        return cls(id=stored.id, received_unix_s=stored.received_unix_s, report=report)


class ReportsDocument(Document):
    """Reports of a board, newest first; `next` is the `before` to read on with, or null."""

    reports: tuple[ReportDocument, ...]
    next: int | None
