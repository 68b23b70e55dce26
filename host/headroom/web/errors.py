"""One form for every error that leaves over HTTP."""

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from headroom.protocol.problems import (
    MEDIA_TYPE,
    STORE_UNAVAILABLE,
    TOKEN_REQUIRED,
    ProblemError,
    of_status,
)
from headroom.store import StoreUnavailableError

# A lock is gone by then, and a full disk is asked for no more often.
_STORE_RETRY_S = 5


def render_problems(app: Flask) -> None:
    """Make an app answer with problem documents, whatever goes wrong in it."""
    app.register_error_handler(ProblemError, problem_response)
    app.register_error_handler(StoreUnavailableError, _store_unavailable)
    app.register_error_handler(HTTPException, _http_error)


def problem_response(problem: ProblemError) -> Response:
    """A problem as a response."""
    response = Response(problem.encode(), problem.kind.status, mimetype=MEDIA_TYPE)
    if problem.retry_after_s is not None:
        response.headers["Retry-After"] = str(problem.retry_after_s)
    if problem.kind == TOKEN_REQUIRED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _store_unavailable(error: StoreUnavailableError) -> Response:
    return problem_response(ProblemError(STORE_UNAVAILABLE, str(error), _STORE_RETRY_S))


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    detail = error.description or ""
    response = problem_response(of_status(status, detail))
    # Such as Allow on 405; the content headers are the problem document's own.
    response.headers.extend(
        (name, value) for name, value in error.get_headers() if name not in response.headers
    )
    return response
