"""The live state of the site, as the page and its stream tell it."""

from headroom.coordinator import Coordinator
from headroom.store import journal
from headroom.web.documents import Document, state_document

_NEWEST_EVENTS = 20


def current_state(coordinator: Coordinator) -> Document:
    """Everything that the page shows, as of now; raises StoreUnavailableError."""
    with coordinator.store.read() as db:
        events = journal.newest_events(db, _NEWEST_EVENTS)
    return state_document(coordinator.view(), coordinator.site, events)
