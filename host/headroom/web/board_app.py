"""The endpoint for boards: one signed route and nothing else."""

from flask import Flask, Response, request

from headroom.coordinator import Coordinator
from headroom.coordinator.reply import Reply
from headroom.protocol.messages import MAX_REPORT_BYTES
from headroom.protocol.problems import LENGTH_REQUIRED, TOO_LARGE, ProblemError
from headroom.web.errors import render_problems

SIGNATURE_HEADER = "Headroom-Signature"


def board_app(coordinator: Coordinator) -> Flask:
    """The WSGI application that boards report to."""
    app = Flask("headroom.boards", static_folder=None)
    render_problems(app)

    @app.post("/api/v1/boards/<board_id>/reports")
    def report(board_id: str) -> Response:
        try:
            body = _read_body()
        except ProblemError as problem:
            return _response(coordinator.refuse(problem, board_id))
        signature = request.headers.get(SIGNATURE_HEADER, "")
        host = request.remote_addr
        return _response(coordinator.handle_report(board_id, signature, body, host))

    return app


def _read_body() -> bytes:
    length = request.content_length
    if length is None:
        raise ProblemError(LENGTH_REQUIRED, "a report states its Content-Length")
    if length > MAX_REPORT_BYTES:
        raise ProblemError(TOO_LARGE, f"{length} bytes, at most {MAX_REPORT_BYTES} are read")
    return request.get_data(cache=False)


def _response(reply: Reply) -> Response:
    response = Response(reply.body, reply.status, mimetype=reply.media_type)
    if reply.signature is not None:
        response.headers[SIGNATURE_HEADER] = reply.signature
    return response
