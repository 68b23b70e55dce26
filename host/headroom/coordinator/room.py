"""Room for a site that shall be another: whether it is there beside what is leased, and making it.

A board that is added may use its safe limit as soon as it has power, and one that is moved takes
what it holds along. So the site becomes another only once all of that fits; until then leases are
granted so that it will.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from headroom.allocation.book import LeaseBook
from headroom.allocation.tree import Node, Tree
from headroom.phases import PHASES, ZERO_MA, PhaseMa, highest, minus
from headroom.protocol.problems import NO_ROOM_YET, ProblemError

# Boards report about that often, and the second report shows that a lower lease is obeyed.
_ASK_AGAIN_S = 10


@dataclass(frozen=True)
class Reserved:
    """What is kept free on feeders, and boards that get no more than their safe limit."""

    free_ma: Mapping[str, PhaseMa] = field(default_factory=dict)
    held_back: frozenset[str] = frozenset()
    until_s: float = math.inf

    def lowered(self, tree: Tree) -> Tree:
        """The tree with limits under which that much stays free."""
        nodes = {
            feeder: replace(node, limit_ma=_left_ma(node, self.free_ma.get(feeder, ZERO_MA)))
            for feeder, node in tree.nodes.items()
        }
        return replace(tree, nodes=nodes)


NOTHING_RESERVED = Reserved()


def reserved(now: LeaseBook, wanted: LeaseBook, until_s: float) -> Reserved:
    """What makes room in time; the books are those of the two sites without any lease."""
    held_back = frozenset(
        board
        for board in now.tree.boards
        if board in wanted.tree.boards and now.tree.chain_of(board) != wanted.tree.chain_of(board)
    )
    free_ma = {feeder: _worse_ma(now, wanted, feeder, 0.0) for feeder in now.tree.nodes}
    return Reserved(free_ma, held_back, until_s)


def require_room(now: LeaseBook, wanted: LeaseBook, now_s: float) -> None:
    """Raise `no-room-yet` if a feeder would be above its limit by what leases allow now.

    One that is above it already, such as by a limit that was lowered, may be so by no more.
    """
    for feeder in wanted.tree.nodes:
        worse_ma = _worse_ma(now, wanted, feeder, now_s)
        over_ma = _over_ma(wanted, feeder, now_s)
        for phase, worse, over in zip(PHASES, worse_ma, over_ma, strict=True):
            if worse > 0 and over > 0:
                raise ProblemError(
                    NO_ROOM_YET,
                    f"feeder {feeder} {phase}: leases that boards hold leave "
                    f"{min(worse, over)} mA too little; room is being made, ask again in "
                    f"{_ASK_AGAIN_S} s",
                    _ASK_AGAIN_S,
                )


def _worse_ma(now: LeaseBook, wanted: LeaseBook, feeder: str, now_s: float) -> PhaseMa:
    """How much less is left of a feeder on the wanted site; 0 where it is not less."""
    if feeder not in wanted.tree.nodes:
        return ZERO_MA
    over_ma = _over_ma(wanted, feeder, now_s)
    if feeder in now.tree.nodes:
        over_ma = minus(over_ma, _over_ma(now, feeder, now_s))
    return highest([over_ma])


def _over_ma(book: LeaseBook, feeder: str, now_s: float) -> PhaseMa:
    """What is used of a feeder above its limit; negative where there is room."""
    return minus(book.committed_ma(feeder, now_s), book.tree.nodes[feeder].limit_ma)


def _left_ma(node: Node, free_ma: PhaseMa) -> PhaseMa:
    return highest([minus(node.limit_ma, free_ma)])
