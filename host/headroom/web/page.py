"""What is not under /api/v1: the page, metrics, and whether the service is well."""

from flask import Blueprint, Response, jsonify, render_template
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from headroom.coordinator import Coordinator
from headroom.store import figures
from headroom.web.metrics import site_registry
from headroom.web.operations import operation


def page(coordinator: Coordinator) -> Blueprint:
    """The dashboard and the two routes that machines watch."""
    blueprint = Blueprint("page", __name__)
    registry = site_registry(coordinator)

    @blueprint.get("/")
    def dashboard() -> str:
        return render_template("dashboard.html")

    @blueprint.get("/metrics")
    @operation("read")
    def metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        with coordinator.store.read() as db:
            return jsonify({"status": "ok", "epoch": figures.epoch(db)})

    return blueprint
