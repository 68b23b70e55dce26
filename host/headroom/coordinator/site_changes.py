"""Changes of the site while it runs: durable, checked as the file is, in force at once."""

import math
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import structlog
from sqlalchemy import Connection

from headroom.coordinator.configured import Configured
from headroom.coordinator.ingest import Ingest
from headroom.coordinator.live import STALE_INTERVALS
from headroom.phases import PhaseMa
from headroom.protocol.problems import (
    BOARD_REPORTS,
    NO_SUCH_CHANGE,
    NOT_POSSIBLE,
    SUPERSEDED,
    ProblemError,
)
from headroom.site import Board, Feeder, Meter, Site, SiteError, check_limit
from headroom.site.changes import TABLE, Name, changed_site, fitting_site, named, spelled
from headroom.store import Store, boards, figures, orders, outdated_boards, site_changes

log = structlog.get_logger()
Misfits = Mapping[Name, list[str]]


def site_as_changed(site: Site, store: Store) -> tuple[Site, Misfits]:
    """The site of the file with what people changed since, and why some of that does not fit."""
    with store.read() as db:
        known = site_changes.changes(db)
    site, misfits = fitting_site(site, known)
    for name, why in misfits.items():
        log.error("change of the site no longer fits its file", change=spelled(name), why=why)
    return site, misfits


