"""Packs whole loads under the limits of a tree of feeders, by exchange among few boards at a time.

Each board has a few options; more is worth more, but needs more. From what is chosen, any one,
two or three boards change to other options of theirs as long as that is worth more together. That
ends within a few percent of the best there is, in a time that does not explode with the boards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Generic, TypeVar

# Bounds the time on large sites; all threes of 20 boards.
_MOST_GROUPS = 1140

What = TypeVar("What")


@dataclass(frozen=True)
class Option(Generic[What]):
    """Something that a board could do, what it needs of every feeder above, and its worth."""

    needs_ma: int
    worth: int
    what: What


Options = Mapping[str, Sequence[Option[What]]]
Choice = dict[str, Option[What]]


def undominated(options: Sequence[Option[What]]) -> list[Option[What]]:
    """Those that are worth more than all that need no more; by what they need."""
    best: list[Option[What]] = []
    for option in sorted(options, key=lambda one: (one.needs_ma, -one.worth)):
        if not best or option.worth > best[-1].worth:
            best.append(option)
    return best


def pack(
    free_ma: dict[str, int],
    chains: Mapping[str, tuple[str, ...]],
    options: Options[What],
    start: Mapping[str, Option[What]],
) -> Choice[What]:
    """An option for each board; takes what they need from `free_ma`.

    `options` are undominated, and the first of each fit together; `start` is where to begin, for
    those that have room for it.
    """
    packing = _Packing(free_ma, chains, options)
    packing.begin(start)
    for count in (1, 2, 3):
        if comb(len(options), count) <= _MOST_GROUPS:
            packing.improve(count)
    return packing.chosen


class _Packing(Generic[What]):
    def __init__(
        self,
        free_ma: dict[str, int],
        chains: Mapping[str, tuple[str, ...]],
        options: Options[What],
    ) -> None:
        self._free_ma = free_ma
        self._chains = chains
        self._options = options
        self.chosen = {board: some[0] for board, some in options.items()}
        for board in options:
            self._take(board, self.chosen[board].needs_ma)

    def begin(self, start: Mapping[str, Option[What]]) -> None:
        """With these options, one board after the other, where there is room."""
        for board, option in start.items():
            more_ma = option.needs_ma - self.chosen[board].needs_ma
            if more_ma <= min(self._free_ma[feeder] for feeder in self._chains[board]):
                self._take(board, more_ma)
                self.chosen[board] = option

    def improve(self, count: int) -> None:
        """Until no so many boards together can do better."""
        boards = sorted(self._options)
        while sum(self._improve(group) for group in combinations(boards, count)):
            pass

    def _improve(self, group: tuple[str, ...]) -> bool:
        if all(self.chosen[board] is self._options[board][-1] for board in group):
            return False
        worth = sum(self.chosen[board].worth for board in group)
        for board in group:
            self._take(board, -self.chosen[board].needs_ma)
        better = self._best(group, worth)
        for board, option in zip(group, better or (), strict=False):
            self.chosen[board] = option
        for board in group:
            self._take(board, self.chosen[board].needs_ma)
        return bool(better)

    def _best(self, group: tuple[str, ...], above: int) -> tuple[Option[What], ...]:
        """The best of what these boards can do together; nothing if not worth more."""
        board, *others = group
        room_ma = min(self._free_ma[feeder] for feeder in self._chains[board])
        most = sum(self._options[other][-1].worth for other in others)
        best: tuple[Option[What], ...] = ()
        for option in reversed(self._options[board]):
            if option.worth + most <= above:
                break
            if option.needs_ma > room_ma:
                continue
            if not others:
                return (option,)
            self._take(board, option.needs_ma)
            rest = self._best(tuple(others), above - option.worth)
            self._take(board, -option.needs_ma)
            if rest:
                best = (option, *rest)
                above = sum(one.worth for one in best)
        return best

    def _take(self, board: str, needs_ma: int) -> None:
        for feeder in self._chains[board]:
            self._free_ma[feeder] -= needs_ma
