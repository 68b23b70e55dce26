"""The leases of a site: one book for each feeder, targets from what boards report."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from headroom.allocation.book import Acknowledgement, Grant, LeaseBook, book_s
from headroom.allocation.share import Want, share
from headroom.coordinator.live import LiveBoard
from headroom.coordinator.readings import measured_ma, needed_ma
from headroom.phases import PHASES, PhaseMa
from headroom.protocol.messages import Report
from headroom.site import Board, Feeder, Site
from headroom.store.leases import StoredLease


def open_books(site: Site, stored: Iterable[StoredLease], now_s: float) -> dict[str, LeaseBook]:
    """The books by feeder id after a start: every stored lease counts in full from now."""
    leases = list(stored)
    return {feeder.id: _open_book(site, feeder, leases, now_s) for feeder in site.feeders}


def acknowledged(book: LeaseBook, board: Board, report: Report, now_s: float) -> LeaseBook:
    """The book after a board said which lease it obeys, with its current."""
    pair = (report.boot, report.lease_seq)
    return book.acknowledge(Acknowledgement(board.id, pair, measured_ma(board, report)), now_s)


def targets_ma(
    site: Site, feeder: Feeder, live: Mapping[str, LiveBoard], now_s: float
) -> dict[str, PhaseMa]:
    """What each board of a feeder should have. Silent boards keep their safe limit, no more."""
    boards = site.boards_of(feeder.id)
    needs_ma = {
        board.id: needed_ma(board, live[board.id].report)
        for board in boards
        if board.id in live and not live[board.id].is_stale(board, now_s)
    }
    by_phase = [_phase_targets(feeder, boards, needs_ma, index) for index in range(len(PHASES))]
    l1, l2, l3 = by_phase
    return {board.id: (l1[board.id], l2[board.id], l3[board.id]) for board in boards}


def _open_book(
    site: Site, feeder: Feeder, stored: Iterable[StoredLease], now_s: float
) -> LeaseBook:
    safe_ma = {board.id: board.safe_limit_ma for board in site.boards_of(feeder.id)}
    grants = tuple(_from_now(s.grant, now_s) for s in stored if s.feeder == feeder.id)
    return LeaseBook(feeder.limit_ma, feeder.uncontrolled_ma, safe_ma, grants)


def _from_now(grant: Grant, now_s: float) -> Grant:
    return replace(grant, counts_until_s=now_s + book_s(grant.lease_s))


def _phase_targets(
    feeder: Feeder, boards: Iterable[Board], needs_ma: Mapping[str, PhaseMa], index: int
) -> dict[str, int]:
    targets = {board.id: board.safe_limit_ma[index] for board in boards}
    sharing = [board for board in boards if board.id in needs_ma and _uses(board, index)]
    wants = [Want(b.id, targets[b.id], needs_ma[b.id][index]) for b in sharing]
    kept_ma = sum(targets.values()) - sum(want.safe_ma for want in wants)
    available_ma = feeder.limit_ma[index] - feeder.uncontrolled_ma[index] - kept_ma
    return targets | share(available_ma, wants)


def _uses(board: Board, index: int) -> bool:
    return any(circuit.phase == PHASES[index] for circuit in board.circuits)
