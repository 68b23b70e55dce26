"""Charge keys that a person has revoked; the keys themselves are known to boards and people."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from headroom.store import audit, rows
from headroom.store.tables import charge_revocations


@dataclass(frozen=True)
class Revocation:
    """Who revoked a board's charge key, and when."""

    set_by: str
    set_unix_s: int


def revoke(db: Connection, board: str, revocation: Revocation) -> None:
    """Revoke a board's charge key; the first revocation is kept."""
    row = {"board": board, "set_by": revocation.set_by, "set_unix_s": revocation.set_unix_s}
    with audit.recorded(db, charge_revocations, board=board):
        rows.add_new(db, charge_revocations, [row])


def allow(db: Connection, board: str) -> None:
    """Lift a revocation, if there is one."""
    with audit.recorded(db, charge_revocations, board=board):
        db.execute(delete(charge_revocations).where(charge_revocations.c.board == board))


def revocations(db: Connection) -> dict[str, Revocation]:
    """Every revocation by board; there are few, if any."""
    found = db.execute(select(charge_revocations))
    return {row.board: Revocation(row.set_by, row.set_unix_s) for row in found}
