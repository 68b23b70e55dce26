"""The endpoint for boards: one signed route and nothing else.

Plain WSGI. Reports are most of what a server does, and a framework takes a third of the time that
one of them costs.
"""

import re
import time
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

from headroom.coordinator import Coordinator
from headroom.coordinator.ingest import Arrival
from headroom.coordinator.reply import Reply, unsigned_refusal
from headroom.protocol.messages import MAX_REPORT_BYTES
from headroom.protocol.problems import LENGTH_REQUIRED, TOO_LARGE, ProblemError, of_status
from headroom.web.groups import CAME_S

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SIGNATURE_HEADER = "Headroom-Signature"
# Whoever states more wants to see what a number of thousands of digits does.
_MOST_DIGITS = 9
# Where a request's environment has its reply, once that is prepared.
_REPLY = "headroom.reply"
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_ROUTE = re.compile(r"/api/v1/boards/([^/]+)/reports")


class BoardApp:
    """The WSGI application that boards report to; also takes many of its requests together."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request, which may have been prepared."""
        if _REPLY not in environ:
            self.prepare([environ])
        reply: Reply = environ[_REPLY]
        headers = [("Content-Type", reply.media_type), ("Content-Length", str(len(reply.body)))]
        if reply.signature is not None:
            headers.append((SIGNATURE_HEADER, reply.signature))
        if reply.status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append(("Allow", "POST"))
        start_response(_STATUS_LINES[reply.status], headers)
        return [reply.body]

    def prepare(self, environs: "Sequence[WSGIEnvironment]") -> None:
        """Store what these requests bring, as one group, and keep the reply to each in it."""
        reporting, arrivals = [], []
        for environ in environs:
            read = self._read(environ)
            if isinstance(read, Reply):
                environ[_REPLY] = read
            else:
                reporting.append(environ)
                arrivals.append(read)
        if arrivals:
            replies = self._coordinator.handle_reports(arrivals)
            for environ, reply in zip(reporting, replies, strict=True):
                environ[_REPLY] = reply

    def _read(self, environ: "WSGIEnvironment") -> Arrival | Reply:
        route = _ROUTE.fullmatch(environ["PATH_INFO"])
        if route is None:
            return unsigned_refusal(of_status(HTTPStatus.NOT_FOUND, "boards report here, no more"))
        if environ["REQUEST_METHOD"] != "POST":
            return unsigned_refusal(of_status(HTTPStatus.METHOD_NOT_ALLOWED, "a report is a POST"))
        try:
            body = _read_body(environ)
        except ProblemError as problem:
            return self._coordinator.refuse(problem, route[1])
        signature = environ.get("HTTP_HEADROOM_SIGNATURE", "")
        came_s = environ.get(CAME_S, time.perf_counter())
        return Arrival(route[1], signature, body, environ.get("REMOTE_ADDR"), came_s)


def _read_body(environ: "WSGIEnvironment") -> bytes:
    stated: str = environ.get("CONTENT_LENGTH", "")
    if not stated.isascii() or not stated.isdigit():
        raise ProblemError(LENGTH_REQUIRED, "a report states its Content-Length")
    if len(stated) > _MOST_DIGITS or int(stated) > MAX_REPORT_BYTES:
        raise ProblemError(TOO_LARGE, f"{stated[:20]} bytes, at most {MAX_REPORT_BYTES} are read")
    body: bytes = environ["wsgi.input"].read(int(stated))
    return body
