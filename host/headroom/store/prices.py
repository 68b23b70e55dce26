"""The prices of the site for the slots to come, as they were last given."""

import json
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from headroom.store import audit
from headroom.store.tables import prices


@dataclass(frozen=True)
class Prices:
    """What energy costs, in EUR/MWh, one price a slot of `step_s` from `start_unix_s` on."""

    start_unix_s: int
    step_s: int
    eur_mwh: tuple[int, ...]
    set_by: str
    set_unix_s: int

    def lasts(self, now_unix_s: float) -> bool:
        """Whether a slot is still to come or running."""
        return now_unix_s < self.ends_unix_s

    @property
    def ends_unix_s(self) -> int:
        """When the last slot is over."""
        return self.start_unix_s + self.step_s * len(self.eur_mwh)

    def at(self, unix_s: float) -> int | None:
        """The price then; None outside the slots."""
        slot = int((unix_s - self.start_unix_s) // self.step_s)
        return self.eur_mwh[slot] if 0 <= slot < len(self.eur_mwh) else None


def put_prices(db: Connection, given: Prices) -> None:
    """Set the prices in place of all earlier ones."""
    row = {
        "start_unix_s": given.start_unix_s,
        "step_s": given.step_s,
        "eur_mwh": json.dumps(given.eur_mwh),
        "set_by": given.set_by,
        "set_unix_s": given.set_unix_s,
    }
    with audit.recorded(db, prices):
        db.execute(delete(prices))
        db.execute(insert(prices).values(row))


def drop_prices(db: Connection) -> None:
    """Forget the prices, if there are any."""
    with audit.recorded(db, prices):
        db.execute(delete(prices))


def current_prices(db: Connection) -> Prices | None:
    """The prices last given, past ones included; None if none."""
    row = db.execute(select(prices)).first()
    if row is None:
        return None
    values = tuple(json.loads(row.eur_mwh))
    return Prices(row.start_unix_s, row.step_s, values, row.set_by, row.set_unix_s)
