"""The endpoint for boards: one signed route and nothing else.

Plain WSGI. Reports are most of what a server does, and a framework takes a third of the time that
one of them costs.
"""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from headroom.coordinator import Coordinator
from headroom.coordinator.reply import Reply, unsigned_refusal
from headroom.protocol.messages import MAX_REPORT_BYTES
from headroom.protocol.problems import LENGTH_REQUIRED, TOO_LARGE, ProblemError, of_status

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SIGNATURE_HEADER = "Headroom-Signature"
# Whoever states more wants to see what a number of thousands of digits does.
_MOST_DIGITS = 9
_ROUTE = re.compile(r"/api/v1/boards/([^/]+)/reports")


def board_app(coordinator: Coordinator) -> "WSGIApplication":
    """The WSGI application that boards report to."""

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        reply = _answer(coordinator, environ)
        headers = [("Content-Type", reply.media_type), ("Content-Length", str(len(reply.body)))]
        if reply.signature is not None:
            headers.append((SIGNATURE_HEADER, reply.signature))
        if reply.status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append(("Allow", "POST"))
        start_response(f"{reply.status} {HTTPStatus(reply.status).phrase}", headers)
        return [reply.body]

    return app


def _answer(coordinator: Coordinator, environ: "WSGIEnvironment") -> Reply:
    route = _ROUTE.fullmatch(environ["PATH_INFO"])
    if route is None:
        return unsigned_refusal(of_status(HTTPStatus.NOT_FOUND, "boards report here, no more"))
    if environ["REQUEST_METHOD"] != "POST":
        return unsigned_refusal(of_status(HTTPStatus.METHOD_NOT_ALLOWED, "a report is a POST"))
    try:
        body = _read_body(environ)
    except ProblemError as problem:
        return coordinator.refuse(problem, route[1])
    signature = environ.get("HTTP_HEADROOM_SIGNATURE", "")
    return coordinator.handle_report(route[1], signature, body, environ.get("REMOTE_ADDR"))


def _read_body(environ: "WSGIEnvironment") -> bytes:
    stated: str = environ.get("CONTENT_LENGTH", "")
    if not stated.isascii() or not stated.isdigit():
        raise ProblemError(LENGTH_REQUIRED, "a report states its Content-Length")
    if len(stated) > _MOST_DIGITS or int(stated) > MAX_REPORT_BYTES:
        raise ProblemError(TOO_LARGE, f"{stated[:20]} bytes, at most {MAX_REPORT_BYTES} are read")
    body: bytes = environ["wsgi.input"].read(int(stated))
    return body
