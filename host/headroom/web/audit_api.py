"""Who changed what, for those who may change everything."""

from typing import Annotated

from flask import Blueprint
from pydantic import Field

from headroom.coordinator import Coordinator
from headroom.store import audit
from headroom.web.documents.audit import ChangeDocument, ChangesDocument
from headroom.web.documents.base import Text
from headroom.web.operations import Query, operation

_MOST_ROWS = 500


class ChangesQuery(Query):
    """Changes before the one of a cursor; without one the newest. By one person, of one kind."""

    before: Annotated[int, Field(ge=0, le=2**63 - 1)] = 2**63 - 1
    limit: Annotated[int, Field(ge=1, le=_MOST_ROWS)] = 100
    person: Annotated[Text, Field(max_length=64)] | None = None
    what: Annotated[Text, Field(max_length=32)] | None = None


def audit_api(coordinator: Coordinator) -> Blueprint:
    """The route /api/v1/audit."""
    api = Blueprint("audit", __name__)

    @api.get("/audit")
    @operation("admin")
    def changes(query: ChangesQuery) -> ChangesDocument:
        """Who changed what by API or on the machine, newest first, with what was before."""
        with coordinator.store.read() as db:
            found = audit.changes_before(db, query.before, query.limit, query.person, query.what)
        full = len(found) == query.limit
        documents = tuple(map(ChangeDocument.of, found))
        return ChangesDocument(changes=documents, next=found[-1].id if full else None)

    return api
