"""Sessions: the page shows a token once and gets a cookie that its scripts cannot read."""

from flask import Blueprint, Response, jsonify

from headroom.coordinator import Coordinator
from headroom.protocol.messages import Message
from headroom.protocol.problems import TOKEN_REQUIRED, ProblemError
from headroom.store import sessions, tokens
from headroom.web.bodies import read_body
from headroom.web.security import (
    LOOPBACK_HOSTS,
    SESSION_COOKIE,
    Credentials,
    csrf_token,
    host_name,
    require_person,
)

# A working day; whoever needs longer shows the token again.
SESSION_S = 12 * 3600


class SignInBody(Message):
    """A token, to open a session with its rights."""

    token: str


def session_api(coordinator: Coordinator) -> Blueprint:
    """Routes under /api/v1/session."""
    api = Blueprint("session", __name__)
    store, clock = coordinator.store, coordinator.clock

    @api.post("/session")
    def sign_in() -> Response:
        token = read_body(SignInBody).token
        now_unix_s = int(clock.unix_s())
        with store.write() as db:
            name = tokens.token_name(db, token)
            if name is None:
                raise ProblemError(TOKEN_REQUIRED, "token: nobody has this one, or not any more")
            secret = sessions.open_session(db, name, now_unix_s, SESSION_S)
        response = _session(name, secret, now_unix_s + SESSION_S)
        _set_cookie(response, secret, SESSION_S)
        return response

    @api.get("/session")
    def who() -> Response:
        person = require_person(coordinator)
        secret = Credentials.of_request().session
        if secret is None:
            return _session(person, None, None)
        with store.read() as db:
            session = sessions.session_of(db, secret, clock.unix_s())
        return _session(person, secret, session.ends_unix_s if session else None)

    @api.delete("/session")
    def sign_out() -> Response:
        secret = Credentials.of_request().session
        if secret is not None:
            with store.write() as db:
                sessions.end_session(db, secret)
        response = Response(status=204)
        _set_cookie(response, "", 0)
        return response

    return api


def _session(name: str, secret: str | None, ends_unix_s: int | None) -> Response:
    return jsonify(
        {
            "name": name,
            "role": "admin",
            "csrf_token": csrf_token(secret) if secret else None,
            "ends_unix_s": ends_unix_s,
        }
    )


def _set_cookie(response: Response, secret: str, lasts_s: int) -> None:
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
