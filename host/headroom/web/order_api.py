"""What people order over the API. Every route here needs a token, see `security`."""

from typing import Annotated, Literal

from flask import Blueprint, Response, g, jsonify
from pydantic import Field

from headroom.coordinator import Coordinator
from headroom.protocol.messages import (
    MAX_SLOTS,
    Message,
    StepS,
    UnixS,
)
from headroom.store.charge_keys import Revocation
from headroom.store.maintenance import MaintenanceOrder
from headroom.store.orders import Override, Schedule, StoredPlan
from headroom.store.prices import Prices
from headroom.web.bodies import read_body

_CIRCUIT = "/boards/<board_id>/circuits/<int:circuit>"


class OverrideBody(Message):
    """An override: state, and the Unix time until which it holds; null = until cancelled."""

    state: Literal["on", "off"]
    until: UnixS | None


class ScheduleBody(Message):
    """A schedule: slot 0 starts at `start`; a character a slot: 1 on, 0 off, - no wish."""

    start: UnixS
    step_s: StepS
    slots: str = Field(pattern=r"^[10-]+$", max_length=MAX_SLOTS)


class PricesBody(Message):
    """What energy costs, in EUR/MWh, one price a slot; slot 0 starts at `start`."""

    start: UnixS
    step_s: StepS
    eur_mwh: Annotated[
        tuple[Annotated[int, Field(strict=True, ge=-100_000, le=100_000)], ...],
        Field(min_length=1, max_length=MAX_SLOTS),
    ]


class MaintenanceBody(Message):
    """An order to start into maintenance; one that has not arrived by `until` is void."""

    until: UnixS


def order_api(coordinator: Coordinator) -> Blueprint:
    """Routes under /api/v1 that change what boards are told."""
    api = Blueprint("orders", __name__)
    orders = coordinator.orders

    @api.put(f"{_CIRCUIT}/override")
    def set_override(board_id: str, circuit: int) -> Response:
        wanted = read_body(OverrideBody)
        override = Override(
            circuit=circuit,
            closed=wanted.state == "on",
            until_unix_s=wanted.until or 0,
            set_by=g.person,
            set_unix_s=int(coordinator.clock.unix_s()),
        )
        return _revision(orders.set_override(board_id, override))

    @api.delete(f"{_CIRCUIT}/override")
    def clear_override(board_id: str, circuit: int) -> Response:
        return _revision(orders.clear_override(board_id, circuit))

    @api.put(f"{_CIRCUIT}/schedule")
    def set_schedule(board_id: str, circuit: int) -> Response:
        wanted = read_body(ScheduleBody)
        schedule = Schedule(circuit, wanted.start, wanted.step_s, wanted.slots)
        return _revision(orders.set_schedule(board_id, schedule))

    @api.delete(f"{_CIRCUIT}/schedule")
    def clear_schedule(board_id: str, circuit: int) -> Response:
        return _revision(orders.clear_schedule(board_id, circuit))

    @api.put("/prices")
    def set_prices() -> Response:
        wanted = read_body(PricesBody)
        now_unix_s = int(coordinator.clock.unix_s())
        given = Prices(wanted.start, wanted.step_s, wanted.eur_mwh, g.person, now_unix_s)
        return _revisions(orders.set_prices(given))

    @api.delete("/prices")
    def clear_prices() -> Response:
        return _revisions(orders.clear_prices())

    @api.put("/boards/<board_id>/maintenance")
    def order_maintenance(board_id: str) -> Response:
        now_unix_s = int(coordinator.clock.unix_s())
        order = MaintenanceOrder(read_body(MaintenanceBody).until, g.person, now_unix_s)
        orders.order_maintenance(board_id, order)
        return Response(status=204)

    @api.delete("/boards/<board_id>/maintenance")
    def cancel_maintenance(board_id: str) -> Response:
        orders.cancel_maintenance(board_id)
        return Response(status=204)

    @api.put("/boards/<board_id>/charge-revocation")
    def revoke_charge_key(board_id: str) -> Response:
        revocation = Revocation(g.person, int(coordinator.clock.unix_s()))
        return _revision(orders.revoke_charge_key(board_id, revocation))

    @api.delete("/boards/<board_id>/charge-revocation")
    def allow_charge_key(board_id: str) -> Response:
        return _revision(orders.allow_charge_key(board_id))

    return api


def _revision(plan: StoredPlan) -> Response:
    """The revision that a board reports once it obeys the order."""
    return jsonify({"rev": plan.rev})


def _revisions(plans: dict[str, StoredPlan]) -> Response:
    """The revision of each board that heeds prices."""
    return jsonify({"rev": {board_id: plan.rev for board_id, plan in plans.items()}})
