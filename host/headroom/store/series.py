"""Series of circuits and feeders in steps of a minute and of 15 minutes, and the raw readings.

Every step that was asked for is in an answer; one of which nothing is known is None.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeVar, get_args

from sqlalchemy import Column, Connection, Select, Table, case, cast, func, literal, select
from sqlalchemy.sql.elements import ColumnElement

from headroom.history.steps import (
    MINUTE_S,
    QUARTER_S,
    CircuitStep,
    FeederStep,
    UncontrolledStep,
)
from headroom.phases import Phase
from headroom.protocol.messages import CircuitReading
from headroom.store import rows
from headroom.store.boards import read_stored
from headroom.store.tables import Int, circuit_steps, feeder_steps, reports, uncontrolled_steps

StepS = Literal[60, 900]
STEPS_S: tuple[StepS, ...] = get_args(StepS)
T = TypeVar("T", CircuitStep, FeederStep)
# More are not named one by one: the database reads all of that time at once.
_FEW_BOARDS = 500
# One step: when it begins, and what is known of it.
Steps = list[tuple[int, T | None]]


@dataclass(frozen=True)
class Span:
    """From `start_unix_s` up to before `end_unix_s`."""

    start_unix_s: int
    end_unix_s: int

    def steps(self, step_s: StepS) -> range:
        """The beginnings of all steps that have a part in it."""
        return range(self.start_unix_s - self.start_unix_s % step_s, self.end_unix_s, step_s)

    def since(self, unix_s: int) -> "Span":
        """What of it is not before that."""
        return Span(max(self.start_unix_s, unix_s), self.end_unix_s)

    def overlaps(self, start_unix_s: int, end_unix_s: int) -> bool:
        """Whether a time has a part in it."""
        return max(self.start_unix_s, start_unix_s) < min(self.end_unix_s, end_unix_s)


class Reading(NamedTuple):
    """One circuit as a report told of it."""

    unix_s: int
    reading: CircuitReading


def circuit_series(
    db: Connection, board: str, circuit: int, span: Span, step_s: StepS
) -> Steps[CircuitStep]:
    """Mean, highest current and closed time of a circuit, step by step."""
    of_circuit = (circuit_steps.c.board == board) & (circuit_steps.c.circuit == circuit)
    found = _steps(db, circuit_steps, of_circuit, span, step_s)
    by_time = {row.unix_s: CircuitStep(*row) for row in found}
    return [(unix_s, by_time.get(unix_s)) for unix_s in span.steps(step_s)]


def feeder_series(
    db: Connection, feeder: str, phase: Phase, span: Span, step_s: StepS
) -> Steps[FeederStep]:
    """Mean and highest current of a feeder phase, step by step."""
    of_feeder = (feeder_steps.c.feeder == feeder) & (feeder_steps.c.phase == phase)
    found = _steps(db, feeder_steps, of_feeder, span, step_s)
    by_time = {row.unix_s: FeederStep(*row) for row in found}
    return [(unix_s, by_time.get(unix_s)) for unix_s in span.steps(step_s)]


def readings(
    db: Connection, board: str, circuit: int, span: Span, most: int
) -> tuple[list[Reading], int | None]:
    """A circuit as up to `most` reports of that time told of it, oldest first; and from when on
    there are more.
    """
    query = (
        select(reports.c.received_unix_s, reports.c.body)
        .where(reports.c.board == board, reports.c.received_unix_s >= span.start_unix_s)
        .where(reports.c.received_unix_s < span.end_unix_s)
        .order_by(reports.c.received_unix_s, reports.c.id)
        .limit(most + 1)
    )
    found = db.execute(query).all()
    rest = found[most].received_unix_s if len(found) > most else None
    # What is read on begins with a whole second.
    told = [row for row in found if rest is None or row.received_unix_s < rest]
    decoded = ((row.received_unix_s, read_stored(row.body)) for row in told)
    return [
        Reading(unix_s, report.circuits[circuit])
        for unix_s, report in decoded
        if report and circuit < len(report.circuits)
    ], rest


def has_circuit(db: Connection, board: str, circuit: int) -> bool:
    """Whether anything is known of a circuit."""
    table = circuit_steps.c
    query = select(table.board).where(table.board == board, table.circuit == circuit).limit(1)
    return db.execute(query).first() is not None


def has_feeder(db: Connection, feeder: str) -> bool:
    """Whether anything is known of a feeder."""
    query = select(feeder_steps.c.feeder).where(feeder_steps.c.feeder == feeder).limit(1)
    return db.execute(query).first() is not None


def put_circuit_steps(db: Connection, steps: Iterable[CircuitStep]) -> None:
    """Store steps in place of those of the same time."""
    rows.put(db, circuit_steps, *(step._asdict() for step in steps))


def put_feeder_steps(db: Connection, steps: Iterable[FeederStep]) -> None:
    """Store steps in place of those of the same time."""
    rows.put(db, feeder_steps, *(step._asdict() for step in steps))


def put_uncontrolled_steps(db: Connection, steps: Iterable[UncontrolledStep]) -> None:
    """Store steps in place of those of the same time."""
    rows.put(db, uncontrolled_steps, *(step._asdict() for step in steps))


def uncontrolled_minutes_at(db: Connection, unix_s: int) -> list[UncontrolledStep]:
    """The minute that began then, of every feeder phase that was metered."""
    query = select(uncontrolled_steps).where(
        uncontrolled_steps.c.step_s == MINUTE_S, uncontrolled_steps.c.unix_s == unix_s
    )
    return [UncontrolledStep(*row) for row in db.execute(query)]


def circuit_minutes_at(db: Connection, unix_s: int) -> list[CircuitStep]:
    """The minute that began then, of every circuit."""
    query = select(circuit_steps).where(
        circuit_steps.c.step_s == MINUTE_S, circuit_steps.c.unix_s == unix_s
    )
    return [CircuitStep(*row) for row in db.execute(query)]


def circuit_quarters(db: Connection, unix_s: int, boards: Collection[str]) -> list[CircuitStep]:
    """The 15 minutes from then on, made of their minutes, of the circuits of `boards`; of all
    that are known if `boards` are many.
    """
    columns = circuit_steps.c
    quarters = _quarters(
        circuit_steps,
        [columns.board, columns.circuit],
        unix_s,
        func.sum(columns.closed_s),
        func.sum(columns.covered_s),
        # All of it or it is not of the journal.
        func.min(case((columns.from_journal, 1), else_=0)) == 1,
    )
    if len(boards) <= _FEW_BOARDS:
        quarters = quarters.where(columns.board.in_(boards))
    return [CircuitStep(*row) for row in db.execute(quarters)]


def mean_of_highest_ma(
    db: Connection, quarters_unix_s: Collection[int], fewest: int
) -> dict[tuple[str, int], int]:
    """By board and circuit the mean of its highest currents in those quarters of an hour, where at
    least `fewest` of them are known.
    """
    columns = circuit_steps.c
    query = (
        select(columns.board, columns.circuit, cast(func.avg(columns.max_ma), Int))
        .where(columns.step_s == QUARTER_S, columns.unix_s.in_(quarters_unix_s))
        .group_by(columns.board, columns.circuit)
        .having(func.count() >= fewest)
    )
    return {(board, circuit): ma for board, circuit, ma in db.execute(query)}


def feeder_quarters(db: Connection, unix_s: int) -> list[FeederStep]:
    """The 15 minutes from then on, made of their minutes, of all feeders."""
    columns = feeder_steps.c
    quarters = _quarters(
        feeder_steps,
        [columns.feeder, columns.phase],
        unix_s,
        func.sum(columns.covered_s),
        func.max(columns.unmeasured),
    )
    return [FeederStep(*row) for row in db.execute(quarters)]


def _steps(
    db: Connection, table: Table, which: ColumnElement[bool], span: Span, step_s: StepS
) -> Iterable[Any]:
    first_unix_s = span.steps(step_s).start
    query = select(table).where(
        which,
        table.c.step_s == step_s,
        table.c.unix_s >= first_unix_s,
        table.c.unix_s < span.end_unix_s,
    )
    return db.execute(query)


def _quarters(
    table: Table, key: Sequence[Column[Any]], unix_s: int, *figures: ColumnElement[Any]
) -> Select[Any]:
    """What is known of 15 minutes, in the order of the table's columns."""
    mean_mas = cast(func.sum(table.c.mean_ma * table.c.covered_s), Int)
    return (
        select(
            *key,
            literal(QUARTER_S),
            literal(unix_s),
            mean_mas // cast(func.sum(table.c.covered_s), Int),
            func.max(table.c.max_ma),
            *figures,
        )
        .where(table.c.step_s == MINUTE_S)
        .where(table.c.unix_s >= unix_s, table.c.unix_s < unix_s + QUARTER_S)
        .group_by(*key)
    )
