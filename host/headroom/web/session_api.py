"""Sessions: the page shows a token once and gets a cookie that its scripts cannot read.

Instead of a token it may show a code that `headroom sign-in` printed, and that opens one session.
"""

from collections.abc import Iterator

from flask import Blueprint, Response, after_this_request, g
from sqlalchemy import Connection

from headroom.coordinator import Coordinator
from headroom.protocol.messages import Message
from headroom.protocol.problems import TOKEN_REQUIRED, ProblemError
from headroom.store import sessions, sign_in_codes, tokens
from headroom.store.tokens import TokenRecord
from headroom.web.documents.access import SessionDocument
from headroom.web.operations import operation
from headroom.web.rates import Rates
from headroom.web.security import (
    LOOPBACK_HOSTS,
    SESSION_COOKIE,
    Credentials,
    address,
    csrf_token,
    host_name,
)

# A working day; whoever needs longer shows the token again.
SESSION_S = 12 * 3600


class SignInBody(Message):
    """A token, to open a session with its rights."""

    token: str


class SignInByCodeBody(Message):
    """The code of a link that `headroom sign-in` printed."""

    code: str


def session_api(coordinator: Coordinator, rates: Rates) -> Blueprint:
    """Routes under /api/v1/session."""
    api = Blueprint("session", __name__)
    store, clock = coordinator.store, coordinator.clock

    @api.post("/session")
    @operation(None, TOKEN_REQUIRED)
    def sign_in(body: SignInBody) -> SessionDocument:
        """Open a session with the rights of a token; the cookie is its key."""
        with store.write() as db:
            found = tokens.token_record(db, body.token)
            if found is not None:
                return open_session(db, found)
        raise refusal("token: nobody has this one, or not any more")

    @api.post("/session/by-code")
    @operation(None, TOKEN_REQUIRED)
    def sign_in_by_code(body: SignInByCodeBody) -> SessionDocument:
        """Open a session with a code that `headroom sign-in` printed, once, where it is for."""
        with store.write() as db:
            name = sign_in_codes.spend_code(db, body.code, int(clock.unix_s()), _scopes())
            found = tokens.token_of(db, name) if name else None
            if found is not None:
                return open_session(db, found)
        raise refusal(
            "code: was used, is too old or is for another place; `headroom sign-in` prints "
            "another link, and --page says from where it is used"
        )

    def refusal(why: str) -> ProblemError:
        rates.take(address(), refused=True)
        return ProblemError(TOKEN_REQUIRED, why)

    def open_session(db: Connection, person: TokenRecord) -> SessionDocument:
        now_unix_s = int(clock.unix_s())
        secret = sessions.open_session(db, person.name, now_unix_s, SESSION_S)
        _send_cookie(secret, SESSION_S)
        return SessionDocument(
            name=person.name,
            role=person.role,
            csrf_token=csrf_token(secret),
            ends_unix_s=now_unix_s + SESSION_S,
        )

    @api.get("/session")
    @operation("read", personal=True)
    def who() -> SessionDocument:
        """Whose rights this request has, and what a session needs for changes."""
        secret = Credentials.of_request().session
        with store.read() as db:
            session = sessions.session_of(db, secret, clock.unix_s()) if secret else None
        return SessionDocument(
            name=g.access.name,
            role=g.access.role,
            csrf_token=csrf_token(secret) if secret else None,
            ends_unix_s=session.ends_unix_s if session else None,
        )

    @api.delete("/session")
    @operation("read", personal=True)
    def sign_out() -> None:
        """End the session."""
        secret = Credentials.of_request().session
        if secret is not None:
            with store.write() as db:
                sessions.end_session(db, secret)
        _send_cookie("", 0)

    return api


def _scopes() -> Iterator[str]:
    """For which codes the current request comes from the right place."""
    yield sign_in_codes.called(host_name())
    # A proxy on this machine is near too, but calls it by the name that others use.
    is_near = address() == "::1" or address().startswith("127.")
    if is_near and host_name() in LOOPBACK_HOSTS:
        yield sign_in_codes.THIS_MACHINE


def _send_cookie(secret: str, lasts_s: int) -> None:
    @after_this_request
    def add_cookie(response: Response) -> Response:
        response.set_cookie(
            SESSION_COOKIE,
            secret,
            max_age=lasts_s,
            path="/",
            httponly=True,
            samesite="Strict",
            # Loopback is without TLS; under any other name there is TLS in front.
            secure=host_name() not in LOOPBACK_HOSTS,
        )
        return response
