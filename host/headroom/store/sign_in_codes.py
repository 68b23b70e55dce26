"""Codes that open one session each: stored as a hash, spent by their use, void after minutes."""

from collections.abc import Iterable

from sqlalchemy import Connection, delete

from headroom.store.hashing import hashed
from headroom.store.short_lived import make_secret
from headroom.store.tables import sign_in_codes

CODE_LASTS_S = 600
THIS_MACHINE = ""


def called(host: str) -> str:
    """The scope of a page that is called by this name, from wherever."""
    return f"@{host}"


def make_code(db: Connection, name: str, now_unix_s: int, scope: str = THIS_MACHINE) -> str:
    """A code in the name of somebody who has a token. Forgets those that have ended."""
    return make_secret(db, sign_in_codes, name, now_unix_s, CODE_LASTS_S, scope)


def spend_code(
    db: Connection, code: str, now_unix_s: int, scopes: Iterable[str] = (THIS_MACHINE,)
) -> str | None:
    """Whose code this is in one of these scopes; None if nobody's, or not any more.

    It is nobody's from then on.
    """
    hashes = [hashed(code + scope) for scope in scopes]
    query = (
        delete(sign_in_codes)
        .where(sign_in_codes.c.sha256.in_(hashes), sign_in_codes.c.ends_unix_s > now_unix_s)
        .returning(sign_in_codes.c.token)
    )
    return db.execute(query).scalar()
