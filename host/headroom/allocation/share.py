"""The share rule: how much of every feeder phase each board should have.

Everyone keeps its safe limit. Beyond it loads are served whole or not at all, for half of what a
heater takes is of no use: the critical and the welded ones first, then by the priority of board
and circuit. Among equals those are served that use most together, less what it costs to change
one for another; but on each feeder the one that has waited longest for its turn goes before all of
them. What no load claims is split max-min fairly, first among loads that vary, then up to what
circuits could ever use: a load that starts has room before the next report.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from headroom.allocation.board_rule import Load, Loads
from headroom.allocation.claims import Demand, Rank
from headroom.allocation.filling import fill
from headroom.allocation.packing import Option, pack
from headroom.allocation.prospects import Prospects
from headroom.allocation.tree import Tree
from headroom.phases import PHASES, PhaseMa

# Loads that have to take turns wait at least this long.
TURN_S = 1800.0
# A claim by name: board and circuit.
Served = tuple[str, int]


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
        self._free_ma = {
            feeder: node.limit_ma[index] - tree.uncontrolled_ma[feeder][index]
            for feeder, node in tree.nodes.items()
        }
        for board, safe_ma in self._safe_ma.items():
            self._take(board, safe_ma)
        self._prospects = {
            board: Prospects([c for c in d.claims if c.phase == index], self._safe_ma[board])
            for board, d in self._demands.items()
        }

    def targets_ma(self) -> dict[str, int]:
        """By board."""
        self._serve_first()
        for rank in sorted({claim.rank for d in self._demands.values() for claim in d.claims}):
            self._serve_equals(rank)
            self._serve_unknown(rank)
        settled = [b for b, own in self._prospects.items() if not own.outcome.makes_way]
        self._top_up({b: self._varies_up_to_ma(b) for b in settled})
        self._top_up({b: self._demands[b].most_ma[self._index] for b in settled})
        return {board: self._target_ma(board) for board in self._safe_ma}

    def _serve_first(self) -> None:
        """What cannot be shed gets what there is, one board after the other."""
        for board, own in self._prospects.items():
            self._hold(board, own.serve_first(self._room_ma(board)))

    def _serve_unknown(self, rank: Rank) -> None:
        """What is not known gets what its equals leave."""
        for board, own in self._prospects.items():
            for claim in own.unknown:
                if claim.rank == rank:
                    self._hold(board, own.serve_unknown(claim, self._room_ma(board)))

    def _serve_equals(self, rank: Rank) -> None:
        """Of those whose turn it is one on each feeder, then the best of all together."""
        equals = {board: own.equals(rank) for board, own in self._prospects.items()}
        equals = {board: loads for board, loads in equals.items() if loads}
        for board in equals:
            self._hold(board, 0)
        self._insist_on_turns(equals)
        options = {b: self._options(b, loads) for b, loads in equals.items()}
        start = {b: self._as_it_is(some) for b, some in options.items()}
        for board, option in pack(self._free_ma, self._chains, options, start).items():
            self._beyond_ma[board] = option.needs_ma
            self._prospects[board].decide(equals[board], option.what)
            self.served.update((board, load.circuit) for load in option.what)

    def _insist_on_turns(self, equals: Mapping[str, Loads]) -> None:
        """Who has waited longest first; on each feeder one, when the last one's turn has begun."""
        free_ma = dict(self._free_ma)
        for board in equals:
            self._take_of(free_ma, board, self._least_ma(board))
        turned = {
            self._chains[board][0]
            for board, loads in equals.items()
            if any(load.running and load.fresh for load in loads)
        }
        for _, board, load in sorted(self._waiting(equals)):
            feeder = self._chains[board][0]
            if feeder not in turned and self._insist_on(board, load, free_ma):
                turned.add(feeder)

    def _waiting(self, equals: Mapping[str, Loads]) -> Iterator[tuple[float, str, Load]]:
        """Those whose turn it is."""
        for board, loads in equals.items():
            for load in loads:
                waited_s = self._prospects[board].claims[load].waited_s
                if waited_s >= TURN_S:
                    yield -waited_s, board, load

    def _insist_on(self, board: str, load: Load, free_ma: dict[str, int]) -> bool:
        """Whether it fits beside the least that all others need; then it is served."""
        own, before_ma = self._prospects[board], self._least_ma(board)
        possible = own.insist_on(load)
        more_ma = self._least_ma(board) - before_ma
        if more_ma > min(free_ma[feeder] for feeder in self._chains[board]):
            own.possible = possible
            return False
        self._take_of(free_ma, board, more_ma)
        return True

    def _least_ma(self, board: str) -> int:
        own = self._prospects[board]
        return own.beyond_ma(own.outcome)

    def _options(self, board: str, equals: Loads) -> list[Option[Loads]]:
        return self._prospects[board].options(equals, self._kept(board, equals))

    def _kept(self, board: str, equals: Loads) -> Loads:
        """Those that run, or were about to."""
        before = self._served_before
        return frozenset(x for x in equals if x.running or (board, x.circuit) in before)

    def _as_it_is(self, options: list[Option[Loads]]) -> Option[Loads]:
        """Where the search begins: nothing that waits, as much as possible of what runs."""
        return max(
            options,
            key=lambda one: (all(load.running for load in one.what), one.worth),
        )

    def _varies_up_to_ma(self, board: str) -> int:
        claimed_ma = self._prospects[board].claimed_ma
        return claimed_ma + self._demands[board].varying_ma[self._index]

    def _target_ma(self, board: str) -> int:
        """What it is held for; less as long as something has to make way for it there."""
        held_ma = self._safe_ma[board] + self._beyond_ma[board]
        own = self._prospects.get(board)
        if own and own.outcome.makes_way:
            return max(self._safe_ma[board], own.outcome.limit_ma)
        return held_ma

    def _hold(self, board: str, beyond_ma: int) -> None:
        """Of the feeders above a board take so much, and what it had is free again."""
        self._take(board, beyond_ma - self._beyond_ma[board])
        self._beyond_ma[board] = beyond_ma

    def _top_up(self, wanted_ma: Mapping[str, int]) -> None:
        """Divide what is left among those that could use it."""
        caps_ma = {
            board: max(0, wanted - self._safe_ma[board] - self._beyond_ma[board])
            for board, wanted in wanted_ma.items()
        }
        for board, part_ma in fill(self._free_ma, self._chains, caps_ma).items():
            self._beyond_ma[board] += part_ma

    def _room_ma(self, board: str) -> int:
        """What is free on all feeders above a board; none where safe limits take too much."""
        return max(0, min(self._free_ma[feeder] for feeder in self._chains[board]))

    def _take(self, board: str, amount_ma: int) -> None:
        self._take_of(self._free_ma, board, amount_ma)

    def _take_of(self, free_ma: dict[str, int], board: str, amount_ma: int) -> None:
        for feeder in self._chains[board]:
            free_ma[feeder] -= amount_ma
