"""The share rule: how much of every feeder phase each board should have.

Everyone keeps its safe limit. Beyond it loads are served whole or not at all, for half of what a
heater takes is of no use: the critical and the welded ones first, then by the priority of board
and circuit. Among equals those that were served stay, then come those that run, then the largest,
and a larger one takes a smaller one's place if it fits there, so that little is left over; but on
each feeder the one that has waited longest for its turn goes before all of them. What no load
claims is split max-min fairly, first among loads that vary, then up to what circuits could ever
use: a load that starts has room before the next report.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from headroom.allocation.filling import fill
from headroom.allocation.tree import Tree
from headroom.phases import PHASES, ZERO_MA, PhaseMa

Rank = tuple[int, int]
# Critical loads are never shed, and welded ones cannot be.
FIRST: Rank = (0, 0)
# Loads that have to take turns wait at least this long: each change costs a minute of both.
TURN_S = 1800.0
# Bounds the time for sharing out on large sites.
_MOST_EXCHANGES = 16
_LEAST_GAIN_MA = 500
# A claim by name: board and circuit.
Served = tuple[str, int]


@dataclass(frozen=True)
class Claim:
    """One circuit that draws current, or would; a lower `rank` comes first.

    `divisible`: a part of the amount is of use too, because it is not known or cannot be shed.
    """

    circuit: int
    phase: int
    rank: Rank
    amount_ma: int
    waited_s: float = 0.0
    running: bool = True
    divisible: bool = False


@dataclass(frozen=True)
class Demand:
    """What one board asks for beside its safe limit.

    `varying_ma` may be wanted on top of the claims at any moment; more than `most_ma` never.
    """

    claims: tuple[Claim, ...]
    varying_ma: PhaseMa = ZERO_MA
    most_ma: PhaseMa = ZERO_MA


@dataclass(frozen=True)
class Shares:
    """A target in mA for every board, and the claims that are served by them."""

    targets_ma: Mapping[str, PhaseMa]
    served: frozenset[Served]


def share(
    tree: Tree, demands: Mapping[str, Demand], served: Collection[Served] = frozenset()
) -> Shares:
    """Shares for every board of the tree; one without a demand keeps its safe limit, no more.

    `served`: the claims that were, by the shares in force. At no feeder do targets sum to more
    than its limit less uncontrolled load, unless the safe limits alone do.
    """
    phases = [_Phase(tree, demands, served, index) for index in range(len(PHASES))]
    l1, l2, l3 = (phase.targets_ma() for phase in phases)
    return Shares(
        {board: (l1[board], l2[board], l3[board]) for board in tree.boards},
        frozenset().union(*(phase.served for phase in phases)),
    )


class _Phase:
    """The sharing of one phase; `_free_ma` of each feeder is what nobody has been given yet."""

    def __init__(
        self,
        tree: Tree,
        demands: Mapping[str, Demand],
        served_before: Collection[Served],
        index: int,
    ) -> None:
        self.served: set[Served] = set()
        self._served_before = served_before
        self._index = index
        self._demands = {board: demands[board] for board in sorted(demands)}
        self._chains = {board: tree.chain_of(board) for board in tree.boards}
        self._safe_ma = {board: leaf.safe_ma[index] for board, leaf in tree.boards.items()}
        self._beyond_ma = dict.fromkeys(tree.boards, 0)
        self._claimed_ma = dict.fromkeys(tree.boards, 0)
        self._free_ma = {
            feeder: node.limit_ma[index] - tree.uncontrolled_ma[feeder][index]
            for feeder, node in tree.nodes.items()
        }
        for board, safe_ma in self._safe_ma.items():
            self._take(board, safe_ma)

    def targets_ma(self) -> dict[str, int]:
        """By board."""
        claims = sorted(self._claims(), key=lambda one: one[1].rank)
        for _, equals in groupby(claims, key=lambda one: one[1].rank):
            self._serve_equals(list(equals))
        self._top_up({b: d.varying_ma[self._index] for b, d in self._demands.items()})
        self._top_up({b: self._unused_ma(b, d) for b, d in self._demands.items()})
        return {board: safe + self._beyond_ma[board] for board, safe in self._safe_ma.items()}

    def _claims(self) -> Iterator[tuple[str, Claim]]:
        for board, demand in self._demands.items():
            for claim in demand.claims:
                if claim.phase == self._index:
                    yield board, claim

    def _serve_equals(self, equals: list[tuple[str, Claim]]) -> None:
        """Of those whose turn it is one on each feeder, then the others in their order."""
        turned: set[str] = set()
        for board, claim in sorted(equals, key=lambda one: (-one[1].waited_s, *_name(*one))):
            feeder = self._chains[board][0]
            if claim.waited_s >= TURN_S and feeder not in turned and self._serve(board, claim):
                turned.add(feeder)
        in_turn = set(self.served)
        self._serve_rest(equals)
        firm = [one for one in equals if not one[1].divisible and _name(*one) not in in_turn]
        if self._exchange(firm):
            self._serve_rest(equals)

    def _serve_rest(self, equals: list[tuple[str, Claim]]) -> None:
        for board, claim in sorted(equals, key=lambda one: self._order(*one)):
            if _name(board, claim) not in self.served:
                self._serve(board, claim)

    def _exchange(self, equals: list[tuple[str, Claim]]) -> bool:
        """Serve a larger claim instead of a smaller one where that uses clearly more."""
        by_size = sorted(equals, key=lambda one: (-one[1].amount_ma, *_name(*one)))
        left = [one for one in by_size if _name(*one) not in self.served][:_MOST_EXCHANGES]
        exchanged = False
        for board, claim in left:
            for other in reversed(by_size):
                if other[1].amount_ma > claim.amount_ma - _least_gain_ma(claim):
                    break
                if _name(*other) in self.served and self._replace(other, (board, claim)):
                    exchanged = True
                    break
        return exchanged

    def _replace(self, old: tuple[str, Claim], new: tuple[str, Claim]) -> bool:
        self._claim(old[0], -old[1].amount_ma)
        if self._serve(*new):
            self.served.discard(_name(*old))
            return True
        self._claim(old[0], old[1].amount_ma)
        return False

    def _order(self, board: str, claim: Claim) -> tuple[object, ...]:
        """The ids make it the same every time."""
        name = _name(board, claim)
        return (name not in self._served_before, not claim.running, -claim.amount_ma, *name)

    def _serve(self, board: str, claim: Claim) -> bool:
        """Within its safe limit a board needs nobody's leave."""
        missing_ma = max(0, claim.amount_ma - self._unclaimed_ma(board))
        free_ma = max(0, min(self._free_ma[feeder] for feeder in self._chains[board]))
        if missing_ma > free_ma and not claim.divisible:
            return False
        self._claim(board, claim.amount_ma - max(0, missing_ma - free_ma))
        self.served.add(_name(board, claim))
        return True

    def _claim(self, board: str, more_ma: int) -> None:
        """Count a claim, or less of one, and take from the feeders what the safe limit lacks."""
        self._claimed_ma[board] += more_ma
        beyond_ma = max(0, self._claimed_ma[board] - self._safe_ma[board])
        self._take(board, beyond_ma - self._beyond_ma[board])
        self._beyond_ma[board] = beyond_ma

    def _top_up(self, wanted_ma: Mapping[str, int]) -> None:
        """Divide what is left among those that could use it, beyond their unclaimed safe limit."""
        caps_ma = {
            board: max(0, wanted - self._unclaimed_ma(board))
            for board, wanted in wanted_ma.items()
        }
        for board, part_ma in fill(self._free_ma, self._chains, caps_ma).items():
            self._beyond_ma[board] += part_ma

    def _unclaimed_ma(self, board: str) -> int:
        return self._safe_ma[board] + self._beyond_ma[board] - self._claimed_ma[board]

    def _unused_ma(self, board: str, demand: Demand) -> int:
        return demand.most_ma[self._index] - self._claimed_ma[board]

    def _take(self, board: str, amount_ma: int) -> None:
        for feeder in self._chains[board]:
            self._free_ma[feeder] -= amount_ma


def _least_gain_ma(claim: Claim) -> int:
    """What an exchange has to gain, so that measured currents that vary cause none."""
    return max(_LEAST_GAIN_MA, claim.amount_ma // 10)


def _name(board: str, claim: Claim) -> Served:
    return (board, claim.circuit)
