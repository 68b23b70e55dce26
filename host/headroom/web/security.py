"""Who may do what over the API: hosts, tokens, sessions, and headers that bind the browser."""

import hmac
from collections.abc import Collection
from dataclasses import dataclass

from flask import Flask, Response, g, request

from headroom.coordinator import Coordinator
from headroom.protocol.problems import CSRF_REQUIRED, HOST_REFUSED, TOKEN_REQUIRED, ProblemError
from headroom.store.hashing import hashed
from headroom.store.sessions import session_of
from headroom.store.tokens import token_name

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
SESSION_COOKIE = "headroom_session"
CSRF_HEADER = "Headroom-CSRF"
# Opening a session is how somebody without rights gets them.
_OPEN_TO_ALL = frozenset(("api.session.sign_in",))
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


@dataclass(frozen=True)
class Credentials:
    """What a request shows of its sender: a token, or else a session's secret."""

    token: str | None
    session: str | None

    @classmethod
    def of_request(cls) -> "Credentials":
        """Those of the current request; a token that is shown is the only one that counts."""
        if "Authorization" not in request.headers:
            return cls(None, request.cookies.get(SESSION_COOKIE))
        scheme, _, token = request.headers["Authorization"].partition(" ")
        return cls(token.strip() if scheme.lower() == "bearer" else "", None)

    def person(self, coordinator: Coordinator) -> str | None:
        """Whose these are; None if nobody's any more."""
        with coordinator.store.read() as db:
            if self.token is not None:
                return token_name(db, self.token)
            if self.session is None:
                return None
            session = session_of(db, self.session, coordinator.clock.unix_s())
        return session.name if session else None


def csrf_token(session_secret: str) -> str:
    """What the page sends with changes; only who can read the session's answers knows it."""
    return hashed("csrf\n" + session_secret).hex()


def secure(app: Flask, coordinator: Coordinator, allowed_hosts: Collection[str]) -> None:
    """Check every request of an app before its view runs, and mark every response."""
    hosts = {host.lower() for host in (*LOOPBACK_HOSTS, *allowed_hosts)}

    @app.before_request
    def check_host() -> None:
        # A page of another site whose name was pointed at this address shows itself here.
        if host_name() not in hosts:
            raise ProblemError(HOST_REFUSED, "start the server with --allow-host for this name")

    @app.before_request
    def check_person() -> None:
        if request.method not in _READING_METHODS and request.endpoint not in _OPEN_TO_ALL:
            g.person = require_person(coordinator)

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(_HEADERS)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def host_name() -> str:
    """The name by which this server was called, without its port."""
    host = request.host.lower()
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def require_person(coordinator: Coordinator) -> str:
    """Whose token or session the request carries; raises `token-required`, `csrf-required`."""
    credentials = Credentials.of_request()
    person = credentials.person(coordinator)
    if person is None:
        raise ProblemError(
            TOKEN_REQUIRED, "send `Authorization: Bearer` with an API token, or sign in again"
        )
    if credentials.session is not None and request.method not in _READING_METHODS:
        _check_csrf(credentials.session)
    return person


def _check_csrf(session_secret: str) -> None:
    given = request.headers.get(CSRF_HEADER, "").encode()
    if not hmac.compare_digest(given, csrf_token(session_secret).encode()):
        raise ProblemError(CSRF_REQUIRED, f"send the session's csrf_token as {CSRF_HEADER}")
