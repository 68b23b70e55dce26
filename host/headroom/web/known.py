"""What the site has, or had: what a thing told stays readable when it is removed."""

from headroom.coordinator import Coordinator
from headroom.store import boards, series
from headroom.web.read_api import require_board, require_circuit, require_feeder


def require_known_board(coordinator: Coordinator, board_id: str) -> None:
    """Raise `no-such-board` unless the site has or had it."""
    if coordinator.site.board(board_id) is None:
        with coordinator.store.read() as db:
            is_known = boards.record(db, board_id) is not None
        if not is_known:
            require_board(coordinator, board_id)


def require_known_circuit(coordinator: Coordinator, board_id: str, circuit: int) -> None:
    """Raise `no-such-board` or `no-such-circuit` unless the site has or had it."""
    board = coordinator.site.board(board_id)
    if board is None or circuit >= len(board.circuits):
        with coordinator.store.read() as db:
            is_known = series.has_circuit(db, board_id, circuit)
        if not is_known:
            require_circuit(coordinator, board_id, circuit)


def require_known_feeder(coordinator: Coordinator, feeder_id: str) -> None:
    """Raise `no-such-feeder` unless the site has or had it."""
    if all(feeder.id != feeder_id for feeder in coordinator.site.feeders):
        with coordinator.store.read() as db:
            is_known = series.has_feeder(db, feeder_id)
        if not is_known:
            require_feeder(coordinator, feeder_id)
