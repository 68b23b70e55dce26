"""Who is who: tokens and sessions."""

from typing import Self

from headroom.store.tokens import Role, TokenRecord
from headroom.web.documents.base import Document, UnixS


class SessionDocument(Document):
    """Whose rights the request has; csrf_token and end null if it came without a session."""

    name: str
    role: Role
    csrf_token: str | None
    ends_unix_s: UnixS | None


class TokenDocument(Document):
    """Who has a token, and what it allows; the token itself is stored nowhere."""

    name: str
    role: Role
    made_unix_s: UnixS

    @classmethod
    def of(cls, record: TokenRecord) -> Self:
        """Of a token as stored."""
        return cls(name=record.name, role=record.role, made_unix_s=record.made_unix_s)


class TokensDocument(Document):
    """Everybody who has a token."""

    tokens: tuple[TokenDocument, ...]


class NewTokenDocument(TokenDocument):
    """A token that was just made, told this once."""

    token: str
