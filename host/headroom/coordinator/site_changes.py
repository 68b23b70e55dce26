"""Changes of the site while it runs: durable, checked as the file is, in force at once."""

import threading
from contextlib import suppress
from typing import Any

import structlog

from headroom.coordinator.ingest import Ingest
from headroom.phases import PhaseMa
from headroom.protocol.problems import NOT_POSSIBLE, ProblemError
from headroom.site import Meter, Site, SiteError, changed_site, check_limit
from headroom.store import Store, site_changes
from headroom.store.site_changes import Changes

log = structlog.get_logger()


def site_as_changed(site: Site, store: Store) -> Site:
    """The site of the file with what people changed since; what no longer fits is told of."""
    with store.read() as db:
        known = site_changes.changes(db)
    # Some may fit only beside each other.
    with suppress(SiteError):
        return changed_site(site, known)
    for name, value in sorted(known.items()):
        try:
            site = changed_site(site, {name: value})
        except SiteError as error:
            log.error("change of the site no longer fits its file", change=name, why=error.lines)
    return site


class SiteChanges:
    """Owns the site as it is now. Its methods may be called from any thread."""

    def __init__(self, file_site: Site, site: Site, store: Store, ingest: Ingest) -> None:
        self.site = site
        self._file_site = file_site
        self._store = store
        self._ingest = ingest
        self._lock = threading.Lock()

    def set_limit(self, feeder_id: str, limit_ma: PhaseMa) -> None:
        """The most wanted on a feeder from now on; raises ProblemError.

        A lower one is kept once boards have obeyed it, at the latest when their leases have ended.
        """
        self._change(f"feeder/{feeder_id}", "limit_ma", list(limit_ma), feeder_id)

    def clear_limit(self, feeder_id: str) -> None:
        """The limit of the file again."""
        self._change(f"feeder/{feeder_id}", "limit_ma", None, feeder_id)

    def set_meter(self, feeder_id: str, meter: Meter) -> None:
        """What measures a feeder's uncontrolled load from now on; raises ProblemError."""
        self._change(f"feeder/{feeder_id}", "meter", meter.model_dump(mode="json"), feeder_id)

    def clear_meter(self, feeder_id: str) -> None:
        """The meter of the file again."""
        self._change(f"feeder/{feeder_id}", "meter", None, feeder_id)

    def set_board_priority(self, board_id: str, priority: int) -> None:
        """Which boards are served first."""
        self._change(f"board/{board_id}", "priority", priority)

    def set_circuit_priority(self, board_id: str, circuit: int, priority: int) -> None:
        """Which circuits are served first. The board sheds by the priority it was given."""
        self._change(f"circuit/{board_id}/{circuit}", "priority", priority)

    def read_meter(self, feeder_id: str, measured_ma: PhaseMa) -> None:
        """The uncontrolled load of a feeder, measured now; raises ProblemError."""
        meter = self.site.feeder(feeder_id).meter
        if meter is None:
            raise ProblemError(
                NOT_POSSIBLE, f"feeder {feeder_id} has no meter; give it one in the site file"
            )
        if meter.sensors:
            boards = ", ".join(sorted({sensor.board for sensor in meter.sensors.values()}))
            raise ProblemError(
                NOT_POSSIBLE, f"feeder {feeder_id} is measured by {boards}; it takes no reading"
            )
        with self._ingest.lock:
            self._ingest.leasing.read_meter(feeder_id, measured_ma)

    def _change(self, thing: str, key: str, value: Any, feeder_id: str | None = None) -> None:
        with self._lock, self._store.write() as db:
            if value is None:
                site_changes.drop_change(db, thing, key)
            else:
                site_changes.put_change(db, thing, key, value)
            changed = self._checked(site_changes.changes(db), feeder_id)
        self.site = changed
        self._ingest.change_site(changed)

    def _checked(self, changes: Changes, feeder_id: str | None) -> Site:
        try:
            site = changed_site(self._file_site, changes)
            if feeder_id is not None:
                check_limit(site, feeder_id)
        except SiteError as error:
            raise ProblemError(NOT_POSSIBLE, error.lines[0]) from error
        return site
