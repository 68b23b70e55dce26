"""The coordinator: checks a report, makes it durable, grants leases, answers."""

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from headroom.allocation.book import Grant
from headroom.coordinator import maintenance, snapshot
from headroom.coordinator.beacons import Beacons
from headroom.coordinator.clock import Clock
from headroom.coordinator.instruments import Instruments
from headroom.coordinator.leasing import Leasing
from headroom.coordinator.live import LiveBoard, restore
from headroom.coordinator.orders import Orders
from headroom.coordinator.reception import authenticate, is_board_id, is_repeat, read_report
from headroom.coordinator.reply import Reply, Signer, unsigned_refusal
from headroom.protocol.messages import Answer, PlanBody, Report
from headroom.protocol.problems import STORE_UNAVAILABLE, SUPERSEDED, UNSIGNED, ProblemError
from headroom.site import Board, Site
from headroom.store import Store, StoreUnavailableError, boards, figures, journal, leases, prices
from headroom.store.boards import BoardRecord
from headroom.store.orders import StoredPlan

log = structlog.get_logger()


@dataclass(frozen=True)
class Settings:
    """How long boards may go on without another answer."""

    lease_s: int = 30
    valid_s: int = 120


@dataclass(frozen=True)
class _Accepted:
    """What one transaction made durable; takes effect in memory only after it."""

    epoch: int
    plan: StoredPlan
    grant: Grant
    ack_event: int
    maintenance: bool


