"""Reports in, answers out: a group of them at a time, in one transaction.

What a report leaves in the store is written for the whole group at once, after every report of it
has been decided on. So one that is refused leaves nothing, and spoils nothing for the others.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import structlog

from headroom.allocation.book import Grant
from headroom.coordinator import maintenance
from headroom.coordinator.beacons import Beacons
from headroom.coordinator.clock import Clock
from headroom.coordinator.configured import Configured
from headroom.coordinator.instruments import Instruments
from headroom.coordinator.leasing import Leasing
from headroom.coordinator.live import LiveBoard, restore
from headroom.coordinator.orders import Orders
from headroom.coordinator.reception import authenticate, is_repeat, read_report
from headroom.coordinator.reply import Reply, Signer, unsigned_refusal
from headroom.coordinator.settings import Settings
from headroom.protocol.messages import Answer, PlanBody, Report
from headroom.protocol.problems import STORE_UNAVAILABLE, SUPERSEDED, UNSIGNED, ProblemError
from headroom.site import Board, Site
from headroom.store import (
    Store,
    StoreUnavailableError,
    boards,
    figures,
    leases,
    orders,
    outdated_boards,
)
from headroom.store.batch import Batch
from headroom.store.boards import BoardRecord, ReceivedReport
from headroom.store.orders import StoredPlan

log = structlog.get_logger()


@dataclass(frozen=True)
class Arrival:
    """A report as it came in, the address that it came from, and when by `time.perf_counter`."""

    board_id: str
    signature: str
    body: bytes
    host: str | None
    came_s: float = field(default_factory=time.perf_counter)


@dataclass(frozen=True)
class Accepted:
    """A report that is durable; `live` None if it was so before, for it came again."""

    signer: Signer
    answer: Answer
    board_id: str
    live: LiveBoard | None

    def reply(self) -> Reply:
        """The answer under the board's key."""
        return self.signer.answer(self.answer.encode())


@dataclass(frozen=True)
class Refused:
    """A report that left nothing; `signer` None where nobody has shown a board's key."""

    problem: ProblemError
    signer: Signer | None = None
    last_boot: int = 0

    def reply(self) -> Reply:
        """The problem, under the board's key if there is one."""
        if self.signer is None:
            return unsigned_refusal(self.problem)
        return self.signer.refusal(self.problem, self.last_boot)


Outcome = Accepted | Refused


