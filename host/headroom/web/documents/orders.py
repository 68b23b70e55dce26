"""What people ordered, and the plan that was made of it."""

from typing import Literal, Self

from pydantic import Field

from headroom.coordinator.maintenance import OrderState
from headroom.protocol.messages import PlanBody
from headroom.store.charge_keys import Revocation
from headroom.store.maintenance import MaintenanceOrder
from headroom.store.orders import Override, Schedule, StoredPlan
from headroom.store.prices import Prices
from headroom.web.documents.base import BoardId, Document, UnixS
from headroom.web.words import maintenance_text


class RevisionDocument(Document):
    """The revision of its plan that a board reports once it obeys the order."""

    rev: int


class RevisionsDocument(Document):
    """The revision of the plan of each board that heeds prices."""

    rev: dict[BoardId, int]

    @classmethod
    def of(cls, plans: dict[str, StoredPlan]) -> Self:
        """Of the plans by board."""
        return cls(rev={board_id: plan.rev for board_id, plan in plans.items()})


class OverrideDocument(Document):
    """A person's order for one circuit; until null = until cancelled."""

    state: Literal["on", "off"]
    until: UnixS | None
    set_by: str
    set_unix_s: UnixS

    @classmethod
    def of(cls, override: Override) -> Self:
        """Of an order as stored."""
        return cls(
            state="on" if override.closed else "off",
            until=override.until_unix_s or None,
            set_by=override.set_by,
            set_unix_s=override.set_unix_s,
        )


class ScheduleDocument(Document):
    """Wishes for one circuit from `start` on, a character a slot: `1` on, `0` off, `-` none."""

    start: UnixS
    step_s: int
    slots: str

    @classmethod
    def of(cls, schedule: Schedule) -> Self:
        """Of a schedule as stored."""
        return cls(start=schedule.start_unix_s, step_s=schedule.step_s, slots=schedule.slots)


class PricesDocument(Document):
    """What energy costs, in EUR/MWh, one price a slot; now null outside the slots."""

    now_eur_mwh: int | None
    start: UnixS
    step_s: int
    eur_mwh: tuple[int, ...]
    set_by: str
    set_unix_s: UnixS

    @classmethod
    def of(cls, prices: Prices, now_unix_s: float) -> Self:
        """Of the prices as stored, as of now."""
        return cls(
            now_eur_mwh=prices.at(now_unix_s),
            start=prices.start_unix_s,
            step_s=prices.step_s,
            eur_mwh=prices.eur_mwh,
            set_by=prices.set_by,
            set_unix_s=prices.set_unix_s,
        )


class MaintenanceDocument(Document):
    """An order to start into maintenance, and what became of it."""

    state: OrderState
    text: str
    until: UnixS
    set_by: str
    set_unix_s: UnixS

    @classmethod
    def of(cls, order: MaintenanceOrder, state: OrderState, stale: bool) -> Self:
        """Of an order to a board that is silent or not."""
        return cls(
            state=state,
            text=maintenance_text(state, stale),
            until=order.until_unix_s,
            set_by=order.set_by,
            set_unix_s=order.set_unix_s,
        )


class ChargeKeyDocument(Document):
    """Whether a person has revoked the board's charge key; who and when null if not."""

    revoked: bool
    set_by: str | None = None
    set_unix_s: UnixS | None = None

    @classmethod
    def of(cls, revocation: Revocation | None) -> Self:
        """Of a revocation, or of none."""
        if revocation is None:
            return cls(revoked=False)
        return cls(revoked=True, set_by=revocation.set_by, set_unix_s=revocation.set_unix_s)


class PlanStateDocument(Document):
    """The newest plan of a board, and whether the board has said that it obeys it."""

    rev: int
    acknowledged: bool


class PlanDocument(PlanStateDocument):
    """A board's newest plan as it is sent, see PROTOCOL.md; body null before the first."""

    body: PlanBody | None = Field(description="The plan's body as the protocol has it.")
