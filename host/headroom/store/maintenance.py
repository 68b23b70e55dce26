"""Orders to boards to go into maintenance: one a board, sent to one boot of it and no other."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from headroom.store import audit, rows
from headroom.store.tables import maintenance


@dataclass(frozen=True)
class MaintenanceOrder:
    """A person's order; boot 0 = not sent yet."""

    until_unix_s: int
    set_by: str
    set_unix_s: int
    boot: int = 0
    acknowledged: bool = False


def put_order(db: Connection, board: str, order: MaintenanceOrder) -> None:
    """Give a board an order in place of any earlier one."""
    row = {
        "board": board,
        "until_unix_s": order.until_unix_s,
        "set_by": order.set_by,
        "set_unix_s": order.set_unix_s,
        "boot": order.boot,
        "acknowledged": int(order.acknowledged),
    }
    with audit.recorded(db, maintenance, board=board):
        rows.put(db, maintenance, row)


def drop_order(db: Connection, board: str) -> None:
    """Cancel a board's order, if there is one."""
    with audit.recorded(db, maintenance, board=board):
        db.execute(delete(maintenance).where(maintenance.c.board == board))


def order_of(db: Connection, board: str) -> MaintenanceOrder | None:
    """A board's newest order, or None."""
    return orders_of(db, [board]).get(board)


def orders_of(db: Connection, boards: Collection[str]) -> dict[str, MaintenanceOrder]:
    """The newest orders of some boards by id; a board without one is left out."""
    query = select(maintenance).where(maintenance.c.board.in_(boards))
    return {row.board: _order(row) for row in db.execute(query)}


def bind(db: Connection, board: str, boot: int) -> None:
    """The order goes to this boot."""
    _change(db, board, boot=boot)


def acknowledge(db: Connection, board: str) -> None:
    """The board has said that it obeys."""
    _change(db, board, acknowledged=1)


def _order(row: Row[Any]) -> MaintenanceOrder:
    known = bool(row.acknowledged)
    return MaintenanceOrder(row.until_unix_s, row.set_by, row.set_unix_s, row.boot, known)


def _change(db: Connection, board: str, **values: int) -> None:
    db.execute(update(maintenance).where(maintenance.c.board == board).values(**values))
