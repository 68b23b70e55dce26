"""Feeders, boards and circuits added, changed and removed while the coordinator runs."""

from typing import Annotated

from flask import Blueprint
from pydantic import Field

from headroom.coordinator import Coordinator
from headroom.protocol.messages import Message
from headroom.protocol.problems import (
    BOARD_REPORTS,
    NO_ROOM_YET,
    NO_SUCH_BOARD,
    NO_SUCH_CHANGE,
    NO_SUCH_CIRCUIT,
    NO_SUCH_FEEDER,
    NOT_POSSIBLE,
    SUPERSEDED,
    ProblemError,
)
from headroom.site import Board, Circuit, Feeder
from headroom.site.changes import CHANGE_PATTERN
from headroom.web.documents.base import BoardId, CircuitNo, FeederId
from headroom.web.documents.site import SiteChangesDocument, ToProvisionDocument
from headroom.web.operations import operation
from headroom.web.read_api import require_board, require_circuit, require_feeder

_FEEDER = "/feeders/<feeder_id>"
_BOARD = "/boards/<board_id>"
_CIRCUIT = "/boards/<board_id>/circuits/<int:circuit>"
_CHANGE = "/site/changes/<change>"

ChangeName = Annotated[str, Field(pattern=CHANGE_PATTERN)]


class FeederBody(Feeder, Message):
    """A feeder as in the site file, and as `GET /site` tells it."""


class BoardBody(Board, Message):
    """A board with its circuits as in the site file, and as `GET /site` tells it."""


class CircuitBody(Circuit, Message):
    """A circuit as in the site file, and as `GET /site` tells it."""


def structure_api(coordinator: Coordinator) -> Blueprint:
    """Routes under /api/v1 that change what the site consists of."""
    api = Blueprint("structure", __name__)
    changes = coordinator.site_changes

    def to_provision() -> ToProvisionDocument:
        return ToProvisionDocument(provision=tuple(sorted(changes.outdated)))

    @api.put(_FEEDER)
    @operation("admin", NOT_POSSIBLE, NO_ROOM_YET, SUPERSEDED)
    def put_feeder(feeder_id: FeederId, body: FeederBody) -> ToProvisionDocument:
        """Add a feeder, or make one this.

        Boards on it have its rating in their own configuration.
        """
        _require_same_id(feeder_id, body.id)
        changes.put_feeder(body)
        return to_provision()

    @api.delete(_FEEDER)
    @operation("admin", NO_SUCH_FEEDER, NOT_POSSIBLE, NO_ROOM_YET, SUPERSEDED)
    def remove_feeder(feeder_id: FeederId) -> None:
        """Remove a feeder that feeds nothing; what it carried stays readable."""
        require_feeder(coordinator, feeder_id)
        changes.remove_feeder(feeder_id)

    @api.put(_BOARD)
    @operation("admin", NOT_POSSIBLE, NO_ROOM_YET, SUPERSEDED)
    def put_board(board_id: BoardId, body: BoardBody) -> ToProvisionDocument:
        """Add a board, move it to another feeder, or make it this with all its circuits.

        A new one reports once it is provisioned or its key registered. A safe limit or feeder that
        is another counts beside the earlier one until the board was provisioned again.
        """
        _require_same_id(board_id, body.id)
        changes.put_board(body)
        return to_provision()

    @api.delete(_BOARD)
    @operation("admin", NO_SUCH_BOARD, NOT_POSSIBLE, NO_ROOM_YET, BOARD_REPORTS, SUPERSEDED)
    def remove_board(board_id: BoardId) -> None:
        """Remove a board that is switched off; its last lease counts until it has run out.

        Its key and what it told are kept; its reports are refused, as it is on the site no more.
        """
        require_board(coordinator, board_id)
        changes.remove_board(board_id)

    @api.put(_CIRCUIT)
    @operation("admin", NO_SUCH_BOARD, NO_SUCH_CIRCUIT, NOT_POSSIBLE, NO_ROOM_YET, SUPERSEDED)
    def put_circuit(
        board_id: BoardId, circuit: CircuitNo, body: CircuitBody
    ) -> ToProvisionDocument:
        """Make a board's circuit this, or add one behind its last."""
        board = require_board(coordinator, board_id)
        if circuit > len(board.circuits):
            require_circuit(coordinator, board_id, circuit)
        kept = board.circuits
        changes.put_board(_with_circuits(board, (*kept[:circuit], body, *kept[circuit + 1 :])))
        return to_provision()

    @api.delete(_CIRCUIT)
    @operation("admin", NO_SUCH_BOARD, NO_SUCH_CIRCUIT, NOT_POSSIBLE, NO_ROOM_YET, SUPERSEDED)
    def remove_circuit(board_id: BoardId, circuit: CircuitNo) -> ToProvisionDocument:
        """Remove the last circuit of a board; those before keep the relays they are wired to."""
        require_circuit(coordinator, board_id, circuit)
        board = require_board(coordinator, board_id)
        if circuit < len(board.circuits) - 1:
            raise ProblemError(
                NOT_POSSIBLE,
                f"circuit {circuit} of board {board_id} is followed by others, whose relays go by "
                f"their place; remove circuit {len(board.circuits) - 1} first",
            )
        if not circuit:
            raise ProblemError(
                NOT_POSSIBLE, f"board {board_id} has no other circuit; remove the board"
            )
        changes.put_board(_with_circuits(board, board.circuits[:-1]))
        return to_provision()

    @api.get("/site/changes")
    @operation("read")
    def all_changes() -> SiteChangesDocument:
        """Everything in which the site is other than its file, and what of it does not fit."""
        return SiteChangesDocument.of(changes.changes(), changes.misfits)

    @api.delete(_CHANGE)
    @operation("admin", NO_SUCH_CHANGE, NOT_POSSIBLE, NO_ROOM_YET, BOARD_REPORTS, SUPERSEDED)
    def forget_change(change: ChangeName) -> ToProvisionDocument:
        """Go back to what the site file says of one thing or value, by its name."""
        changes.forget(change)
        return to_provision()

    return api


def _with_circuits(board: Board, circuits: tuple[Circuit, ...]) -> Board:
    return board.model_copy(update={"circuits": circuits})


def _require_same_id(named: str, given: str) -> None:
    if named != given:
        raise ProblemError(
            NOT_POSSIBLE,
            f"id: the path names {named} and the body {given}; give one of them twice",
        )
