"""What people ordered of a board, and the plan that was last made of it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, delete, select, update

from headroom.store import audit, rows
from headroom.store.tables import overrides, plans, schedules

T = TypeVar("T")


@dataclass(frozen=True)
class Override:
    """A person's order for one circuit; until_unix_s 0 = until cancelled."""

    circuit: int
    closed: bool
    until_unix_s: int
    set_by: str
    set_unix_s: int

    def holds(self, now_unix_s: float) -> bool:
        """Whether the order has not yet expired."""
        return self.until_unix_s == 0 or now_unix_s < self.until_unix_s


@dataclass(frozen=True)
class Schedule:
    """Wishes for one circuit, a character a slot: `1` on, `0` off, `-` none."""

    circuit: int
    start_unix_s: int
    step_s: int
    slots: str

    def lasts(self, now_unix_s: float) -> bool:
        """Whether a slot is still to come or running."""
        return now_unix_s < self.ends_unix_s

    @property
    def ends_unix_s(self) -> int:
        """When the last slot is over."""
        return self.start_unix_s + self.step_s * len(self.slots)


@dataclass(frozen=True)
class StoredPlan:
    """The newest plan body of a board, as JSON, its revision, and until when it is up to date.

    `made_unix_s` is when that body came to be; None of plans whose making was not recorded.
    """

    rev: int
    body: str
    holds_until_unix_s: int
    made_unix_s: int | None


def put_override(db: Connection, board: str, override: Override) -> None:
    """Set or replace a circuit's override."""
    row = {
        "board": board,
        "circuit": override.circuit,
        "state": int(override.closed),
        "until_unix_s": override.until_unix_s,
        "set_unix_s": override.set_unix_s,
        "set_by": override.set_by,
    }
    with audit.recorded(db, overrides, board=board, circuit=override.circuit):
        rows.put(db, overrides, row)


def drop_override(db: Connection, board: str, circuit: int) -> None:
    """Cancel a circuit's override, if there is one."""
    table = overrides.c
    with audit.recorded(db, overrides, board=board, circuit=circuit):
        db.execute(delete(overrides).where(table.board == board, table.circuit == circuit))


def overrides_of(db: Connection, boards: Collection[str]) -> dict[str, list[Override]]:
    """The overrides of those boards that have any, by circuit, expired ones included."""
    query = select(overrides).where(overrides.c.board.in_(boards)).order_by(overrides.c.circuit)
    return _by_board((row.board, _override(row)) for row in db.execute(query))


def all_overrides(db: Connection) -> dict[str, list[Override]]:
    """The overrides of every board that has any, expired ones included."""
    query = select(overrides).order_by(overrides.c.circuit)
    return _by_board((row.board, _override(row)) for row in db.execute(query))


def put_schedule(db: Connection, board: str, schedule: Schedule) -> None:
    """Set or replace a circuit's schedule."""
    row = {
        "board": board,
        "circuit": schedule.circuit,
        "start_unix_s": schedule.start_unix_s,
        "step_s": schedule.step_s,
        "slots": schedule.slots,
    }
    with audit.recorded(db, schedules, board=board, circuit=schedule.circuit):
        rows.put(db, schedules, row)


def drop_schedule(db: Connection, board: str, circuit: int) -> None:
    """Remove a circuit's schedule, if there is one."""
    table = schedules.c
    with audit.recorded(db, schedules, board=board, circuit=circuit):
        db.execute(delete(schedules).where(table.board == board, table.circuit == circuit))


def schedules_of(db: Connection, boards: Collection[str]) -> dict[str, list[Schedule]]:
    """The schedules of those boards that have any, by circuit, past ones included."""
    query = select(schedules).where(schedules.c.board.in_(boards)).order_by(schedules.c.circuit)
    return _by_board((row.board, _schedule(row)) for row in db.execute(query))


def all_schedules(db: Connection) -> dict[str, list[Schedule]]:
    """The schedules of every board that has any, past ones included."""
    query = select(schedules).order_by(schedules.c.circuit)
    return _by_board((row.board, _schedule(row)) for row in db.execute(query))


def stored_plan(db: Connection, board: str) -> StoredPlan | None:
    """A board's newest plan; None before its first."""
    return plans_of(db, [board]).get(board)


def plans_of(db: Connection, board_ids: Collection[str]) -> dict[str, StoredPlan]:
    """The plans of some boards by id; a board that never had one is left out."""
    query = select(plans).where(plans.c.board.in_(board_ids))
    return {row.board: plan_in(row) for row in db.execute(query)}


def distrust_plans(db: Connection) -> None:
    """Have every plan made anew before it is sent: what plans are made of may have changed."""
    db.execute(update(plans).values(holds_until_unix_s=0))


def revised(
    before: StoredPlan | None, body: str, holds_until_unix_s: int, now_unix_s: int
) -> StoredPlan:
    """The plan with this body; its revision is one higher than before if the body is another."""
    if before and before.body == body:
        return replace(before, holds_until_unix_s=holds_until_unix_s)
    return StoredPlan(before.rev + 1 if before else 1, body, holds_until_unix_s, now_unix_s)


def put_plans(db: Connection, made: Mapping[str, StoredPlan]) -> None:
    """Store plans, by board, in place of those before."""
    rows.put(db, plans, *({"board": board, **asdict(plan)} for board, plan in made.items()))


def plan_in(row: Row[Any]) -> StoredPlan:
    """The plan in a row that has all columns of its table."""
    return StoredPlan(row.rev, row.body, row.holds_until_unix_s, row.made_unix_s)


def _by_board(found: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    by_board: dict[str, list[T]] = defaultdict(list)
    for board, one in found:
        by_board[board].append(one)
    return by_board


def _override(row: Row[Any]) -> Override:
    return Override(row.circuit, bool(row.state), row.until_unix_s, row.set_by, row.set_unix_s)


def _schedule(row: Row[Any]) -> Schedule:
    return Schedule(row.circuit, row.start_unix_s, row.step_s, row.slots)
