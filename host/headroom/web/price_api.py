"""What energy costs on the site."""

from typing import Annotated

from flask import Blueprint
from pydantic import Field

from headroom.coordinator import Coordinator
from headroom.protocol.messages import MAX_SLOTS, Message, StepS, UnixS
from headroom.protocol.problems import NO_SUCH_ORDER, NOT_POSSIBLE
from headroom.store import prices as stored_prices
from headroom.store.prices import Prices
from headroom.web.documents.orders import PricesDocument, RevisionsDocument
from headroom.web.operations import operation, require_order
from headroom.web.security import person


class PricesBody(Message):
    """What energy costs, in EUR/MWh, one price a slot; slot 0 starts at `start`."""

    start: UnixS
    step_s: StepS
    eur_mwh: Annotated[
        tuple[Annotated[int, Field(strict=True, ge=-100_000, le=100_000)], ...],
        Field(min_length=1, max_length=MAX_SLOTS),
    ]


def price_api(coordinator: Coordinator) -> Blueprint:
    """Routes under /api/v1/prices."""
    api = Blueprint("prices", __name__)
    orders, clock = coordinator.orders, coordinator.clock

    @api.get("/prices")
    @operation("read", NO_SUCH_ORDER)
    def get_prices() -> PricesDocument:
        """The prices last given, past ones included."""
        with coordinator.store.read() as db:
            prices = stored_prices.current_prices(db)
        given = require_order(prices, "no prices were given")
        return PricesDocument.of(given, clock.unix_s())

    @api.put("/prices")
    @operation("operate", NOT_POSSIBLE)
    def set_prices(body: PricesBody) -> RevisionsDocument:
        """Tell what energy costs from now on, in place of all earlier prices."""
        now_unix_s = int(clock.unix_s())
        given = Prices(body.start, body.step_s, body.eur_mwh, person(), now_unix_s)
        return RevisionsDocument.of(orders.set_prices(given))

    @api.delete("/prices")
    @operation("operate")
    def clear_prices() -> RevisionsDocument:
        """Forget the prices; no error if there are none."""
        return RevisionsDocument.of(orders.clear_prices())

    return api
