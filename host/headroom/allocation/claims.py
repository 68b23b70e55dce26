"""What boards ask for: their circuits that draw current, or would if they had room."""

import math
from dataclasses import dataclass

from headroom.allocation.board_rule import goes_on_ma, lets_in_ma
from headroom.phases import ZERO_MA, PhaseMa

Rank = tuple[int, int]
# Critical loads are never shed, and welded ones cannot be.
FIRST: Rank = (0, 0)


@dataclass(frozen=True)
class Claim:
    """One circuit; a lower `rank`, priority of board and circuit, comes first.

    Its current is at most `current_ma` where it is not `known`. Then a part is of use too, as it
    is of what is of rank FIRST, because that cannot be shed.
    """

    circuit: int
    phase: int
    rank: Rank
    current_ma: int
    waited_s: float = 0.0
    ran_s: float = math.inf
    running: bool = True
    known: bool = True

    @property
    def needs_ma(self) -> int:
        """The limit under which it would run by itself."""
        return goes_on_ma(self.current_ma) if self.running else lets_in_ma(self.current_ma)


@dataclass(frozen=True)
class Demand:
    """What one board asks for beside its safe limit.

    `varying_ma` may be wanted on top of the claims at any moment; more than `most_ma` never.
    """

    claims: tuple[Claim, ...]
    varying_ma: PhaseMa = ZERO_MA
    most_ma: PhaseMa = ZERO_MA
