"""Who changed what."""

from typing import Any, Self

from headroom.store.audit import Change
from headroom.web.documents.base import Document, UnixS


class ChangeDocument(Document):
    """A change of one thing; `old` or `new` null where there was or is none.

    Of keys and tokens a fingerprint is told, no more.
    """

    id: int
    unix_s: UnixS
    person: str
    what: str
    target: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None

    @classmethod
    def of(cls, change: Change) -> Self:
        """Of a change as recorded."""
        return cls(
            id=change.id,
            unix_s=change.unix_s,
            person=change.person,
            what=change.what,
            target=change.target,
            old=change.old,
            new=change.new,
        )


class ChangesDocument(Document):
    """Changes, newest first; `next` is the `before` to read on with, or null."""

    changes: tuple[ChangeDocument, ...]
    next: int | None
