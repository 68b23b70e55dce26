"""The application for people and machines: page, API, metrics."""

from collections.abc import Collection

from flask import Blueprint, Flask

from headroom.coordinator import Coordinator
from headroom.web.errors import render_problems
from headroom.web.live_api import live_api
from headroom.web.order_api import order_api
from headroom.web.page import page
from headroom.web.read_api import read_api
from headroom.web.security import secure
from headroom.web.session_api import session_api

# The longest order is a schedule that fills a plan.
MAX_BODY_BYTES = 4096


def api_app(coordinator: Coordinator, allowed_hosts: Collection[str] = ()) -> Flask:
    """The WSGI application for everything but boards; loopback names are always allowed."""
    app = Flask("headroom.web")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    render_problems(app)
    secure(app, coordinator, allowed_hosts)
    api = Blueprint("api", __name__, url_prefix="/api/v1")
    api.register_blueprint(session_api(coordinator))
    api.register_blueprint(read_api(coordinator))
    api.register_blueprint(live_api(coordinator))
    api.register_blueprint(order_api(coordinator))
    app.register_blueprint(api)
    app.register_blueprint(page(coordinator))
    return app
