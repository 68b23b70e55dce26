"""The supply points of a site as leases see them: who feeds whom, and what each carries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from headroom.phases import PhaseMa, total


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
    def uncontrolled_ma(self) -> Mapping[str, PhaseMa]:
        """For each feeder the uncontrolled load on it and on all that hang on it."""
        return {
            feeder: total(
                node.uncontrolled_ma
                for below, node in self.nodes.items()
                if feeder in self.chains[below]
            )
            for feeder in self.nodes
        }

    def chain_of(self, board: str) -> tuple[str, ...]:
        """All feeders that carry a board's current; none for a board that is not there."""
        leaf = self.boards.get(board)
        return self.chains[leaf.feeder] if leaf else ()

    def _chain(self, feeder: str) -> tuple[str, ...]:
        parent = self.nodes[feeder].parent
        return (feeder,) if parent is None else (feeder, *self._chain(parent))