class SiteChanges:
    """Changes the site. Its methods may be called from any thread, and raise ProblemError."""

    def __init__(self, file_site: Site, misfits: Misfits, store: Store, ingest: Ingest) -> None:
        self.misfits = misfits
        self._file_site = file_site
        self._store = store
        self._ingest = ingest
        self._lock = threading.Lock()

    @property
    def site(self) -> Site:
        """The site as it is now."""
        return self._ingest.configured.site

    @property
    def outdated(self) -> frozenset[str]:
        """Boards that have to be provisioned before they run by what the site says."""
        return frozenset(self._ingest.configured.outdated)

    def set_limit(self, feeder_id: str, limit_ma: PhaseMa) -> None:
        """The most wanted on a feeder from now on.

        A lower one is kept once boards have obeyed it, at the latest when their leases have ended.
        """
        self._put((f"feeder/{feeder_id}", "limit_ma"), list(limit_ma), feeder_id)

    def clear_limit(self, feeder_id: str) -> None:
        """The limit of the file again."""
        self._drop((f"feeder/{feeder_id}", "limit_ma"), feeder_id)

    def set_meter(self, feeder_id: str, meter: Meter) -> None:
        """What measures a feeder's uncontrolled load from now on."""
        self._put((f"feeder/{feeder_id}", "meter"), meter.model_dump(mode="json"), feeder_id)

    def clear_meter(self, feeder_id: str) -> None:
        """The meter of the file again."""
        self._drop((f"feeder/{feeder_id}", "meter"), feeder_id)

    def set_board_priority(self, board_id: str, priority: int) -> None:
        """Which boards are served first."""
        self._put((f"board/{board_id}", "priority"), priority)

    def set_circuit_priority(self, board_id: str, circuit: int, priority: int) -> None:
        """Which circuits are served first. The board sheds by the priority it was given."""
        self._put((f"circuit/{board_id}/{circuit}", "priority"), priority)

    def put_feeder(self, feeder: Feeder) -> None:
        """Add a feeder, or make one this."""
        self._put((f"feeder/{feeder.id}", TABLE), feeder.model_dump(mode="json"), feeder.id)

    def put_board(self, board: Board) -> None:
        """Add a board, or make one this."""
        self._put((f"board/{board.id}", TABLE), board.model_dump(mode="json"))

    def remove_feeder(self, feeder_id: str) -> None:
        """A feeder that nothing hangs on."""
        hanging = self._ingest.configured.hanging_on(feeder_id)
        if hanging:
            raise ProblemError(
                NOT_POSSIBLE,
                f"feeder {feeder_id} feeds {', '.join(hanging)}; move or remove these first",
            )
        is_in_file = any(feeder.id == feeder_id for feeder in self._file_site.feeders)
        self._remove(f"feeder/{feeder_id}", is_in_file)

    def remove_board(self, board_id: str) -> None:
        """A board that is silent; its last lease counts until it has run out."""
        self._remove(f"board/{board_id}", self._file_site.board(board_id) is not None)

    def read_meter(self, feeder_id: str, measured_ma: PhaseMa) -> None:
        """The uncontrolled load of a feeder, measured now."""
        meter = self.site.feeder(feeder_id).meter
        if meter is None:
            raise ProblemError(
                NOT_POSSIBLE, f"feeder {feeder_id} has no meter; give it one in the site file"
            )
        if meter.sensors:
            measuring = ", ".join(sorted({sensor.board for sensor in meter.sensors.values()}))
            raise ProblemError(
                NOT_POSSIBLE, f"feeder {feeder_id} is measured by {measuring}; it takes no reading"
            )
        with self._ingest.lock:
            self._ingest.leasing.read_meter(feeder_id, measured_ma)

    def changes(self) -> dict[Name, Any]:
        """Everything that is other than the file has it."""
        with self._store.read() as db:
            return site_changes.changes(db)

    def forget(self, spelling: str) -> None:
        """Go back to what the file says of one thing or value."""
        name = named(spelling, self.changes())
        if name is None:
            raise ProblemError(
                NO_SUCH_CHANGE, f"{spelling} is not among the changes that were made of the site"
            )
        self._drop(name)

    def _put(self, name: Name, value: Any, feeder_id: str | None = None) -> None:
        def edit(db: Connection) -> None:
            if name[1] == TABLE:
                site_changes.drop_changes_within(db, name[0])
            site_changes.put_change(db, *name, value)

        self._change(name, edit, feeder_id)

    def _drop(self, name: Name, feeder_id: str | None = None) -> None:
        self._change(name, lambda db: site_changes.drop_change(db, *name), feeder_id)

    def _remove(self, thing: str, is_in_file: bool) -> None:
        def edit(db: Connection) -> None:
            site_changes.drop_changes_within(db, thing)
            if is_in_file:
                site_changes.put_change(db, thing, TABLE, None)

        self._change((thing, TABLE), edit)

    def _change(
        self, name: Name, edit: Callable[[Connection], None], feeder_id: str | None = None
    ) -> None:
        """Make a change if the whole site is right with it, and there is room for it now."""
        with self._lock, ExitStack() as until_in_force:
            with self._store.write() as db:
                edit(db)
                site, misfits = self._checked(site_changes.changes(db), name, feeder_id)
                wanted = self._configured(db, site)
                # Nothing is granted between the look at what there is room for and the change.
                until_in_force.enter_context(self._ingest.lock)
                self._require_possible(db, wanted)
                outdated_boards.replace_outdated(db, wanted.outdated)
                orders.distrust_plans(db)
            self.misfits = misfits
            self._ingest.configure(wanted)

    def _checked(
        self, changes: Mapping[Name, Any], name: Name, feeder_id: str | None
    ) -> tuple[Site, Misfits]:
        """The site with these changes, but for those that did not fit before and still do not."""
        kept = {one: changes[one] for one in changes if one == name or one not in self.misfits}
        try:
            try:
                site, misfits = changed_site(self._file_site, changes), {}
            except SiteError:
                site = changed_site(self._file_site, kept)
                misfits = {one: self.misfits[one] for one in changes if one not in kept}
            if feeder_id is not None:
                check_limit(site, feeder_id)
        except SiteError as error:
            raise ProblemError(NOT_POSSIBLE, error.lines[0]) from error
        return site, misfits

    def _configured(self, db: Connection, site: Site) -> Configured:
        boots = {record.id: record.last_pair[0] for record in boards.records(db)}
        known = outdated_boards.outdated_by_board(db)
        return self._ingest.configured.changed(site, boots, known)

    def _require_possible(self, db: Connection, wanted: Configured) -> None:
        """Whoever calls holds the lock of what boards report."""
        for fault in wanted.faults():
            raise ProblemError(NOT_POSSIBLE, fault)
        for board in self.site.boards:
            if wanted.site.board(board.id) is None:
                self._require_silent(board)
        if wanted.structure != self._ingest.configured.structure:
            if figures.epoch(db) != self._ingest.epoch:
                raise ProblemError(SUPERSEDED, "another coordinator has taken over this store")
            self._ingest.leasing.require_room(wanted)

    def _require_silent(self, board: Board) -> None:
        """One that still reports would go on with its safe limit, and nobody would count it."""
        age_s = self._ingest.silent_s(board.id)
        left_s = STALE_INTERVALS * board.report_s - age_s
        if left_s >= 0:
            again_s = math.ceil(left_s) + 1
            raise ProblemError(
                BOARD_REPORTS,
                f"board {board.id} reported {age_s:.0f} s ago and would go on with its safe "
                f"limit, counted by nobody; switch it off, and ask again in {again_s} s",
                again_s,
            )
