"""Who may do what over the API: hosts, tokens, sessions, and headers that bind the browser."""

import hmac
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass

from flask import Flask, Response, g, request

from headroom.coordinator import Coordinator
from headroom.protocol.problems import (
    CSRF_REQUIRED,
    HOST_REFUSED,
    ROLE_REQUIRED,
    TOKEN_REQUIRED,
    ProblemError,
)
from headroom.store import audit
from headroom.store.hashing import hashed
from headroom.store.sessions import session_of
from headroom.store.tokens import ROLES, Role, token_record
from headroom.web.operations import Operation
from headroom.web.rates import Rates

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
SESSION_COOKIE = "headroom_session"
CSRF_HEADER = "Headroom-CSRF"
_READING_METHODS = ("GET", "HEAD", "OPTIONS")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# A year. Under any name but loopback there is TLS in front, and it shall stay there.
_TLS_ONLY = "max-age=31536000"


@dataclass(frozen=True)
class Settings:
    """Names by which the API may be reached besides loopback, and who may read without a token."""

    hosts: frozenset[str] = frozenset()
    open_reading: bool = False

    @classmethod
    def of(cls, hosts: Collection[str], open_reading: bool) -> "Settings":
        """Of names in any case."""
        return cls(frozenset(host.lower() for host in (*LOOPBACK_HOSTS, *hosts)), open_reading)

    def opens(self, view: Operation) -> bool:
        """Whether a view needs no token here."""
        return self.open_reading and view.role == "read" and not view.personal


@dataclass(frozen=True)
class Access:
    """Who a request is of, and what they may do; None if nobody is known."""

    name: str | None
    role: Role | None

    def may(self, needed: Role) -> bool:
        """Whether the role is enough."""
        return self.role is not None and ROLES.index(self.role) >= ROLES.index(needed)


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

    @property
    def are_shown(self) -> bool:
        """Whether there are any."""
        return self.token is not None or self.session is not None

    def access(self, coordinator: Coordinator) -> Access:
        """What these allow now; raises StoreUnavailableError."""
        if not self.are_shown:
            return Access(None, None)
        with coordinator.store.read() as db:
            found = (
                session_of(db, self.session or "", coordinator.clock.unix_s())
                if self.token is None
                else token_record(db, self.token)
            )
        return Access(found.name, found.role) if found else Access(None, None)


def secure(app: Flask, coordinator: Coordinator, settings: Settings, rates: Rates) -> None:
    """Check every request of an app before its view runs, and mark every response."""

    @app.before_request
    def check_host() -> None:
        # A page of another site whose name was pointed at this address shows itself here.
        if host_name() not in settings.hosts:
            raise ProblemError(HOST_REFUSED, "start the server with --allow-host for this name")

    @app.before_request
    def check_access() -> None:
        credentials = Credentials.of_request()
        access = credentials.access(coordinator)
        rates.take(access.name or address(), credentials.are_shown and access.name is None)
        g.access = access
        view = app.view_functions.get(request.endpoint or "")
        if isinstance(view, Operation) and view.role and not settings.opens(view):
            _check_role(access, view.role)
            _check_csrf(credentials)
        g.recording = ExitStack()
        if access.name is not None:
            g.recording.enter_context(audit.by(access.name, coordinator.clock.unix_s()))

    @app.teardown_request
    def stop_recording(_error: BaseException | None) -> None:
        g.pop("recording", ExitStack()).close()

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(_HEADERS)
        response.headers.setdefault("Cache-Control", "no-store")
        if host_name() not in LOOPBACK_HOSTS:
            response.headers["Strict-Transport-Security"] = _TLS_ONLY
        return response


def host_name() -> str:
    """The name by which this server was called, without its port."""
    return name_of(request.host)


def name_of(host: str) -> str:
    """The name in `NAME[:PORT]`, in small letters."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()


def address() -> str:
    """Where the current request came from."""
    return request.remote_addr or ""


def sender() -> str:
    """Who sent the current request: whose token or session it carries, or else from where."""
    access: Access = g.access
    return access.name or address()


def person() -> str:
    """Whose token or session the current request carries, where one is needed."""
    name: str = g.access.name
    return name


def csrf_token(session_secret: str) -> str:
    """What the page sends with changes; only who can read the session's answers knows it."""
    return hashed("csrf\n" + session_secret).hex()


def _check_role(access: Access, needed: Role) -> None:
    if access.name is None:
        raise ProblemError(
            TOKEN_REQUIRED, "send `Authorization: Bearer` with an API token, or sign in again"
        )
    if not access.may(needed):
        raise ProblemError(
            ROLE_REQUIRED, f"{access.name} may {access.role}; this takes the role {needed}"
        )


def _check_csrf(credentials: Credentials) -> None:
    if credentials.session is None or request.method in _READING_METHODS:
        return
    given = request.headers.get(CSRF_HEADER, "").encode()
    if not hmac.compare_digest(given, csrf_token(credentials.session).encode()):
        raise ProblemError(CSRF_REQUIRED, f"send the session's csrf_token as {CSRF_HEADER}")
