"""The coordinator of one site: its parts together, and the site as it is now."""

import threading
import time
from collections.abc import Iterable, Mapping, Sequence

import structlog

from headroom.coordinator import snapshot
from headroom.coordinator.beacons import Beacons
from headroom.coordinator.clock import Clock
from headroom.coordinator.ingest import Arrival, Ingest, Refused
from headroom.coordinator.instruments import Instruments
from headroom.coordinator.orders import Orders
from headroom.coordinator.refusals import Refusals
from headroom.coordinator.reply import Reply, unsigned_refusal
from headroom.coordinator.settings import Settings
from headroom.coordinator.site_changes import SiteChanges, site_as_changed
from headroom.phases import PhaseMa
from headroom.protocol.problems import ProblemError
from headroom.site import Site
from headroom.store import Store, prices

log = structlog.get_logger()


class Coordinator:
    """Takes reports and orders, and tells. Its methods may be called from any thread."""

    def __init__(
        self,
        site: Site,
        store: Store,
        clock: Clock,
        settings: Settings | None = None,
        beacons: Beacons | None = None,
    ) -> None:
        file_site = site
        site, misfits = site_as_changed(site, store)
        self.store = store
        self.clock = clock
        self.settings = settings or Settings()
        self.beacons = beacons
        self.orders = Orders(site, store, clock, beacons.ask if beacons else _ask_nobody)
        self.instruments = Instruments()
        self._refusals = Refusals(clock.monotonic_s)
        self._ingest = Ingest(
            site, store, clock, self.settings, self.orders, beacons, self.instruments
        )
        self.site_changes = SiteChanges(file_site, misfits, store, self._ingest)
        self._handling = threading.Lock()

    @property
    def site(self) -> Site:
        """The site as it is now: of its file, and what was changed since."""
        return self.site_changes.site

    def handle_reports(self, arrivals: Sequence[Arrival]) -> list[Reply]:
        """Answer reports, or refuse them, once all that are accepted are durable together.

        Never raises for what a sender can cause.
        """
        with self._handling:
            outcomes = self._ingest.handle(arrivals)
        for arrival, outcome in zip(arrivals, outcomes, strict=True):
            if isinstance(outcome, Refused):
                self._count(outcome.problem, arrival.board_id)
            self.instruments.report_s.observe(time.perf_counter() - arrival.came_s)
        return [outcome.reply() for outcome in outcomes]

    def refuse(self, problem: ProblemError, board_id: str) -> Reply:
        """Refuse a report that was not even read."""
        self._count(problem, board_id)
        return unsigned_refusal(problem)

    def measured_uncontrolled_ma(self) -> Mapping[str, PhaseMa]:
        """Uncontrolled load of metered feeders; the most that it may be without fresh reading."""
        with self._ingest.lock:
            return self._ingest.leasing.measured_uncontrolled_ma()

    def expect(self, highest_ma: Mapping[tuple[str, int], int]) -> None:
        """Reckon with these currents soon, by board and circuit; no others are expected."""
        with self._ingest.lock:
            self._ingest.leasing.demands.expected_ma = highest_ma

    def view(self) -> snapshot.SiteView:
        """The site as it is now; raises StoreUnavailableError."""
        with self.store.read() as db:
            orders = snapshot.orders_by_board(db, self.site)
            known_prices = prices.current_prices(db)
        now = self._ingest
        with now.lock:
            now.leasing.forget_old_readings()
            return snapshot.site_view(
                self.site,
                snapshot.State(
                    now.epoch,
                    now.leasing,
                    now.configured.outdated,
                    now.live,
                    now.reports,
                    self._refusals.counts(),
                    orders,
                    known_prices,
                ),
                self.clock,
            )

    def _count(self, problem: ProblemError, board_id: str) -> None:
        self._refusals.add(board_id, self.site.board(board_id) is not None, problem)


def _ask_nobody(_board_ids: Iterable[str]) -> None:
    """Without beacons an order waits for the board's next report."""
