"""The supply points of a site as leases see them: who feeds whom, and what each carries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

from headroom.phases import ZERO_MA, PhaseMa, plus


@dataclass(frozen=True)
class Node:
    """One feeder: its limit, what no relay controls on it, and the feeder it hangs on."""

    limit_ma: PhaseMa
    uncontrolled_ma: PhaseMa
    parent: str | None = None


@dataclass(frozen=True)
class Leaf:
    """One board: the feeder it hangs on, and what it may use without a lease."""

    feeder: str
    safe_ma: PhaseMa


@dataclass(frozen=True)
class Tree:
    """Feeders and boards by id. Parents form no circle and every leaf's feeder is there."""

    nodes: Mapping[str, Node]
    boards: Mapping[str, Leaf] = field(default_factory=dict)

    @cached_property
    def chains(self) -> Mapping[str, tuple[str, ...]]:
        """For each feeder itself and all that it hangs on, upwards."""
        return {feeder: self._chain(feeder) for feeder in self.nodes}

    @cached_property
    def apart(self) -> Mapping[str, "Tree"]:
        """The trees that have nothing in common, by the feeder on top of each."""
        nodes: dict[str, dict[str, Node]] = defaultdict(dict)
        for feeder, node in self.nodes.items():
            nodes[self.chains[feeder][-1]][feeder] = node
        boards: dict[str, dict[str, Leaf]] = defaultdict(dict)
        for board, leaf in self.boards.items():
            boards[self.chains[leaf.feeder][-1]][board] = leaf
        return {top: Tree(nodes[top], boards[top]) for top in nodes}

    @cached_property
    def uncontrolled_ma(self) -> Mapping[str, PhaseMa]:
        """For each feeder the uncontrolled load on it and on all that hang on it."""
        return self.with_uncontrolled(())

    def with_uncontrolled(self, boards_ma: Iterable[tuple[str, PhaseMa]]) -> dict[str, PhaseMa]:
        """For each feeder its whole current, from that of boards, each with its own feeder."""
        of_nodes = ((feeder, node.uncontrolled_ma) for feeder, node in self.nodes.items())
        return self.summed(chain(of_nodes, boards_ma))

    def summed(self, own_ma: Iterable[tuple[str, PhaseMa]]) -> dict[str, PhaseMa]:
        """For each feeder the sum of what is on it and on all that hang on it."""
        sums_ma = dict.fromkeys(self.nodes, ZERO_MA)
        for feeder, ma in own_ma:
            for above in self.chains[feeder]:
                sums_ma[above] = plus(sums_ma[above], ma)
        return sums_ma

    def chain_of(self, board: str) -> tuple[str, ...]:
        """All feeders that carry a board's current; none for a board that is not there."""
        leaf = self.boards.get(board)
        return self.chains[leaf.feeder] if leaf else ()

    def _chain(self, feeder: str) -> tuple[str, ...]:
        parent = self.nodes[feeder].parent
        return (feeder,) if parent is None else (feeder, *self._chain(parent))
