"""The lease book of one feeder: every lease that a board may still hold.

The invariant, on every phase and at every moment: uncontrolled load plus the sum over boards of
max(safe limit, every lease that board may still hold) is at most the feeder's limit. An answer can
be lost or late, so a grant counts from the moment it is made, and stops counting only when the
board has shown that a later one took its place, or when it has run out on any clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from headroom.phases import PhaseMa, highest, lowest, minus, total

# A lease runs on the board's clock, which may be slow: the book holds it 10 % and a second longer.
BOOK_FACTOR = 1.10
BOOK_EXTRA_S = 1.0


def book_s(lease_s: float) -> float:
    """How long the book counts a lease that a board holds for lease_s seconds."""
    return lease_s * BOOK_FACTOR + BOOK_EXTRA_S


@dataclass(frozen=True)
class Grant:
    """A lease as granted: to which report of which boot, how much, and until when it counts."""

    board: str
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
class LeaseBook:
    """Limits and live grants of one feeder. A value: each change gives a new book."""

    limit_ma: PhaseMa
    uncontrolled_ma: PhaseMa
    safe_ma: Mapping[str, PhaseMa]
    grants: tuple[Grant, ...] = ()

    def held_ma(self, board: str, now_s: float) -> PhaseMa:
        """The most that a board may be using by right: its safe limit or any live lease."""
        leases = [g.lease_ma for g in self._live(now_s) if g.board == board]
        return highest([self.safe_ma.get(board, (0, 0, 0)), *leases])

    def committed_ma(self, now_s: float) -> PhaseMa:
        """Uncontrolled load and all that boards may be using; never above the limit."""
        held = (self.held_ma(board, now_s) for board in self._boards(now_s))
        return total([self.uncontrolled_ma, *held])

    def grantable_ma(self, board: str, now_s: float) -> PhaseMa:
        """The largest lease that keeps the invariant; at least the board's safe limit."""
        others_ma = minus(self.committed_ma(now_s), self.held_ma(board, now_s))
        return highest([self.safe_ma[board], minus(self.limit_ma, others_ma)])

    def grant(
        self, board: str, pair: tuple[int, int], wanted_ma: PhaseMa, lease_s: int, now_s: float
    ) -> tuple["LeaseBook", Grant]:
        """Lease as much of what is wanted as fits, and never less than the safe limit."""
        fitting_ma = lowest(wanted_ma, self.grantable_ma(board, now_s))
        lease_ma = highest([self.safe_ma[board], fitting_ma])
        grant = Grant(board, pair, lease_ma, lease_s, now_s + book_s(lease_s))
        return self._with((*self._live(now_s), grant)), grant

    def granted_to(self, board: str, pair: tuple[int, int]) -> Grant | None:
        """The grant that answered that report, as it was made; None if it is not held any more."""
        return next((g for g in self.grants if (g.board, g.pair) == (board, pair)), None)

    def acknowledge(self, ack: Acknowledgement, now_s: float) -> "LeaseBook":
        """Forget what the board no longer holds.

        Grants before the one in force are gone for good. On a phase where the board still draws
        more than what it now holds, they keep counting: the lease is obeyed, but not yet reached.
        """
        own = [g for g in self._live(now_s) if g.board == ack.board]
        older = [g for g in own if g.pair < ack.pair]
        if not older:
            return self
        kept = highest([self.safe_ma[ack.board], *(g.lease_ma for g in own if g not in older)])
        shrunk = {g: replace(g, lease_ma=_still_used(g.lease_ma, ack, kept)) for g in older}
        grants = (shrunk.get(g, g) for g in self._live(now_s))
        return self._with(tuple(g for g in grants if any(g.lease_ma)))

    def of_board(self, board: str) -> tuple[Grant, ...]:
        """The grants in the book for one board, oldest first."""
        return tuple(g for g in self.grants if g.board == board)

    def _live(self, now_s: float) -> Iterable[Grant]:
        return tuple(g for g in self.grants if now_s < g.counts_until_s)

    def _boards(self, now_s: float) -> set[str]:
        # A board that left the site file may still hold a lease from before.
        return set(self.safe_ma) | {g.board for g in self._live(now_s)}

    def _with(self, grants: tuple[Grant, ...]) -> "LeaseBook":
        return replace(self, grants=grants)


def _still_used(lease_ma: PhaseMa, ack: Acknowledgement, kept_ma: PhaseMa) -> PhaseMa:
    l1, l2, l3 = (
        lease if measured > kept else 0
        for lease, measured, kept in zip(lease_ma, ack.measured_ma, kept_ma, strict=True)
    )
    return (l1, l2, l3)
