"""API tokens: random, shown once, stored as a hash only."""

import secrets
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Row, delete, insert, select

from headroom.store import audit
from headroom.store.hashing import SECRET_BYTES, hashed
from headroom.store.tables import tokens

# Each may do what the ones before it may: see, give orders, change who and what belongs here.
Role = Literal["read", "operate", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
# A name stands in addresses and in the record of who ordered what.
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$"


@dataclass(frozen=True)
class TokenRecord:
    """Who has a token, what it allows, and when it was made."""

    name: str
    role: Role
    made_unix_s: int


def make_token(db: Connection, name: str, now_unix_s: int, role: Role = "admin") -> str:
    """A new token for `name`, which loses its earlier one."""
    token = secrets.token_urlsafe(SECRET_BYTES)
    put_token(db, token, TokenRecord(name, role, now_unix_s))
    return token


def put_token(db: Connection, token: str, record: TokenRecord) -> None:
    """Take a token that was made elsewhere, as random as one made here."""
    with audit.recorded(db, tokens, name=record.name):
        db.execute(delete(tokens).where(tokens.c.name == record.name))
        db.execute(insert(tokens).values(**asdict(record), sha256=hashed(token)))


def revoke_token(db: Connection, name: str) -> bool:
    """Forget the token of `name` and its sessions; whether there was one."""
    with audit.recorded(db, tokens, name=name):
        return db.execute(delete(tokens).where(tokens.c.name == name)).rowcount > 0


def token_record(db: Connection, token: str) -> TokenRecord | None:
    """Whose token this is, or None if nobody's."""
    row = db.execute(select(tokens).where(tokens.c.sha256 == hashed(token))).first()
    return _record(row) if row else None


def token_records(db: Connection) -> list[TokenRecord]:
    """Everybody who has a token, by name."""
    return [_record(row) for row in db.execute(select(tokens).order_by(tokens.c.name))]


def token_of(db: Connection, name: str) -> TokenRecord | None:
    """What the token of `name` allows; None if they have none."""
    row = db.execute(select(tokens).where(tokens.c.name == name)).first()
    return _record(row) if row else None


def has_admin(db: Connection) -> bool:
    """Whether anybody may make further tokens."""
    query = select(tokens.c.name).where(tokens.c.role == "admin")
    return db.execute(query).first() is not None


def _record(row: Row[Any]) -> TokenRecord:
    return TokenRecord(row.name, row.role, row.made_unix_s)
