"""The live state of the site, as the page and its stream tell it."""

from headroom.coordinator import Coordinator
from headroom.store import events
from headroom.web.documents.live import StateDocument

_NEWEST_EVENTS = 20


def current_state(coordinator: Coordinator) -> StateDocument:
    """Everything that the page shows, as of now; raises StoreUnavailableError."""
    with coordinator.store.read() as db:
        newest = events.newest_events(db, _NEWEST_EVENTS)
    return StateDocument.of(coordinator.view(), coordinator.site, newest)
