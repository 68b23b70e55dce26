"""The share rule: how much of every feeder phase each board should have.

Everyone keeps its safe limit. Beyond it loads are served whole or not at all, for half of what a
heater takes is of no use: the critical and the welded ones first, then by the priority of board
and circuit. Among equals those that run stay before those that wait, but whoever has waited for
its turn goes before both. What no load claims is split max-min fairly, first among loads that
vary, then up to what circuits could ever use: a load that starts has room before the next report.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headroom.allocation.filling import fill
from headroom.allocation.tree import Tree
from headroom.phases import PHASES, ZERO_MA, PhaseMa

Rank = tuple[int, int]
# Critical loads are never shed, and welded ones cannot be.
FIRST: Rank = (0, 0)
# Loads that have to take turns change at most this often.
TURN_S = 900.0


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


def share(tree: Tree, demands: Mapping[str, Demand]) -> dict[str, PhaseMa]:
    """Targets of every board of the tree; one without a demand keeps its safe limit, no more.

    At no feeder do they sum to more than its limit less uncontrolled load, unless the safe limits
    alone do.
    """
    phases = [_Phase(tree, demands, index).targets_ma() for index in range(len(PHASES))]
    l1, l2, l3 = phases
    return {board: (l1[board], l2[board], l3[board]) for board in tree.boards}


class _Phase:
    """The sharing of one phase; `_free_ma` of each feeder is what nobody has been given yet."""

    def __init__(self, tree: Tree, demands: Mapping[str, Demand], index: int) -> None:
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
        for board, claim in self._in_turn():
            self._serve(board, claim)
        self._top_up({b: d.varying_ma[self._index] for b, d in self._demands.items()})
        self._top_up({b: self._unused_ma(b, d) for b, d in self._demands.items()})
        return {board: safe + self._beyond_ma[board] for board, safe in self._safe_ma.items()}

    def _in_turn(self) -> Sequence[tuple[str, Claim]]:
        claims = [
            (board, claim)
            for board, demand in self._demands.items()
            for claim in demand.claims
            if claim.phase == self._index
        ]
        return sorted(claims, key=lambda one: _turn(*one))

    def _serve(self, board: str, claim: Claim) -> None:
        """Within its safe limit a board needs nobody's leave."""
        missing_ma = max(0, claim.amount_ma - self._unclaimed_ma(board))
        free_ma = max(0, min(self._free_ma[feeder] for feeder in self._chains[board]))
        if missing_ma <= free_ma or claim.divisible:
            given_ma = min(missing_ma, free_ma)
            self._claimed_ma[board] += claim.amount_ma - missing_ma + given_ma
            self._beyond_ma[board] += given_ma
            self._take(board, given_ma)

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


def _turn(board: str, claim: Claim) -> tuple[object, ...]:
    """Who is served before whom; the ids make it the same every time."""
    overdue = not claim.running and claim.waited_s >= TURN_S
    waited_s = claim.waited_s if overdue else 0.0
    return (
        claim.rank,
        not overdue,
        -waited_s,
        not claim.running,
        claim.amount_ma,
        board,
        claim.circuit,
    )
