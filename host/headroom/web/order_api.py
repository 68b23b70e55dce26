"""What people order of a circuit: overrides and schedules."""

from typing import Annotated, Literal

from flask import Blueprint
from pydantic import Field

from headroom.coordinator import Coordinator
from headroom.protocol.messages import MAX_SLOTS, Message, StepS, UnixS
from headroom.protocol.problems import (
    NO_SUCH_BOARD,
    NO_SUCH_CIRCUIT,
    NO_SUCH_ORDER,
    NOT_POSSIBLE,
    SCHEDULE_MISMATCH,
)
from headroom.store.orders import Override, Schedule
from headroom.web.documents.base import BoardId, CircuitNo
from headroom.web.documents.orders import (
    OverrideDocument,
    RevisionDocument,
    ScheduleDocument,
)
from headroom.web.operations import operation, require_order
from headroom.web.read_api import circuit_document
from headroom.web.security import person

_CIRCUIT = "/boards/<board_id>/circuits/<int:circuit>"


class OverrideBody(Message):
    """An override: state, and the Unix time until which it holds; null = until cancelled."""

    state: Literal["on", "off"]
    # Stored and sent, 0 is what null is here; nobody shall order something for ever by mistake.
    until: Annotated[UnixS, Field(ge=1)] | None


class ScheduleBody(Message):
    """A schedule: slot 0 starts at `start`; a character a slot: 1 on, 0 off, - no wish."""

    start: UnixS
    step_s: StepS
    slots: str = Field(pattern=r"^[10-]+$", max_length=MAX_SLOTS)


def order_api(coordinator: Coordinator) -> Blueprint:
    """Routes under /api/v1 for overrides and schedules of circuits."""
    api = Blueprint("orders", __name__)
    orders = coordinator.orders

    @api.get(f"{_CIRCUIT}/override")
    @operation("read", NO_SUCH_BOARD, NO_SUCH_CIRCUIT, NO_SUCH_ORDER)
    def get_override(board_id: BoardId, circuit: CircuitNo) -> OverrideDocument:
        """The override of a circuit that holds."""
        found = circuit_document(coordinator, board_id, circuit).override
        return require_order(found, f"no override of circuit {circuit} of {board_id}")

    @api.put(f"{_CIRCUIT}/override")
    @operation("operate", NO_SUCH_BOARD, NO_SUCH_CIRCUIT, NOT_POSSIBLE)
    def set_override(
        board_id: BoardId, circuit: CircuitNo, body: OverrideBody
    ) -> RevisionDocument:
        """Order a circuit on or off until a time, or until cancelled."""
        override = Override(
            circuit=circuit,
            closed=body.state == "on",
            until_unix_s=body.until or 0,
            set_by=person(),
            set_unix_s=int(coordinator.clock.unix_s()),
        )
        return RevisionDocument(rev=orders.set_override(board_id, override).rev)

    @api.delete(f"{_CIRCUIT}/override")
    @operation("operate", NO_SUCH_BOARD, NO_SUCH_CIRCUIT, NOT_POSSIBLE)
    def clear_override(board_id: BoardId, circuit: CircuitNo) -> RevisionDocument:
        """Cancel an override; no error if there is none."""
        return RevisionDocument(rev=orders.clear_override(board_id, circuit).rev)

    @api.get(f"{_CIRCUIT}/schedule")
    @operation("read", NO_SUCH_BOARD, NO_SUCH_CIRCUIT, NO_SUCH_ORDER)
    def get_schedule(board_id: BoardId, circuit: CircuitNo) -> ScheduleDocument:
        """The schedule of a circuit that is not over."""
        found = circuit_document(coordinator, board_id, circuit).schedule
        return require_order(found, f"no schedule of circuit {circuit} of {board_id}")

    @api.put(f"{_CIRCUIT}/schedule")
    @operation("operate", NO_SUCH_BOARD, NO_SUCH_CIRCUIT, NOT_POSSIBLE, SCHEDULE_MISMATCH)
    def set_schedule(
        board_id: BoardId, circuit: CircuitNo, body: ScheduleBody
    ) -> RevisionDocument:
        """Give a circuit its wishes for the slots to come."""
        schedule = Schedule(circuit, body.start, body.step_s, body.slots)
        return RevisionDocument(rev=orders.set_schedule(board_id, schedule).rev)

    @api.delete(f"{_CIRCUIT}/schedule")
    @operation("operate", NO_SUCH_BOARD, NO_SUCH_CIRCUIT, NOT_POSSIBLE)
    def clear_schedule(board_id: BoardId, circuit: CircuitNo) -> RevisionDocument:
        """Remove a schedule; no error if there is none."""
        return RevisionDocument(rev=orders.clear_schedule(board_id, circuit).rev)

    return api
