"""The site as it is configured, and as it is now."""

from flask import Blueprint

from headroom.coordinator import Coordinator
from headroom.coordinator.snapshot import BoardView
from headroom.protocol.problems import (
    NO_SUCH_BOARD,
    NO_SUCH_CIRCUIT,
    NO_SUCH_FEEDER,
    ProblemError,
)
from headroom.site import Board
from headroom.web.documents.base import BoardId, CircuitNo, FeederId
from headroom.web.documents.live import (
    BoardDocument,
    BoardsDocument,
    CircuitDocument,
    FeederDocument,
    FeedersDocument,
    StateDocument,
)
from headroom.web.documents.site import SiteDocument
from headroom.web.operations import operation
from headroom.web.state import current_state


def read_api(coordinator: Coordinator) -> Blueprint:
    """Routes under /api/v1 that tell of the present."""
    api = Blueprint("site", __name__)

    @api.get("/site")
    @operation("read")
    def configured() -> SiteDocument:
        """The site as configured."""
        return SiteDocument.of(coordinator.site)

    @api.get("/state")
    @operation("read")
    def state() -> StateDocument:
        """Everything at once, as the page shows it."""
        return current_state(coordinator)

    @api.get("/feeders")
    @operation("read")
    def all_feeders() -> FeedersDocument:
        """Every feeder with its headroom."""
        views = coordinator.view().feeders
        return FeedersDocument(feeders=tuple(map(FeederDocument.of, views)))

    @api.get("/feeders/<feeder_id>")
    @operation("read", NO_SUCH_FEEDER)
    def one_feeder(feeder_id: FeederId) -> FeederDocument:
        """A feeder with its headroom."""
        require_feeder(coordinator, feeder_id)
        views = coordinator.view().feeders
        return FeederDocument.of(next(v for v in views if v.feeder.id == feeder_id))

    @api.get("/boards")
    @operation("read")
    def all_boards() -> BoardsDocument:
        """Every board with its circuits and its health."""
        views = coordinator.view().boards
        return BoardsDocument(boards=tuple(map(BoardDocument.of, views)))

    @api.get("/boards/<board_id>")
    @operation("read", NO_SUCH_BOARD)
    def one_board(board_id: BoardId) -> BoardDocument:
        """A board with its circuits and its health."""
        return BoardDocument.of(board_view(coordinator, board_id))

    @api.get("/boards/<board_id>/circuits/<int:circuit>")
    @operation("read", NO_SUCH_BOARD, NO_SUCH_CIRCUIT)
    def one_circuit(board_id: BoardId, circuit: CircuitNo) -> CircuitDocument:
        """A circuit with its current, its relay and why that is as it is."""
        return circuit_document(coordinator, board_id, circuit)

    return api


def board_view(coordinator: Coordinator, board_id: str) -> BoardView:
    """A board as it is now; raises `no-such-board`."""
    require_board(coordinator, board_id)
    return next(view for view in coordinator.view().boards if view.board.id == board_id)


def require_board(coordinator: Coordinator, board_id: str) -> Board:
    """The board as configured; raises `no-such-board`."""
    board = coordinator.site.board(board_id)
    if board is None:
        raise ProblemError(NO_SUCH_BOARD, f"no board {board_id} on {coordinator.site.name}")
    return board


def require_feeder(coordinator: Coordinator, feeder_id: str) -> None:
    """Raise `no-such-feeder` unless the site has it."""
    if all(feeder.id != feeder_id for feeder in coordinator.site.feeders):
        raise ProblemError(NO_SUCH_FEEDER, f"no feeder {feeder_id} on {coordinator.site.name}")


def require_circuit(coordinator: Coordinator, board_id: str, circuit: int) -> None:
    """Raise `no-such-board` or `no-such-circuit` unless the site has it."""
    board = require_board(coordinator, board_id)
    if circuit >= len(board.circuits):
        raise ProblemError(NO_SUCH_CIRCUIT, coordinator.site.without_circuit(board, circuit))


def circuit_document(coordinator: Coordinator, board_id: str, circuit: int) -> CircuitDocument:
    """A circuit as it is now; raises `no-such-board`, `no-such-circuit`."""
    require_circuit(coordinator, board_id, circuit)
    return CircuitDocument.of(board_view(coordinator, board_id).circuits[circuit])
