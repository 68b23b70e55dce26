"""What anybody who reaches the API may read."""

from flask import Blueprint, Response, jsonify, request

from headroom.coordinator import Coordinator
from headroom.protocol.problems import MALFORMED, NO_SUCH_BOARD, ProblemError
from headroom.store import journal
from headroom.web import documents
from headroom.web.state import current_state

_PAGE_ROWS = 500


def read_api(coordinator: Coordinator) -> Blueprint:
    """Routes under /api/v1 that change nothing."""
    api = Blueprint("read", __name__)
    site, store = coordinator.site, coordinator.store

    @api.get("/site")
    def configured() -> Response:
        return jsonify(documents.site_document(site))

    @api.get("/state")
    def state() -> Response:
        return jsonify(current_state(coordinator))

    @api.get("/boards")
    def all_boards() -> Response:
        boards = coordinator.view().boards
        return jsonify({"boards": [documents.board_document(board) for board in boards]})

    @api.get("/boards/<board_id>")
    def one_board(board_id: str) -> Response:
        _known(coordinator, board_id)
        views = {view.board.id: view for view in coordinator.view().boards}
        return jsonify(documents.board_document(views[board_id]))

    @api.get("/boards/<board_id>/minutes")
    def minutes(board_id: str) -> Response:
        _known(coordinator, board_id)
        after = (_number("after_boot", 0), _number("after_minute", -1))
        with store.read() as db:
            rows = journal.minutes_of(db, board_id, after, _PAGE_ROWS)
        return jsonify({"minutes": [documents.minute_document(row) for row in rows]})

    @api.get("/events")
    def events() -> Response:
        after = _number("after", 0)
        with store.read() as db:
            rows = journal.events_after(db, after, _PAGE_ROWS)
        found = [documents.event_document(row, site) for row in rows]
        return jsonify({"events": found, "next": rows[-1].id if rows else after})

    return api


def _known(coordinator: Coordinator, board_id: str) -> None:
    if coordinator.site.board(board_id) is None:
        raise ProblemError(NO_SUCH_BOARD, f"no board {board_id} on {coordinator.site.name}")


def _number(name: str, default: int) -> int:
    """A query parameter as a number that a database can hold; raises `malformed`."""
    text = request.args.get(name, str(default))
    if text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() and len(text) < 18:
        return int(text)
    raise ProblemError(MALFORMED, f"{name}: a whole number is needed, got {text[:40]!r}")
