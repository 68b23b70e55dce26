"""API tokens: random, shown once, stored as a hash only."""

import secrets

from sqlalchemy import Connection, delete, insert, select

from headroom.store.hashing import SECRET_BYTES, hashed
from headroom.store.tables import tokens


def make_token(db: Connection, name: str, now_unix_s: int) -> str:
    """A new token for `name`, which loses its earlier one."""
    revoke_token(db, name)
    token = secrets.token_urlsafe(SECRET_BYTES)
    db.execute(insert(tokens).values(name=name, sha256=hashed(token), made_unix_s=now_unix_s))
    return token


def revoke_token(db: Connection, name: str) -> bool:
    """Forget the token of `name`; whether there was one."""
    return db.execute(delete(tokens).where(tokens.c.name == name)).rowcount > 0


def token_name(db: Connection, token: str) -> str | None:
    """Whose token this is, or None if nobody's."""
    return db.execute(select(tokens.c.name).where(tokens.c.sha256 == hashed(token))).scalar()


def has_tokens(db: Connection) -> bool:
    """Whether anybody has a token."""
    return db.execute(select(tokens.c.name)).first() is not None
