"""The plan body of a board, made of what people ordered; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from headroom.protocol.messages import OverrideOrder, PlanBody, PlanPrices
from headroom.protocol.prices import pack
from headroom.protocol.problems import SCHEDULE_MISMATCH, ProblemError
from headroom.store.orders import Override, Schedule
from headroom.store.prices import Prices

_NO_SCHEDULE_STEP_S = 900


# Later than any time that a message can carry.
NEVER_UNIX_S = 2**32


@dataclass(frozen=True)
class Wishes:
    """What a plan is made of; the schedules agree on start and step, see `check_agreement`."""

    schedules: tuple[Schedule, ...]
    overrides: tuple[Override, ...]
    prices: Prices | None
    charge_revoked: bool

    def at(self, now_unix_s: float) -> "Wishes":
        """Those that hold now or later."""
        return Wishes(
            tuple(s for s in self.schedules if s.lasts(now_unix_s)),
            tuple(o for o in self.overrides if o.holds(now_unix_s)),
            self.prices if self.prices and self.prices.lasts(now_unix_s) else None,
            self.charge_revoked,
        )

    @property
    def hold_until_unix_s(self) -> int:
        """When the first of them expires."""
        lasting = (*self.schedules, *((self.prices,) if self.prices else ()))
        ends = [one.ends_unix_s for one in lasting]
        ends += [o.until_unix_s for o in self.overrides if o.until_unix_s]
        return min(ends, default=NEVER_UNIX_S)


def plan_body(circuits: int, wishes: Wishes) -> PlanBody:
    """The plan that says so to a board with so many circuits."""
    lasting = {s.circuit: s for s in wishes.schedules}
    first = next(iter(lasting.values()), Schedule(0, 0, _NO_SCHEDULE_STEP_S, ""))
    return PlanBody(
        start=first.start_unix_s,
        step_s=first.step_s,
        slots=tuple(lasting[n].slots if n in lasting else "" for n in range(circuits)),
        overrides=tuple(
            OverrideOrder(o.circuit, int(o.closed), o.until_unix_s)
            for o in wishes.overrides
            if o.circuit < circuits
        ),
        price=_plan_prices(wishes.prices) if wishes.prices else None,
        charge=0 if wishes.charge_revoked else None,
    )


def _plan_prices(prices: Prices) -> PlanPrices:
    return PlanPrices(prices.start_unix_s, prices.step_s, pack(prices.eur_mwh))


def check_agreement(wanted: Schedule, others: Sequence[Schedule], now_unix_s: float) -> None:
    """Raise `schedule-mismatch` unless the board's lasting schedules share start and step."""
    for other in others:
        if other.circuit == wanted.circuit or not other.lasts(now_unix_s):
            continue
        if (other.start_unix_s, other.step_s) != (wanted.start_unix_s, wanted.step_s):
            raise ProblemError(
                SCHEDULE_MISMATCH,
                f"circuit {other.circuit} has start {other.start_unix_s} and step_s "
                f"{other.step_s}; use these, or delete its schedule first",
            )
