"""The lease book of a site: every lease that a board may still hold.

The invariant, at every feeder, on every phase and at every moment: uncontrolled load plus the sum
over the boards behind it of max(safe limit, every lease that board may still hold) is at most the
limit. An answer can be lost or late, so a grant counts from the moment it is made, and stops
counting only when the board has shown that a later one took its place, or when it has run out on
any clock. Whether a grant became durable or its answer ever left makes no difference here: one
that did not is counted in vain, and that is safe.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from headroom.allocation.tree import Leaf, Tree
from headroom.phases import ZERO_MA, PhaseMa, highest, lowest, minus, total

# A lease runs on the board's clock, which may be slow: the book holds it 10 % and a second longer.
BOOK_FACTOR = 1.10
BOOK_EXTRA_S = 1.0


_NOTHING_EARLIER: Mapping[str, Sequence[Leaf]] = {}


def book_s(lease_s: float) -> float:
    """How long the book counts a lease that a board holds for lease_s seconds."""
    return lease_s * BOOK_FACTOR + BOOK_EXTRA_S


@dataclass(frozen=True)
class Grant:
    """A lease as granted: to which report of which boot, how much, and until when it counts."""

    board: str
    feeder: str
    pair: tuple[int, int]
    lease_ma: PhaseMa
    lease_s: int
    counts_until_s: float


@dataclass(frozen=True)
class Acknowledgement:
    """What a report says of the lease in force: its pair, (boot, 0) for the safe limit."""

    board: str
    pair: tuple[int, int]
    measured_ma: PhaseMa


@dataclass(frozen=True)
class _Account:
    """The most that a board may use, and the feeders that carry it."""

    held_ma: PhaseMa
    feeders: frozenset[str]


class LeaseBook:
    """Live grants on a tree of feeders; `now_s` never falls from call to call."""

    def __init__(
        self,
        tree: Tree,
        grants: Iterable[Grant] = (),
        earlier: Mapping[str, Sequence[Leaf]] = _NOTHING_EARLIER,
    ) -> None:
        self.tree = tree
        self._grants: dict[str, tuple[Grant, ...]] = {}
        self._ends: list[tuple[float, str]] = []
        self._expired: set[str] = set()
        for grant in grants:
            self._add(grant)
        self.plant(tree, earlier)

    def plant(self, tree: Tree, earlier: Mapping[str, Sequence[Leaf]] = _NOTHING_EARLIER) -> None:
        """Go on with other limits, feeders or boards; every grant stays in the book.

        `earlier`: what boards may still have in their flash, which counts beside what they shall
        have, by board.
        """
        self.tree = tree
        self._earlier = earlier
        self._accounts: dict[str, _Account] = {}
        self._committed = dict(tree.uncontrolled_ma)
        for board in {*tree.boards, *self._grants, *earlier}:
            self._settle(board)

    def held_ma(self, board: str, now_s: float) -> PhaseMa:
        """The most that a board may be using by right: its safe limit or any live lease."""
        self._expire(now_s)
        account = self._accounts.get(board)
        return account.held_ma if account else ZERO_MA

    def committed_ma(self, feeder: str, now_s: float) -> PhaseMa:
        """Uncontrolled load and all that boards may be using behind a feeder."""
        self._expire(now_s)
        return self._committed[feeder]

    def grantable_ma(self, board: str, now_s: float) -> PhaseMa:
        """The largest lease that keeps the invariant; at least the board's safe limit."""
        self._expire(now_s)
        account = self._accounts[board]
        free_ma = None
        for feeder in account.feeders:
            others_ma = minus(self._committed[feeder], account.held_ma)
            left_ma = minus(self.tree.nodes[feeder].limit_ma, others_ma)
            free_ma = left_ma if free_ma is None else lowest(free_ma, left_ma)
        safe_ma = self.tree.boards[board].safe_ma
        return highest([safe_ma, free_ma or ZERO_MA])

    def grant(
        self, board: str, pair: tuple[int, int], wanted_ma: PhaseMa, lease_s: int, now_s: float
    ) -> Grant:
        """Lease as much of what is wanted as fits, and never less than the safe limit."""
        leaf = self.tree.boards[board]
        fitting_ma = lowest(wanted_ma, self.grantable_ma(board, now_s))
        lease_ma = highest([leaf.safe_ma, fitting_ma])
        grant = Grant(board, leaf.feeder, pair, lease_ma, lease_s, now_s + book_s(lease_s))
        self._add(grant)
        self._settle(board)
        return grant

    def granted_to(self, board: str, pair: tuple[int, int]) -> Grant | None:
        """The grant that answered that report, as it was made; None if it is not held any more."""
        return next((g for g in reversed(self.of_board(board)) if g.pair == pair), None)

    def acknowledge(self, ack: Acknowledgement, now_s: float) -> None:
        """Forget what the board no longer holds.

        Grants before the one in force are gone for good. On a phase where the board still draws
        more than what it now holds, they keep counting: the lease is obeyed, but not yet reached.
        """
        self._expire(now_s)
        own = self.of_board(ack.board)
        older = [grant for grant in own if grant.pair < ack.pair]
        if not older:
            return
        newer = [grant for grant in own if grant.pair >= ack.pair]
        safe_ma = self.tree.boards[ack.board].safe_ma
        kept_ma = highest([safe_ma, *(grant.lease_ma for grant in newer)])
        used = [(grant, _still_used(grant.lease_ma, ack, kept_ma)) for grant in older]
        shrunk = [replace(grant, lease_ma=left_ma) for grant, left_ma in used if any(left_ma)]
        self._keep(ack.board, [*shrunk, *newer])

    @property
    def grants(self) -> list[Grant]:
        """All that is in the book."""
        return [grant for grants in self._grants.values() for grant in grants]

    def of_board(self, board: str) -> tuple[Grant, ...]:
        """The grants in the book for one board, oldest first."""
        return self._grants.get(board, ())

    def take_expired(self) -> frozenset[str]:
        """Boards with a grant that has run out since this was asked last."""
        expired = frozenset(self._expired)
        self._expired.clear()
        return expired

    def _add(self, grant: Grant) -> None:
        self._grants[grant.board] = (*self.of_board(grant.board), grant)
        heapq.heappush(self._ends, (grant.counts_until_s, grant.board))

    def _expire(self, now_s: float) -> None:
        while self._ends and self._ends[0][0] <= now_s:
            _, board = heapq.heappop(self._ends)
            self._expired.add(board)
            self._keep(board, [g for g in self.of_board(board) if now_s < g.counts_until_s])

    def _keep(self, board: str, grants: list[Grant]) -> None:
        """Make these all that a board has."""
        if grants:
            self._grants[board] = tuple(grants)
        else:
            self._grants.pop(board, None)
        self._settle(board)

    def _settle(self, board: str) -> None:
        """Bring the sums of all feeders up to date with what a board holds now."""
        before = self._accounts.pop(board, _Account(ZERO_MA, frozenset()))
        for feeder in before.feeders:
            self._committed[feeder] = minus(self._committed[feeder], before.held_ma)
        after = self._account(board)
        if not after.feeders:
            return
        self._accounts[board] = after
        for feeder in after.feeders:
            self._committed[feeder] = total([self._committed[feeder], after.held_ma])

    def _account(self, board: str) -> _Account:
        """A board that left the site file may still hold a lease from before, as may one that
        hangs on another feeder now; a feeder that is not there any more may be any.
        """
        leaf = self.tree.boards.get(board)
        grants = self.of_board(board)
        leaves = [*([leaf] if leaf else []), *self._earlier.get(board, ())]
        feeders: set[str] = set()
        for feeder in {leaf.feeder for leaf in leaves} | {grant.feeder for grant in grants}:
            feeders.update(self.tree.chains.get(feeder, self.tree.nodes))
        safe_ma, leases_ma = [one.safe_ma for one in leaves], [one.lease_ma for one in grants]
        return _Account(highest([ZERO_MA, *safe_ma, *leases_ma]), frozenset(feeders))


def _still_used(lease_ma: PhaseMa, ack: Acknowledgement, kept_ma: PhaseMa) -> PhaseMa:
    l1, l2, l3 = (
        lease if measured > kept else 0
        for lease, measured, kept in zip(lease_ma, ack.measured_ma, kept_ma, strict=True)
    )
    return (l1, l2, l3)
