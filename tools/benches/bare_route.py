"""The reference of `ingest`: a Flask route on the same server that parses the same JSON, no more.

python -m tools.benches.bare_route
"""

from __future__ import annotations

from flask import Flask, Response, jsonify, request
from headroom.logs import log_to_stderr
from headroom.web.address import Address
from headroom.web.server import Listeners


def bare_app() -> Flask:
    """Where boards report, without anything behind it."""
    app = Flask("bare", static_folder=None)

    @app.post("/api/v1/boards/<board_id>/reports")
    def report(board_id: str) -> Response:
        return jsonify(board=board_id, seq=request.get_json()["seq"])

    return app


if __name__ == "__main__":
    log_to_stderr()
    with Listeners() as listeners:
        bound = listeners.listen_for_people(bare_app(), Address("127.0.0.1", 0))
        print(f"ready: boards {bound}", flush=True)
        listeners.run()
