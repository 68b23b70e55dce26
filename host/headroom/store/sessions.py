"""Sessions of the page: a token's rights under a random secret with an end, stored as a hash."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from headroom.store.hashing import hashed
from headroom.store.short_lived import make_secret
from headroom.store.tables import sessions, tokens
from headroom.store.tokens import Role


@dataclass(frozen=True)
class Session:
    """Whose session it is, what their token allows, and when it ends."""

    name: str
    role: Role
    ends_unix_s: int


def open_session(db: Connection, name: str, now_unix_s: int, lasts_s: int) -> str:
    """A new session of the person `name`; gives its secret. Forgets those that have ended."""
    return make_secret(db, sessions, name, now_unix_s, lasts_s)


def session_of(db: Connection, secret: str, now_unix_s: float) -> Session | None:
    """The session of a secret; None if there is none, it has ended or its token was revoked."""
    query = (
        select(tokens.c.name, tokens.c.role, sessions.c.ends_unix_s)
        .join(tokens, tokens.c.name == sessions.c.token)
        .where(sessions.c.sha256 == hashed(secret), sessions.c.ends_unix_s > now_unix_s)
    )
    row = db.execute(query).first()
    return Session(row.name, row.role, row.ends_unix_s) if row else None


def end_session(db: Connection, secret: str) -> None:
    """Forget a session, if there is one."""
    db.execute(delete(sessions).where(sessions.c.sha256 == hashed(secret)))
