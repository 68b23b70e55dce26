"""Series of circuits and feeders, and what is missing of a board's minutes."""

from typing import Self

from headroom.history.gaps import Cause, Gap
from headroom.history.steps import CircuitStep, FeederStep
from headroom.phases import Phase
from headroom.protocol.messages import Reason, SensorState
from headroom.store.series import Reading
from headroom.web.documents.base import BoardId, CircuitNo, Document, FeederId, UnixS


class CircuitPoint(Document):
    """One step of a circuit, `covered_s` of it measured; null where nothing is known."""

    unix_s: UnixS
    mean_ma: int | None
    max_ma: int | None
    closed_s: int | None
    covered_s: int

    @classmethod
    def of(cls, unix_s: int, step: CircuitStep | None) -> Self:
        """Of a step as stored."""
        if step is None:
            return cls(unix_s=unix_s, mean_ma=None, max_ma=None, closed_s=None, covered_s=0)
        return cls(
            unix_s=unix_s,
            mean_ma=step.mean_ma,
            max_ma=step.max_ma,
            closed_s=step.closed_s,
            covered_s=step.covered_s,
        )


class CircuitSeriesDocument(Document):
    """A circuit step by step."""

    board: BoardId
    circuit: CircuitNo
    step_s: int
    points: tuple[CircuitPoint, ...]


class FeederPoint(Document):
    """One step of a feeder phase; `unmeasured` of its circuits are not in the sums.

    `max_ma` is the sum of the circuits' maxima, which need not have been at the same moment.
    """

    unix_s: UnixS
    mean_ma: int | None
    max_ma: int | None
    covered_s: int
    unmeasured: int | None

    @classmethod
    def of(cls, unix_s: int, step: FeederStep | None) -> Self:
        """Of a step as stored."""
        if step is None:
            return cls(unix_s=unix_s, mean_ma=None, max_ma=None, covered_s=0, unmeasured=None)
        return cls(
            unix_s=unix_s,
            mean_ma=step.mean_ma,
            max_ma=step.max_ma,
            covered_s=step.covered_s,
            unmeasured=step.unmeasured,
        )


class FeederSeriesDocument(Document):
    """A feeder phase step by step: uncontrolled load and the circuits behind it.

    Uncontrolled load that a meter tells of counts as the most that it may be.
    """

    feeder: FeederId
    phase: Phase
    step_s: int
    points: tuple[FeederPoint, ...]


class ReadingPoint(Document):
    """A circuit as one report told of it; current_ma is what the board knew last."""

    unix_s: UnixS
    current_ma: int
    sensor: SensorState
    closed: bool
    reason: Reason

    @classmethod
    def of(cls, stored: Reading) -> Self:
        """Of a reading as stored."""
        reading = stored.reading
        return cls(
            unix_s=stored.unix_s,
            current_ma=reading.current_ma,
            sensor=reading.sensor,
            closed=bool(reading.closed),
            reason=reading.reason,
        )


class ReadingsDocument(Document):
    """The readings of a time, oldest first; `next` is the `start` to read on from, or null."""

    board: BoardId
    circuit: CircuitNo
    points: tuple[ReadingPoint, ...]
    next: UnixS | None


class GapDocument(Document):
    """A time of which no journal minute is known, and why; see PROTOCOL.md for the journal."""

    start: UnixS
    end: UnixS
    cause: Cause

    @classmethod
    def of(cls, gap: Gap) -> Self:
        """Of a gap."""
        return cls(start=gap.start_unix_s, end=gap.end_unix_s, cause=gap.cause)


class GapsDocument(Document):
    """What is missing of a board, oldest first."""

    board: BoardId
    gaps: tuple[GapDocument, ...]