class Coordinator:
    """Owns epoch, leases and live state of one site. Its methods may be called from any thread."""

    def __init__(
        self,
        site: Site,
        store: Store,
        clock: Clock,
        settings: Settings | None = None,
        beacons: Beacons | None = None,
    ) -> None:
        self.site = site
        self.store = store
        self.clock = clock
        self.settings = settings or Settings()
        self.beacons = beacons
        self.orders = Orders(site, store, clock, beacons.ask if beacons else _ask_nobody)
        self.instruments = Instruments()
        self._refusals: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._live: dict[str, LiveBoard] = {}
        self._reports: Counter[str] = Counter()
        self._start()

    def handle_report(
        self, board_id: str, signature: str, body: bytes, host: str | None = None
    ) -> Reply:
        """Answer one report, or refuse it; never raises for what a sender can cause.

        `host` is the address that it came from.
        """
        with self.instruments.report_s.time(), self._lock:
            try:
                board, record = self._authenticate(board_id, signature, body)
            except ProblemError as problem:
                return self._refuse(problem, board_id)
            signer = Signer(record.key, signature)
            try:
                return signer.answer(self._accept(board, record, body, host).encode())
            except ProblemError as problem:
                self._count(problem, board_id)
                return signer.refusal(problem, record.last_pair[0])

    def refuse(self, problem: ProblemError, board_id: str) -> Reply:
        """Refuse a report that was not even read."""
        with self._lock:
            return self._refuse(problem, board_id)

    def view(self) -> snapshot.SiteView:
        """The site as it is now; raises StoreUnavailableError."""
        with self.store.read() as db:
            orders = {board.id: snapshot.board_orders(db, board.id) for board in self.site.boards}
            known_prices = prices.current_prices(db)
        with self._lock:
            return snapshot.site_view(
                self.site,
                snapshot.State(
                    self._epoch,
                    self._leasing,
                    self._live,
                    self._reports,
                    self._refusals,
                    orders,
                    known_prices,
                ),
                self.clock,
            )

    def _start(self) -> None:
        """Take a higher epoch and learn what was true before this start."""
        with self.store.write() as db:
            self._epoch = figures.raise_epoch(db)
            stored = leases.stored_leases(db)
            records = list(boards.records(db))
        lease_s = self.settings.lease_s
        self._leasing = Leasing(self.site, self.clock, lease_s, self._epoch, stored)
        for record in records:
            self._restore(record)

    def _restore(self, record: BoardRecord) -> None:
        board = self.site.board(record.id)
        live = restore(record, self.clock)
        self._reports[record.id] = record.reports
        # A board whose circuits were changed in the site file shows nothing until it reports.
        if board and live and len(live.report.circuits) == len(board.circuits):
            self._live[record.id] = live
            self._leasing.demands.learn(board, live.report, live.received_s)

    def _authenticate(
        self, board_id: str, signature: str, body: bytes
    ) -> tuple[Board, BoardRecord]:
        board = self.site.board(board_id)
        try:
            with self.store.read() as db:
                record = boards.record(db, board_id) if board else None
        except StoreUnavailableError as error:
            raise ProblemError(STORE_UNAVAILABLE, str(error)) from error
        record = authenticate(record, board_id, signature, body)
        if board is None:
            raise ProblemError(UNSIGNED, "no such board")
        return board, record

    def _accept(self, board: Board, record: BoardRecord, body: bytes, host: str | None) -> Answer:
        report = read_report(board, body)
        repeat = is_repeat(record, report, body)
        if self.beacons and not repeat:
            # Before its plan is read: an order that comes in from here on asks the board anew.
            self.beacons.reported(board.id, host)
        now_s, now_unix_s = self.clock.monotonic_s(), int(self.clock.unix_s())
        live = self._live | {board.id: LiveBoard(report, now_s, now_unix_s)}
        try:
            with self.store.write() as db:
                if not repeat:
                    boards.accept(db, board.id, report, body, now_unix_s)
                    journal.append(db, board.id, report, now_unix_s)
                accepted = self._decide(db, board, report, repeat)
        except StoreUnavailableError as error:
            raise ProblemError(STORE_UNAVAILABLE, str(error)) from error
        self._epoch = accepted.epoch
        if not repeat:
            self._live = live
            self._reports[board.id] += 1
            self.instruments.count_events(board.id, report)
        return self._answer(report, accepted, now_unix_s)

    def _decide(self, db: Connection, board: Board, report: Report, repeat: bool) -> _Accepted:
        """Epoch, plan and leases for an answer, all in the report's own transaction."""
        epoch = self._epoch
        if figures.epoch(db) != epoch:
            raise ProblemError(SUPERSEDED, "another coordinator has taken over this store")
        if report.epoch > epoch:
            epoch = figures.raise_epoch(db, above=report.epoch)
            self._leasing.begin_term(epoch)
        plan = self.orders.current_plan(db, board)
        grant = self._lease(db, board, report, repeat)
        ack_event = journal.last_event(db, board.id, report.boot)
        leaves = maintenance.must_go(db, board.id, report, repeat, self.clock.unix_s())
        return _Accepted(epoch, plan, grant, ack_event, leaves)

    def _lease(self, db: Connection, board: Board, report: Report, repeat: bool) -> Grant:
        if repeat:
            # Whoever sends it again gets what it got, for no longer: it needs no key to do so.
            return self._leasing.granted_before(board, report)
        with self.instruments.allocation_s.time():
            grant = self._leasing.lease(board, report)
        for board_id in {board.id, *self._leasing.book.take_expired()}:
            leases.replace_leases(db, board_id, self._leasing.book.of_board(board_id))
        return grant

    def _answer(self, report: Report, accepted: _Accepted, now_unix_s: int) -> Answer:
        plan = accepted.plan
        known = (report.epoch, report.rev) == (accepted.epoch, plan.rev)
        return Answer(
            boot=report.boot,
            seq=report.seq,
            time=now_unix_s,
            valid_s=self.settings.valid_s,
            lease_ma=accepted.grant.lease_ma,
            lease_s=self.settings.lease_s,
            epoch=accepted.epoch,
            rev=plan.rev,
            ack_event=accepted.ack_event,
            ack_minutes=tuple((minute.boot, minute.minute) for minute in report.minutes),
            beacon=self.beacons.counter if self.beacons else None,
            maintenance=1 if accepted.maintenance else None,
            plan=None if known else PlanBody.decode(plan.body.encode()),
        )

    def _refuse(self, problem: ProblemError, board_id: str) -> Reply:
        self._count(problem, board_id)
        return unsigned_refusal(problem)

    def _count(self, problem: ProblemError, board_id: str) -> None:
        self._refusals[problem.kind.slug] += 1
        shown = board_id if is_board_id(board_id) else "(not a board id)"
        log.warning(
            "report refused", board=shown, problem=problem.kind.slug, detail=problem.detail
        )


def _ask_nobody(_board_ids: Iterable[str]) -> None:
    """Without beacons an order waits for the board's next report."""
