"""Tokens by API, as `headroom token` makes them on the machine itself."""

from typing import Annotated

from flask import Blueprint
from pydantic import Field

from headroom.coordinator import Coordinator
from headroom.protocol.messages import Message
from headroom.protocol.problems import NO_SUCH_TOKEN, NOT_POSSIBLE, ProblemError
from headroom.store import tokens
from headroom.store.tokens import NAME_PATTERN, Role
from headroom.web.documents.access import NewTokenDocument, TokenDocument, TokensDocument
from headroom.web.operations import operation
from headroom.web.security import person

_Name = Annotated[str, Field(pattern=NAME_PATTERN)]


class TokenBody(Message):
    """What a new token allows."""

    role: Role


def token_api(coordinator: Coordinator) -> Blueprint:
    """Routes under /api/v1/tokens."""
    api = Blueprint("tokens", __name__)
    store = coordinator.store

    @api.get("/tokens")
    @operation("admin")
    def all_tokens() -> TokensDocument:
        """Everybody who has a token."""
        with store.read() as db:
            records = tokens.token_records(db)
        return TokensDocument(tokens=tuple(map(TokenDocument.of, records)))

    @api.put("/tokens/<name>")
    @operation("admin", NOT_POSSIBLE)
    def make_token(name: _Name, body: TokenBody) -> NewTokenDocument:
        """Make a token for a name, which loses its earlier one; it is told this once."""
        _not_oneself(name)
        now_unix_s = int(coordinator.clock.unix_s())
        with store.write() as db:
            token = tokens.make_token(db, name, now_unix_s, body.role)
        return NewTokenDocument(name=name, role=body.role, made_unix_s=now_unix_s, token=token)

    @api.delete("/tokens/<name>")
    @operation("admin", NO_SUCH_TOKEN, NOT_POSSIBLE)
    def revoke_token(name: _Name) -> None:
        """Make a token useless at once, and end its sessions."""
        _not_oneself(name)
        with store.write() as db:
            if not tokens.revoke_token(db, name):
                raise ProblemError(NO_SUCH_TOKEN, f"{name} has no token")

    return api


def _not_oneself(name: str) -> None:
    # Whoever drops the last token of an admin by mistake is locked out of the API.
    if name == person():
        raise ProblemError(NOT_POSSIBLE, f"{name} is you; use `headroom token` on the machine")
