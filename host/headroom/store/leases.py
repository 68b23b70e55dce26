"""Leases, durable before the answer that carries them leaves."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select

from headroom.allocation.book import Grant
from headroom.store import rows
from headroom.store.tables import leases


def replace_leases(db: Connection, held: Mapping[str, Iterable[Grant]]) -> None:
    """Make these the whole of what each of these boards holds."""
    rows.remove(db, leases, "board", held.keys())
    rows.add(db, leases, [_row(grant) for grants in held.values() for grant in grants])


def stored_leases(db: Connection) -> list[Grant]:
    """Every lease that may be held, oldest first. Their end is not stored and stands at 0, for a
    monotonic clock does not outlive its process.
    """
    query = select(leases).order_by(leases.c.id)
    return [
        Grant(
            board=row.board,
            feeder=row.feeder,
            pair=(row.boot, row.seq),
            lease_ma=(row.l1_ma, row.l2_ma, row.l3_ma),
            lease_s=row.lease_s,
            counts_until_s=0.0,
        )
        for row in db.execute(query)
    ]


def _row(grant: Grant) -> dict[str, object]:
    boot, seq = grant.pair
    l1_ma, l2_ma, l3_ma = grant.lease_ma
    return {
        "feeder": grant.feeder,
        "board": grant.board,
        "boot": boot,
        "seq": seq,
        "l1_ma": l1_ma,
        "l2_ma": l2_ma,
        "l3_ma": l3_ma,
        "lease_s": grant.lease_s,
    }
