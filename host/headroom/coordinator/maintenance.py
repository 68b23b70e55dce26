"""Orders for maintenance: at most once each, and what became of them.

An order goes to one boot of a board. The board obeys by starting anew, so an order that was sent
to an earlier boot and never acknowledged is not sent again: nobody knows whether it was obeyed.
"""

from typing import Literal

from sqlalchemy import Connection

from headroom.protocol.messages import Report
from headroom.store import maintenance
from headroom.store.maintenance import MaintenanceOrder

# The kind of the event by which a board acknowledges.
EVENT = "maintenance"

# `lapsed`: the board started anew without a word; look whether it is in maintenance.
OrderState = Literal["ordered", "sent", "acknowledged", "lapsed", "expired"]


def order_state(order: MaintenanceOrder, newest_boot: int, now_unix_s: float) -> OrderState:
    """What became of an order, given the newest boot that its board reported from."""
    if order.acknowledged:
        return "acknowledged"
    if order.boot and newest_boot > order.boot:
        return "lapsed"
    if now_unix_s >= order.until_unix_s:
        return "expired"
    return "sent" if order.boot else "ordered"


def must_go(
    db: Connection,
    board_id: str,
    order: MaintenanceOrder | None,
    report: Report,
    repeat: bool,
    now_unix_s: float,
) -> bool:
    """Whether the answer to this report orders maintenance; notes what is sent or obeyed."""
    if order is None:
        return False
    state = order_state(order, report.boot, now_unix_s)
    if repeat or state not in ("ordered", "sent"):
        return repeat and state == "sent"
    if any(event.kind == EVENT for event in report.events):
        maintenance.acknowledge(db, board_id)
        return False
    maintenance.bind(db, board_id, report.boot)
    return True
