"""Changes of the site while it runs: limits, priorities, readings of uncontrolled load."""

from typing import Annotated

from flask import Blueprint
from pydantic import Field

from headroom.coordinator import Coordinator
from headroom.protocol.messages import CurrentMa, Message
from headroom.protocol.problems import (
    NO_SUCH_BOARD,
    NO_SUCH_CIRCUIT,
    NO_SUCH_FEEDER,
    NOT_POSSIBLE,
)
from headroom.site import Meter
from headroom.web.documents.base import BoardId, CircuitNo, FeederId
from headroom.web.operations import operation
from headroom.web.read_api import require_board, require_circuit, require_feeder


class PhasesBody(Message):
    """A current on each phase; a phase that is not named has none."""

    L1: CurrentMa = 0
    L2: CurrentMa = 0
    L3: CurrentMa = 0

    @property
    def ma(self) -> tuple[int, int, int]:
        """In the order of the phases."""
        return (self.L1, self.L2, self.L3)


class MeterBody(Meter, Message):
    """A `meter` as in the site file."""


class PriorityBody(Message):
    """1 is served first, 8 last."""

    priority: Annotated[int, Field(strict=True, ge=1, le=8)]


def site_api(coordinator: Coordinator) -> Blueprint:
    """Routes under /api/v1 that change the site."""
    api = Blueprint("site_changes", __name__)
    changes = coordinator.site_changes

    @api.put("/feeders/<feeder_id>/limit")
    @operation("operate", NO_SUCH_FEEDER, NOT_POSSIBLE)
    def set_limit(feeder_id: FeederId, body: PhasesBody) -> None:
        """Want at most this much on a feeder, in mA by phase, until it is changed again."""
        require_feeder(coordinator, feeder_id)
        changes.set_limit(feeder_id, body.ma)

    @api.delete("/feeders/<feeder_id>/limit")
    @operation("operate", NO_SUCH_FEEDER, NOT_POSSIBLE)
    def clear_limit(feeder_id: FeederId) -> None:
        """Go back to the limit of the site file; no error if it holds already."""
        require_feeder(coordinator, feeder_id)
        changes.clear_limit(feeder_id)

    @api.put("/feeders/<feeder_id>/meter")
    @operation("operate", NO_SUCH_FEEDER, NOT_POSSIBLE)
    def read_meter(feeder_id: FeederId, body: PhasesBody) -> None:
        """Tell the uncontrolled load of a feeder, measured now, in mA by phase."""
        require_feeder(coordinator, feeder_id)
        changes.read_meter(feeder_id, body.ma)

    @api.put("/feeders/<feeder_id>/uncontrolled")
    @operation("operate", NO_SUCH_FEEDER, NOT_POSSIBLE)
    def set_meter(feeder_id: FeederId, body: MeterBody) -> None:
        """Say how a feeder's uncontrolled load is measured, and the most that it may be.

        A board that is named as its sensor has to be provisioned with that input.
        """
        require_feeder(coordinator, feeder_id)
        changes.set_meter(feeder_id, body)

    @api.delete("/feeders/<feeder_id>/uncontrolled")
    @operation("operate", NO_SUCH_FEEDER, NOT_POSSIBLE)
    def clear_meter(feeder_id: FeederId) -> None:
        """Go back to the meter of the site file; no error if it holds already."""
        require_feeder(coordinator, feeder_id)
        changes.clear_meter(feeder_id)

    @api.put("/boards/<board_id>/priority")
    @operation("operate", NO_SUCH_BOARD, NOT_POSSIBLE)
    def set_board_priority(board_id: BoardId, body: PriorityBody) -> None:
        """Serve a board earlier or later than others when leases are shared out."""
        require_board(coordinator, board_id)
        changes.set_board_priority(board_id, body.priority)

    @api.put("/boards/<board_id>/circuits/<int:circuit>/priority")
    @operation("operate", NO_SUCH_BOARD, NO_SUCH_CIRCUIT, NOT_POSSIBLE)
    def set_circuit_priority(board_id: BoardId, circuit: CircuitNo, body: PriorityBody) -> None:
        """Serve a circuit earlier or later when leases are shared out.

        Its board goes on shedding by the priority in its own configuration.
        """
        require_circuit(coordinator, board_id, circuit)
        changes.set_circuit_priority(board_id, circuit, body.priority)

    return api
