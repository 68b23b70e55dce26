"""Leases, durable before the answer that carries them leaves."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from headroom.allocation.book import Grant
from headroom.store.tables import leases


@dataclass(frozen=True)
class StoredLease:
    """A grant as stored: its end is not, for a monotonic clock does not outlive its process."""

    feeder: str
    grant: Grant


def replace_leases(db: Connection, feeder: str, board: str, grants: Iterable[Grant]) -> None:
    """Make `grants` the whole of what a board holds on a feeder."""
    db.execute(delete(leases).where(leases.c.feeder == feeder, leases.c.board == board))
    rows = [_row(feeder, grant) for grant in grants]
    if rows:
        db.execute(insert(leases), rows)


def stored_leases(db: Connection) -> list[StoredLease]:
    """Every lease that may be held, oldest first; their end counts from 0."""
    query = select(leases).order_by(leases.c.id)
    return [
        StoredLease(
            row.feeder,
            Grant(
                board=row.board,
                pair=(row.boot, row.seq),
                lease_ma=(row.l1_ma, row.l2_ma, row.l3_ma),
                lease_s=row.lease_s,
                counts_until_s=0.0,
            ),
        )
        for row in db.execute(query)
    ]


def _row(feeder: str, grant: Grant) -> dict[str, object]:
    boot, seq = grant.pair
    l1_ma, l2_ma, l3_ma = grant.lease_ma
    return {
        "feeder": feeder,
        "board": grant.board,
        "boot": boot,
        "seq": seq,
        "l1_ma": l1_ma,
        "l2_ma": l2_ma,
        "l3_ma": l3_ma,
        "lease_s": grant.lease_s,
    }