class Ingest:
    """Owns epoch, leases and live state; readers hold `lock`, and one thread calls `handle`."""

    def __init__(
        self,
        site: Site,
        store: Store,
        clock: Clock,
        settings: Settings,
        orders: Orders,
        beacons: Beacons | None,
        instruments: Instruments,
    ) -> None:
        self._configured = Configured(site)
        self._store = store
        self._clock = clock
        self._settings = settings
        self._orders = orders
        self._beacons = beacons
        self._instruments = instruments
        self.lock = threading.Lock()
        self.live: dict[str, LiveBoard] = {}
        self.reports: Counter[str] = Counter()
        self._start()

    def handle(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """What becomes of each report, once everything that is accepted is durable."""
        try:
            with self._store.write() as db:
                batch = Batch(db, self._ids(arrivals))
                # Not while the disk syncs: others may look at what is known meanwhile.
                with self.lock:
                    outcomes = [self._consider(batch, arrival) for arrival in arrivals]
                batch.save()
        except StoreUnavailableError as error:
            return self._refuse_all(arrivals, ProblemError(STORE_UNAVAILABLE, str(error)))
        with self.lock:
            self._take_effect(batch, outcomes)
        return outcomes

    @property
    def configured(self) -> Configured:
        """The site, and what its boards may still be."""
        return self._configured

    def configure(self, configured: Configured) -> None:
        """Go on with another site; whoever calls holds `lock`."""
        self._configured = configured
        self.leasing.configure(configured)
        self._orders.configure(configured)
        self._instruments.forget_all_but({board.id for board in configured.site.boards})
        for board_id, live in list(self.live.items()):
            board = configured.board_of(board_id, len(live.report.circuits))
            if board is None:
                del self.live[board_id]
            else:
                self.live[board_id] = replace(live, board=board)

    def silent_s(self, board_id: str) -> float:
        """How long ago a board reported; whoever calls holds `lock`."""
        live = self.live.get(board_id)
        return live.age_s(self._clock.monotonic_s()) if live else math.inf

    def _start(self) -> None:
        """Take a higher epoch and learn what was true before this start."""
        with self._store.write() as db:
            self.epoch = figures.raise_epoch(db, self._clock.unix_s())
            stored = leases.stored_leases(db)
            records = list(boards.records(db))
            # They were made for the site file of the last start.
            orders.distrust_plans(db)
            outdated = outdated_boards.outdated_by_board(db)
        site, lease_s = self._configured.site, self._settings.lease_s
        self.leasing = Leasing(site, self._clock, lease_s, self.epoch, stored)
        self.configure(Configured(site, outdated))
        for record in records:
            self._restore(record)

    def _restore(self, record: BoardRecord) -> None:
        live = restore(record, self._configured, self._clock)
        self.reports[record.id] = record.reports
        # A board whose circuits were changed in the site file shows nothing until it reports.
        if live:
            self.live[record.id] = live
            self.leasing.demands.learn(live.board, live.report, live.received_s)

    def _ids(self, arrivals: Sequence[Arrival]) -> set[str]:
        """The site's boards among those named; the store is asked for no text of anybody's."""
        named = {arrival.board_id for arrival in arrivals}
        return {board_id for board_id in named if self._configured.site.board(board_id)}

    def _consider(self, batch: Batch, arrival: Arrival) -> Outcome:
        try:
            board, record = self._authenticate(batch.record(arrival.board_id), arrival)
        except ProblemError as problem:
            return Refused(problem)
        signer = Signer(record.key, arrival.signature)
        try:
            if batch.epoch_found != self.epoch:
                raise ProblemError(SUPERSEDED, "another coordinator has taken over this store")
            return self._accept(batch, board, record, arrival, signer)
        except ProblemError as problem:
            return Refused(problem, signer, record.last_pair[0])

    def _authenticate(
        self, record: BoardRecord | None, arrival: Arrival
    ) -> tuple[Board, BoardRecord]:
        board = self._configured.site.board(arrival.board_id)
        known = record if board else None
        record = authenticate(known, arrival.board_id, arrival.signature, arrival.body)
        if board is None:
            raise ProblemError(UNSIGNED, "no such board")
        return board, record

    def _accept(
        self, batch: Batch, board: Board, record: BoardRecord, arrival: Arrival, signer: Signer
    ) -> Accepted:
        report, board = read_report(self._configured, board, arrival.body)
        repeat = is_repeat(record, report, arrival.body)
        now_s, now_unix_s = self._clock.monotonic_s(), int(self._clock.unix_s())
        if not repeat:
            if self._beacons:
                # No order can come in before this transaction ends, and then it asks anew.
                self._beacons.reported(board.id, arrival.host)
            if board.id in self._configured.outdated:
                board = self._note_configuration(batch, board, report)
            is_first = report.boot != record.last_pair[0]
            batch.accept(
                ReceivedReport(board.id, report, arrival.body, now_unix_s, is_first, arrival.host)
            )
        answer = self._decide(batch, board, report, repeat, now_unix_s)
        live = None if repeat else LiveBoard(report, board, now_s, now_unix_s)
        return Accepted(signer, answer, board.id, live)

    def _note_configuration(self, batch: Batch, board: Board, report: Report) -> Board:
        """The board of the site, once a report shows that it was provisioned with that."""
        wanted = self._configured.site.board(board.id)
        if wanted is None or not self._configured.is_shown_by(report, wanted):
            return board
        if not outdated_boards.is_registered(batch.db, board.id):
            return board
        outdated_boards.drop_outdated(batch.db, board.id)
        # It was made for the earlier circuits.
        batch.plans.pop(board.id, None)
        self.configure(self._configured.without(board.id))
        return wanted

    def _decide(
        self, batch: Batch, board: Board, report: Report, repeat: bool, now_unix_s: int
    ) -> Answer:
        """Epoch, plan, lease and orders for one answer."""
        plan = self._plan(batch, board)
        if self._shows_another(batch, board, report, plan, repeat):
            batch.raise_epoch(now_unix_s, above=report.epoch)
            self.leasing.begin_term(batch.epoch)
            log.warning(
                "a board obeyed another coordinator, or this one before its store was restored",
                board=board.id,
                its_epoch=report.epoch,
                epoch=batch.epoch,
            )
        grant = self._lease(batch, board, report, repeat)
        order = batch.maintenance_order(board.id)
        leaves = maintenance.must_go(batch.db, board.id, order, report, repeat, now_unix_s)
        known = (report.epoch, report.rev) == (batch.epoch, plan.rev)
        return Answer(
            boot=report.boot,
            seq=report.seq,
            time=now_unix_s,
            valid_s=self._settings.valid_s,
            lease_ma=grant.lease_ma,
            lease_s=self._settings.lease_s,
            epoch=batch.epoch,
            rev=plan.rev,
            ack_event=batch.last_event(board.id),
            ack_minutes=tuple((minute.boot, minute.minute) for minute in report.minutes),
            beacon=self._beacons.counter if self._beacons else None,
            maintenance=1 if leaves else None,
            plan=None if known else PlanBody.decode(plan.body.encode()),
        )

    def _shows_another(
        self, batch: Batch, board: Board, report: Report, plan: StoredPlan, repeat: bool
    ) -> bool:
        """Whether a board has heard from a coordinator that this one does not know of."""
        # A newer plan of this epoch is of another copy of the store, set back since. A lease that
        # nobody granted here is of another coordinator, which took the same epoch by chance.
        foreign = report.epoch == batch.epoch and not self.leasing.knows_lease_of(board, report)
        is_newer = (report.epoch, report.rev) > (batch.epoch, plan.rev)
        return is_newer or (foreign and not repeat)

    def _plan(self, batch: Batch, board: Board) -> StoredPlan:
        """The one that is known as long as it holds. After a start that is no board's: what their
        plans are made of is read for the whole group at once.
        """
        outdated = self._configured.outdated
        if board.id in outdated:
            # Only its report tells how many circuits a plan for it has.
            batch.plans |= self._orders.current_plans(batch.db, [board])
        elif not self._orders.holds(batch.plans.get(board.id)):
            in_group = filter(None, map(self._configured.site.board, batch.board_ids))
            others = (b for b in in_group if b.id not in outdated)
            due = [b for b in others if not self._orders.holds(batch.plans.get(b.id))]
            batch.plans |= self._orders.current_plans(batch.db, due)
        return batch.plans[board.id]

    def _lease(self, batch: Batch, board: Board, report: Report, repeat: bool) -> Grant:
        if repeat:
            # Whoever sends it again gets what it got, for no longer: it needs no key to do so.
            return self.leasing.granted_before(board, report)
        with self._instruments.allocation_s.time():
            grant = self.leasing.lease(board, report)
        for board_id in {board.id, *self.leasing.book.take_expired()}:
            batch.replace_leases(board_id, self.leasing.book.of_board(board_id))
        return grant

    def _take_effect(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        if batch.epoch_found == self.epoch:
            # Else it is the epoch of whoever has taken over, which is not to be acted under.
            self.epoch = batch.epoch
        for outcome in outcomes:
            if isinstance(outcome, Accepted) and outcome.live is not None:
                self.live[outcome.board_id] = outcome.live
                self.reports[outcome.board_id] += 1
                self._instruments.count_events(outcome.board_id, outcome.live.report)

    def _refuse_all(self, arrivals: Sequence[Arrival], problem: ProblemError) -> list[Outcome]:
        """Refuse a group that cannot be stored, signed as far as keys can still be read."""
        try:
            with self._store.read() as db:
                records = boards.records_of(db, self._ids(arrivals))
        except StoreUnavailableError as error:
            log.warning("no key can be read", error=str(error))
            # Where a store is and why it fails is not for everybody who can send something.
            untold = ProblemError(STORE_UNAVAILABLE, "the store cannot be read")
            return [Refused(untold)] * len(arrivals)
        return [self._refuse(records.get(a.board_id), a, problem) for a in arrivals]

    def _refuse(
        self, record: BoardRecord | None, arrival: Arrival, problem: ProblemError
    ) -> Refused:
        try:
            _, record = self._authenticate(record, arrival)
        except ProblemError as unsigned:
            return Refused(unsigned)
        return Refused(problem, Signer(record.key, arrival.signature), record.last_pair[0])
