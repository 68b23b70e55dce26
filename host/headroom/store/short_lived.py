"""Secrets that end by themselves, sessions and sign-in codes alike: stored as a hash."""

import secrets

from sqlalchemy import Connection, Table, delete, insert

from headroom.store.hashing import SECRET_BYTES, hashed


def make_secret(
    db: Connection, table: Table, name: str, now_unix_s: int, lasts_s: int, scope: str = ""
) -> str:
    """A secret in the name of somebody who has a token. Forgets those that have ended.

    It is found again by the hash of itself and its scope.
    """
    db.execute(delete(table).where(table.c.ends_unix_s <= now_unix_s))
    secret = secrets.token_urlsafe(SECRET_BYTES)
    row = {"sha256": hashed(secret + scope), "token": name, "ends_unix_s": now_unix_s + lasts_s}
    db.execute(insert(table).values(row))
    return secret
