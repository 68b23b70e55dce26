"""The leases of a site: the book, what is still unknown after a start, and the shares."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from headroom.allocation.book import Acknowledgement, Grant, LeaseBook, book_s
from headroom.allocation.settling import Settling
from headroom.allocation.share import Served
from headroom.coordinator.clock import Clock
from headroom.coordinator.configured import Configured
from headroom.coordinator.demands import Demands
from headroom.coordinator.meters import Meters
from headroom.coordinator.readings import measured_ma
from headroom.coordinator.room import NOTHING_RESERVED, require_room, reserved
from headroom.coordinator.sharing import Sharing
from headroom.phases import PhaseMa, highest, lowest
from headroom.protocol.messages import Report
from headroom.protocol.problems import ProblemError
from headroom.site import Board, Site


class Leasing:
    """Grants leases. Not for several threads at once.

    What it learns from a report holds whether or not that report can be stored: a grant that never
    leaves is counted in vain, and what a board no longer holds it does not hold.
    """

    def __init__(
        self,
        site: Site,
        clock: Clock,
        lease_s: int,
        epoch: int,
        stored: Iterable[Grant],
    ) -> None:
        """`stored`: the leases of earlier terms, which count in full from now."""
        self._configured = Configured(site)
        self._reserved = NOTHING_RESERVED
        self._clock = clock
        self._lease_s = lease_s
        now_s = clock.monotonic_s()
        grants = [replace(g, counts_until_s=now_s + book_s(g.lease_s)) for g in stored]
        self._longest_s = max([lease_s, *(grant.lease_s for grant in grants)])
        self._meters = Meters(site)
        self.tree = site.tree(self._meters.uncontrolled_ma(now_s))
        self.book = LeaseBook(self.tree, grants)
        self.demands = Demands()
        self._sharing = Sharing(self.tree, self.demands, clock)
        self.begin_term(epoch)

    def begin_term(self, epoch: int) -> None:
        """From now on this coordinator acts under `epoch`; another may have acted before."""
        until_s = self._clock.monotonic_s() + book_s(self._longest_s)
        boards = (board.id for board in self._configured.site.boards)
        self._settling = Settling(epoch, boards, until_s)

    def lease(self, board: Board, report: Report) -> Grant:
        """What a board may use from now on, after what its report says of what it uses."""
        now_s = self._clock.monotonic_s()
        in_force = (report.boot, report.lease_seq)
        known = self._configured.boards_of(board.id, len(report.circuits))
        drawn_ma = highest(measured_ma(one, report) for one in known)
        self.book.acknowledge(Acknowledgement(board.id, in_force, drawn_ma), now_s)
        self.demands.learn(board, report, now_s)
        if self._meters.hear(board, report, now_s):
            self._replant()
        self.forget_old_readings()
        self._forget_reserved(now_s)
        if lowest(drawn_ma, report.limit_ma) == drawn_ma:
            # Else it still draws what a lease gave it that the book may not know of.
            self._settling.heard(board.id, report.epoch, in_force, report.limit_ma)
        wanted_ma = self._sharing.target_ma(board.id)
        if board.id in self._reserved.held_back:
            wanted_ma = board.safe_limit_ma
        settled = self._settling.is_over(now_s)
        if not settled:
            held_ma = lowest(self.book.held_ma(board.id, now_s), report.limit_ma)
            wanted_ma = lowest(wanted_ma, held_ma)
        grant = self.book.grant(board.id, report.pair, wanted_ma, self._lease_s, now_s)
        if not settled:
            self._settling.granted(grant)
        return grant

    def require_room(self, wanted: Configured) -> None:
        """Raise `no-room-yet` if the site cannot be that beside the leases granted; it then is
        being made for some time.
        """
        now_s = self._clock.monotonic_s()
        grants = self.book.grants
        now, then = (self._book(one, grants, now_s) for one in (self._configured, wanted))
        try:
            require_room(now, then, now_s)
        except ProblemError:
            now, then = (self._book(one, [], now_s) for one in (self._configured, wanted))
            self._reserved = reserved(now, then, now_s + 2 * book_s(self._longest_s))
            self._replant()
            raise

    def configure(self, configured: Configured) -> None:
        """Go on with another site; what is granted stays granted until it ends."""
        self._configured = configured
        self._reserved = NOTHING_RESERVED
        self._meters.change_site(configured.site)
        self.demands.change_boards(configured)
        self._replant()

    def read_meter(self, feeder_id: str, measured_ma: PhaseMa) -> None:
        """The uncontrolled load of a metered feeder, as of now."""
        self._meters.read(feeder_id, measured_ma, self._clock.monotonic_s())
        self._replant()

    def forget_old_readings(self) -> None:
        """Uncontrolled load whose reading has become too old counts as the most it may be."""
        if self._clock.monotonic_s() >= self._meters.stale_s:
            self._replant()

    def measured_uncontrolled_ma(self) -> Mapping[str, PhaseMa]:
        """Uncontrolled load of metered feeders; the most that it may be without fresh reading."""
        return self._meters.measured_ma(self._clock.monotonic_s())

    def is_metered(self, feeder_id: str, index: int) -> bool:
        """Whether the uncontrolled load of a feeder phase is measured now."""
        return self._meters.is_measured(feeder_id, index, self._clock.monotonic_s())

    def granted_before(self, board: Board, report: Report) -> Grant:
        """What answered that report when it came first; the safe limit if that is over."""
        granted = self.book.granted_to(board.id, report.pair)
        safe_ma, now_s = board.safe_limit_ma, self._clock.monotonic_s()
        return granted or Grant(board.id, board.feeder, report.pair, safe_ma, self._lease_s, now_s)

    def knows_lease_of(self, board: Board, report: Report) -> bool:
        """Whether the lease that a board reports, if it has one, was granted here, and as much."""
        granted = self.book.granted_to(board.id, (report.boot, report.lease_seq))
        if report.lease_seq == 0 or granted is None:
            return report.lease_seq == 0
        return lowest(report.limit_ma, granted.lease_ma) == report.limit_ma

    @property
    def served(self) -> frozenset[Served]:
        """The circuits that the shares in force are meant for."""
        return self._sharing.served

    def held_ma(self, board_id: str) -> PhaseMa:
        """The most that a board may be using by right."""
        return self.book.held_ma(board_id, self._clock.monotonic_s())

    def committed_ma(self, feeder_id: str) -> PhaseMa:
        """Uncontrolled load and all that boards may be using behind a feeder."""
        return self.book.committed_ma(feeder_id, self._clock.monotonic_s())

    def _book(self, configured: Configured, grants: Iterable[Grant], now_s: float) -> LeaseBook:
        """A book of its own for a site; what is measured holds for feeders as they are now."""
        site, known_ma = configured.site, self._meters.uncontrolled_ma(now_s)
        same = [one.id for one in self._configured.site.feeders if one in site.feeders]
        tree = site.tree({feeder: known_ma[feeder] for feeder in same})
        return LeaseBook(tree, grants, configured.earlier)

    def _forget_reserved(self, now_s: float) -> None:
        if now_s >= self._reserved.until_s:
            self._reserved = NOTHING_RESERVED
            self._replant()

    def _replant(self) -> None:
        """Feeders are not what they were: count and share anew."""
        now_s = self._clock.monotonic_s()
        tree = self._configured.site.tree(self._meters.uncontrolled_ma(now_s))
        self.tree = self._reserved.lowered(tree)
        self.book.plant(self.tree, self._configured.earlier)
        self._sharing.plant(self.tree)
