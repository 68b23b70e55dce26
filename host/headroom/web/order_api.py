"""What people order over the API. Every route here needs a token, see `security`."""

from typing import Literal, TypeVar

from flask import Blueprint, Response, g, jsonify, request
from pydantic import Field

from headroom.coordinator import Coordinator
from headroom.protocol.messages import (
    MAX_SLOTS,
    MalformedMessageError,
    Message,
    Positive,
    UnixS,
)
from headroom.protocol.problems import MALFORMED, ProblemError
from headroom.store.orders import Override, Schedule, StoredPlan

M = TypeVar("M", bound=Message)


class OverrideBody(Message):
    """An override: state, and the Unix time until which it holds; null = until cancelled."""

    state: Literal["on", "off"]
    until: UnixS | None


class ScheduleBody(Message):
    """A schedule: slot 0 starts at `start`; a character a slot: 1 on, 0 off, - no wish."""

    start: UnixS
    step_s: Positive = Field(le=86_400)
    slots: str = Field(pattern=r"^[10-]+$", max_length=MAX_SLOTS)


def order_api(coordinator: Coordinator) -> Blueprint:
    """Routes under /api/v1 that change what boards are told."""
    api = Blueprint("orders", __name__, url_prefix="/boards/<board_id>/circuits/<int:circuit>")
    orders = coordinator.orders

    @api.put("/override")
    def set_override(board_id: str, circuit: int) -> Response:
        wanted = _body(OverrideBody)
        override = Override(
            circuit=circuit,
            closed=wanted.state == "on",
            until_unix_s=wanted.until or 0,
            set_by=g.person,
            set_unix_s=int(coordinator.clock.unix_s()),
        )
        return _revision(orders.set_override(board_id, override))

    @api.delete("/override")
    def clear_override(board_id: str, circuit: int) -> Response:
        return _revision(orders.clear_override(board_id, circuit))

    @api.put("/schedule")
    def set_schedule(board_id: str, circuit: int) -> Response:
        wanted = _body(ScheduleBody)
        schedule = Schedule(circuit, wanted.start, wanted.step_s, wanted.slots)
        return _revision(orders.set_schedule(board_id, schedule))

    @api.delete("/schedule")
    def clear_schedule(board_id: str, circuit: int) -> Response:
        return _revision(orders.clear_schedule(board_id, circuit))

    return api


def _body(form: type[M]) -> M:
    try:
        return form.decode(request.get_data(cache=False))
    except MalformedMessageError as error:
        raise ProblemError(MALFORMED, str(error)) from error


def _revision(plan: StoredPlan) -> Response:
    """The revision that a board reports once it obeys the order."""
    return jsonify({"rev": plan.rev})
