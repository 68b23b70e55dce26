"""The application for people and machines: page, API, metrics."""

from collections.abc import Collection

from flask import Blueprint, Flask

from headroom.coordinator import Coordinator
from headroom.web.audit_api import audit_api
from headroom.web.board_order_api import board_order_api
from headroom.web.errors import render_problems
from headroom.web.history_api import history_api
from headroom.web.live_api import live_api
from headroom.web.openapi import openapi_api
from headroom.web.order_api import order_api
from headroom.web.page import page
from headroom.web.price_api import price_api
from headroom.web.rates import Rates
from headroom.web.read_api import read_api
from headroom.web.security import Settings, secure
from headroom.web.series_api import series_api
from headroom.web.session_api import session_api
from headroom.web.site_api import site_api
from headroom.web.structure_api import structure_api
from headroom.web.token_api import token_api

# The longest order is a schedule that fills a plan.
MAX_BODY_BYTES = 4096
_ROUTES = (
    read_api,
    live_api,
    history_api,
    series_api,
    order_api,
    board_order_api,
    price_api,
    site_api,
    structure_api,
    token_api,
    audit_api,
)


def api_app(
    coordinator: Coordinator,
    allowed_hosts: Collection[str] = (),
    *,
    open_reading: bool = False,
) -> Flask:
    """The WSGI application for everything but boards; loopback names are always allowed.

    `open_reading`: whoever reaches it may read without a token.
    """
    app = Flask("headroom.web")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    rates = Rates(coordinator.clock.monotonic_s)
    render_problems(app)
    secure(app, coordinator, Settings.of(allowed_hosts, open_reading), rates)
    api = Blueprint("api", __name__, url_prefix="/api/v1")
    for routes in _ROUTES:
        api.register_blueprint(routes(coordinator))
    api.register_blueprint(session_api(coordinator, rates))
    api.register_blueprint(openapi_api(app))
    app.register_blueprint(api)
    app.register_blueprint(page(coordinator))
    return app
