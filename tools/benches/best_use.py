"""What somebody who knows every load at once could put to use: exact, by dynamic programming.

A board may use any subset of its loads. It takes max(safe limit, their sum) of each feeder above
it, because its safe limit is kept for it even when it wants less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

from headroom.allocation.tree import Tree

# Currents are counted in these; what is taken is rounded up, and loads of benches are multiples.
UNIT_MA = 100

# The most that is used for what is taken, both in units.
_Best = dict[int, int]


def best_use_ma(tree: Tree, loads_ma: Mapping[str, Iterable[int]]) -> int:
    """The largest sum of loads on L1 that keeps every feeder within its limit."""
    (root,) = (feeder for feeder, node in tree.nodes.items() if node.parent is None)
    return max(_below(tree, loads_ma, root).values()) * UNIT_MA


def _below(tree: Tree, loads_ma: Mapping[str, Iterable[int]], feeder: str) -> _Best:
    """All that one feeder carries; what is taken there includes its uncontrolled load."""
    node = tree.nodes[feeder]
    limit = node.limit_ma[0] // UNIT_MA
    best = {-(-node.uncontrolled_ma[0] // UNIT_MA): 0}
    for child, below in tree.nodes.items():
        if below.parent == feeder:
            best = _together(best, _below(tree, loads_ma, child), limit)
    for board, leaf in tree.boards.items():
        if leaf.feeder == feeder:
            choices = _choices(leaf.safe_ma[0], list(loads_ma.get(board, ())))
            best = _together(best, choices, limit)
    return best


def _choices(safe_ma: int, loads_ma: list[int]) -> _Best:
    best: _Best = {}
    for count in range(len(loads_ma) + 1):
        for some in combinations(loads_ma, count):
            taken = -(-max(safe_ma, sum(some)) // UNIT_MA)
            best[taken] = max(best.get(taken, 0), sum(some) // UNIT_MA)
    return best


def _together(one: _Best, other: _Best, limit: int) -> _Best:
    best: _Best = {}
    for taken_1, used_1 in one.items():
        for taken_2, used_2 in other.items():
            taken = taken_1 + taken_2
            if taken <= limit and used_1 + used_2 > best.get(taken, -1):
                best[taken] = used_1 + used_2
    return best
