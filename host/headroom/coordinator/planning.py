"""The plan body of a board, made of what people ordered; pure."""

from collections.abc import Sequence

from headroom.protocol.messages import OverrideOrder, PlanBody, PlanPrices
from headroom.protocol.prices import pack
from headroom.protocol.problems import SCHEDULE_MISMATCH, ProblemError
from headroom.store.orders import Override, Schedule
from headroom.store.prices import Prices

_NO_SCHEDULE_STEP_S = 900


def plan_body(
    circuits: int,
    schedules: Sequence[Schedule],
    overrides: Sequence[Override],
    prices: Prices | None,
    charge_revoked: bool,
    now_unix_s: float,
) -> PlanBody:
    """What holds now or later; orders that have expired are left out.

    The schedules must agree on start and step, see `check_agreement`.
    """
    lasting = {s.circuit: s for s in schedules if s.lasts(now_unix_s)}
    first = next(iter(lasting.values()), Schedule(0, 0, _NO_SCHEDULE_STEP_S, ""))
    return PlanBody(
        start=first.start_unix_s,
        step_s=first.step_s,
        slots=tuple(lasting[n].slots if n in lasting else "" for n in range(circuits)),
        overrides=tuple(
            OverrideOrder(o.circuit, int(o.closed), o.until_unix_s)
            for o in overrides
            if o.holds(now_unix_s) and o.circuit < circuits
        ),
        price=_plan_prices(prices) if prices and prices.lasts(now_unix_s) else None,
        charge=0 if charge_revoked else None,
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
