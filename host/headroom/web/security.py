"""Who may do what over the API: host names, tokens, and headers that bind the browser."""

from collections.abc import Collection

from flask import Flask, Response, g, request

from headroom.coordinator import Coordinator
from headroom.protocol.problems import HOST_REFUSED, TOKEN_REQUIRED, ProblemError
from headroom.store.tokens import token_name

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
_READING_METHODS = ("GET", "HEAD", "OPTIONS")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def secure(app: Flask, coordinator: Coordinator, allowed_hosts: Collection[str]) -> None:
    """Check every request of an app before its view runs, and mark every response."""
    hosts = {host.lower() for host in (*LOOPBACK_HOSTS, *allowed_hosts)}

    @app.before_request
    def check_host() -> None:
        # A page of another site whose name was pointed at this address shows itself here.
        if _host_name(request.host) not in hosts:
            raise ProblemError(HOST_REFUSED, "start the server with --allow-host for this name")

    @app.before_request
    def check_token() -> None:
        if request.method not in _READING_METHODS:
            g.person = _bearer(coordinator)

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(_HEADERS)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _host_name(host: str) -> str:
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()


def _bearer(coordinator: Coordinator) -> str:
    """Whose token the request carries; raises `token-required`."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        with coordinator.store.read() as db:
            name = token_name(db, token.strip())
        if name is not None:
            return name
    raise ProblemError(TOKEN_REQUIRED, "send `Authorization: Bearer` with the API token")
