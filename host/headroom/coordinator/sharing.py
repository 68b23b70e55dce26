"""The shares in force. Trees of feeders with nothing in common are shared out one by one."""

from headroom.allocation.share import Served, Shares, share
from headroom.allocation.tree import Tree
from headroom.coordinator.clock import Clock
from headroom.coordinator.demands import Demands
from headroom.phases import PhaseMa

# Sharing a large site out takes its time: at most this part of all of it.
_SHARING_PART = 50
_NOTHING = Shares({}, frozenset())


class Sharing:
    """What each board should have, of demands as they were a while ago."""

    def __init__(self, tree: Tree, demands: Demands, clock: Clock) -> None:
        self._demands = demands
        self._clock = clock
        self._tree = tree
        # By the feeder on top, those first that were shared out longest ago.
        self._shares: dict[str, Shares] = {}
        self.plant(tree)

    def plant(self, tree: Tree) -> None:
        """Go on with other limits, feeders or boards; shares out all of it."""
        self._tree = tree
        self._shares = {top: self._shares.get(top, _NOTHING) for top in tree.apart}
        self._share_out(*tree.apart)

    @property
    def served(self) -> frozenset[Served]:
        """The circuits that the shares are meant for."""
        return frozenset().union(*(shares.served for shares in self._shares.values()))

    def target_ma(self, board: str) -> PhaseMa:
        """A board's share, made anew if there was time for that.

        So is that of the tree whose turn it is: it may have boards that seldom come in good time.
        """
        top = self._tree.chain_of(board)[-1]
        if self._clock.monotonic_s() >= self._again_s:
            self._share_out(top, next(iter(self._shares)))
        return self._shares[top].targets_ma[board]

    def _share_out(self, *tops: str) -> None:
        began_s = self._clock.monotonic_s()
        for top in dict.fromkeys(tops):
            tree, before = self._tree.apart[top], self._shares.pop(top)
            demands = self._demands.now(began_s, tree.boards)
            self._shares[top] = share(tree, demands, before.served)
        ended_s = self._clock.monotonic_s()
        self._again_s = ended_s + _SHARING_PART * (ended_s - began_s)
