"""What people order of a whole board, and the plan that comes of all orders."""

from typing import Annotated

from flask import Blueprint
from pydantic import StringConstraints

from headroom.coordinator import Coordinator
from headroom.protocol.messages import Message, PlanBody, UnixS
from headroom.protocol.problems import NO_SUCH_BOARD, NO_SUCH_ORDER, NOT_POSSIBLE
from headroom.store import boards as stored_boards
from headroom.store import orders as stored_orders
from headroom.store.charge_keys import Revocation
from headroom.store.maintenance import MaintenanceOrder
from headroom.web.documents.base import BoardId
from headroom.web.documents.live import BoardDocument
from headroom.web.documents.orders import (
    ChargeKeyDocument,
    MaintenanceDocument,
    PlanDocument,
    RevisionDocument,
)
from headroom.web.operations import operation, require_order
from headroom.web.read_api import board_view, require_board
from headroom.web.security import person

_MAINTENANCE = "/boards/<board_id>/maintenance"
_KEY = "/boards/<board_id>/key"
_CHARGE = "/boards/<board_id>/charge-revocation"


class MaintenanceBody(Message):
    """An order to start into maintenance; one that has not arrived by `until` is void."""

    until: UnixS


class KeyBody(Message):
    """A board's key, 64 hex digits."""

    key: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


def board_order_api(coordinator: Coordinator) -> Blueprint:
    """Routes under /api/v1 for plan, maintenance and keys of a board."""
    api = Blueprint("boards", __name__)
    orders = coordinator.orders

    @api.get("/boards/<board_id>/plan")
    @operation("read", NO_SUCH_BOARD)
    def get_plan(board_id: BoardId) -> PlanDocument:
        """The newest plan of a board, as it is sent."""
        view = board_view(coordinator, board_id)
        with coordinator.store.read() as db:
            plan = stored_orders.stored_plan(db, board_id)
        return PlanDocument(
            rev=plan.rev if plan else 0,
            acknowledged=view.plan_acknowledged,
            body=PlanBody.decode(plan.body.encode()) if plan else None,
        )

    @api.get(_MAINTENANCE)
    @operation("read", NO_SUCH_BOARD, NO_SUCH_ORDER)
    def get_maintenance(board_id: BoardId) -> MaintenanceDocument:
        """The order for maintenance, and what became of it."""
        found = BoardDocument.of(board_view(coordinator, board_id)).maintenance
        return require_order(found, f"no order for maintenance of {board_id}")

    @api.put(_MAINTENANCE)
    @operation("admin", NO_SUCH_BOARD, NOT_POSSIBLE)
    def order_maintenance(board_id: BoardId, body: MaintenanceBody) -> None:
        """Have a board start into maintenance once, where it switches and protects nothing."""
        now_unix_s = int(coordinator.clock.unix_s())
        orders.order_maintenance(board_id, MaintenanceOrder(body.until, person(), now_unix_s))

    @api.delete(_MAINTENANCE)
    @operation("admin", NO_SUCH_BOARD, NOT_POSSIBLE)
    def cancel_maintenance(board_id: BoardId) -> None:
        """Cancel the order; it may have been obeyed already."""
        orders.cancel_maintenance(board_id)

    @api.put(_KEY)
    @operation("admin", NO_SUCH_BOARD)
    def register_board(board_id: BoardId, body: KeyBody) -> None:
        """Register a board, or give it another key; reports under an earlier one are refused."""
        require_board(coordinator, board_id)
        with coordinator.store.write() as db:
            stored_boards.put_key(db, board_id, bytes.fromhex(body.key))

    @api.get(_CHARGE)
    @operation("read", NO_SUCH_BOARD, NO_SUCH_ORDER)
    def get_charge_revocation(board_id: BoardId) -> ChargeKeyDocument:
        """The revocation of the board's charge key."""
        found = board_view(coordinator, board_id).charge_revocation
        return ChargeKeyDocument.of(
            require_order(found, f"the charge key of {board_id} is not revoked")
        )

    @api.put(_CHARGE)
    @operation("admin", NO_SUCH_BOARD, NOT_POSSIBLE)
    def revoke_charge_key(board_id: BoardId) -> RevisionDocument:
        """Have a board refuse what its charge key signs."""
        revocation = Revocation(person(), int(coordinator.clock.unix_s()))
        return RevisionDocument(rev=orders.revoke_charge_key(board_id, revocation).rev)

    @api.delete(_CHARGE)
    @operation("admin", NO_SUCH_BOARD, NOT_POSSIBLE)
    def allow_charge_key(board_id: BoardId) -> RevisionDocument:
        """Lift a revocation."""
        return RevisionDocument(rev=orders.allow_charge_key(board_id).rev)

    return api
