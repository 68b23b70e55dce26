"""A coordinator's way from report to answer, on a store that keeps what was committed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from headroom.allocation.book import Grant
from headroom.coordinator.configured import Configured
from headroom.coordinator.leasing import Leasing
from headroom.protocol.messages import Report
from headroom.protocol.problems import ProblemError
from headroom.site import Board, Site
from headroom.store.figures import next_epoch

from tools.lease_histories.board import SentAnswer

Fault = Literal["none", "not_stored", "locked", "full", "dies_before_commit", "dies_after_commit"]
STARTED_UNIX_S = 1_800_000_000
MakeLeasing = Callable[..., Leasing]


@dataclass
class Store:
    """What is durable: the site, the epoch, the newest report of each board, and every lease."""

    configured: Configured
    epoch: int = 0
    newest: dict[str, Report] = field(default_factory=dict)
    leases: dict[str, tuple[Grant, ...]] = field(default_factory=dict)
    registered: set[str] = field(default_factory=set)

    def copy(self) -> Store:
        """A backup."""
        return copy.deepcopy(self)

    def register(self, board: str) -> None:
        """Its key is registered, as it is being provisioned."""
        self.registered.add(board)
        outdated = dict(self.configured.outdated)
        if board in outdated:
            outdated[board] = replace(outdated[board], registered=True)
            self.configured = replace(self.configured, outdated=outdated)

    def grants(self) -> list[Grant]:
        """Every lease in it."""
        return [grant for grants in self.leases.values() for grant in grants]


class Died(Exception):
    """The coordinator's process has ended, whatever it was doing."""


class SimCoordinator:
    """Follows `headroom.coordinator.Coordinator`, without HTTP, signatures and plans."""

    def __init__(
        self,
        store: Store,
        true_s: Callable[[], float],
        wall_error_s: float,
        lease_s: int,
        make_leasing: MakeLeasing = Leasing,
    ) -> None:
        self._store = store
        self._true_s = true_s
        self._started_s = true_s()
        self._wall_error_s = wall_error_s
        store.epoch = next_epoch(store.epoch, self.unix_s())
        self.epoch = store.epoch
        site = store.configured.site
        self._leasing = make_leasing(site, self, lease_s, self.epoch, store.grants())
        self._leasing.configure(store.configured)

    def monotonic_s(self) -> float:
        """See headroom.coordinator.clock.Clock."""
        return self._true_s() - self._started_s

    def unix_s(self) -> float:
        """See headroom.coordinator.clock.Clock."""
        return STARTED_UNIX_S + self._true_s() + self._wall_error_s

    def handle(self, board_id: str, report: Report, fault: Fault) -> SentAnswer | None:
        """The answer, None for a refusal; raises Died."""
        store, board = self._store, self._store.configured.site.board(board_id)
        if board is None:
            return None
        newest = store.newest.get(board_id)
        repeat = report is newest
        if newest and not repeat and report.pair <= newest.pair:
            return None
        if store.epoch != self.epoch:
            return None
        epoch = self.epoch
        if report.epoch > epoch:
            epoch = next_epoch(report.epoch, self.unix_s())
            self._leasing.begin_term(epoch)
        if not repeat:
            self._note_configuration(board, report)
        if repeat:
            grant = self._leasing.granted_before(board, report)
        else:
            grant = self._leasing.lease(board, report)
        book = self._leasing.book
        changed = {b: book.of_board(b) for b in {board_id, *book.take_expired()}}
        if fault == "dies_before_commit":
            raise Died
        if fault == "not_stored":
            return None
        self.epoch = store.epoch = epoch
        if not repeat:
            store.newest[board_id] = report
            store.leases |= changed
        if fault == "dies_after_commit":
            raise Died
        return SentAnswer(
            board_id, report.pair, epoch, grant.lease_ma, grant.lease_s, int(self.unix_s())
        )

    def change_site(self, site: Site) -> bool:
        """Whether the site became that, as it does where all fits."""
        now, newest = self._store.configured, self._store.newest
        boots = {
            board: newest[board].boot if board in newest else 0 for board in self._store.registered
        }
        wanted = now.changed(site, boots, now.outdated)
        if self._store.epoch != self.epoch or any(wanted.faults()):
            return False
        try:
            self._leasing.require_room(wanted)
        except ProblemError:
            return False
        self._store.configured = wanted
        self._leasing.configure(wanted)
        return True

    def _note_configuration(self, board: Board, report: Report) -> None:
        configured = self._store.configured
        known = configured.outdated.get(board.id)
        if known and known.registered and configured.is_shown_by(report, board):
            self._store.configured = configured.without(board.id)
            self._leasing.configure(self._store.configured)

    def committed_ma(self, feeder_id: str) -> int:
        """What its book says."""
        return self._leasing.committed_ma(feeder_id)[0]
