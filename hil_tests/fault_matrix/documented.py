"""What PROTECTION.md says has to become of a board, worked out from what a fault lets it know.

The rule: what flows is what is read, or the rating where nothing can be read; above the limit the
cheapest subset that frees enough goes, of all subsets; what is wished changes with a start and
with the plan's end. Nothing here knows of the firmware.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from hil_tests.fault_matrix.faults import Fault
from hil_tests.fault_matrix.modes import (
    ALL_OPEN,
    BREAKING_A,
    CIRCUITS,
    CRITICAL,
    DEFAULT,
    HEATER,
    LARGE_HEATER_A,
    LIMIT_A,
    PHASE,
    PRIORITY,
    RATED_A,
    Mode,
    Wish,
)

RANGE_A = 30.0
_RANKS = sorted(set(PRIORITY))
# A start closes circuits in an order that depends on when the coordinator is heard.
ON_THE_WAY = ("close", "open", "restore", "shed", "overload")


class Documented:
    """The end of one case: relays, reasons, and what must have been told by then."""

    def __init__(self, mode: Mode, fault: Fault, loads_a: Sequence[float]) -> None:
        self.mode, self.fault = mode, fault
        self.told: set[tuple[str, int]] = set()
        self.started = fault.start and mode.runs
        self.runs = mode.runs and not fault.ends
        self._wish = self._wish_now()
        self.shed: dict[int, str] = {}
        if not self.started:
            self.shed = dict.fromkeys(mode.shed, "shed_feeder")
        self._loads = [fault.loads_a.get(i, load) for i, load in enumerate(loads_a)]
        if mode.shed:
            self._loads[HEATER] = fault.loads_a.get(HEATER, LARGE_HEATER_A)
        # A contact welds while it is closed.
        self._welded = {i for i in fault.welded if self._is_closed(i)}
        self._settle()

    def _settle(self) -> None:
        self._shed_all()
        if self.fault.expires and self.mode.linked:
            self._change_wish(self.mode.expired)
            self._shed_all()
        self._tell_of_contacts()
        if self.runs:
            self.told |= {("sensor", i) for i in self.fault.blind}
        if self.started:
            self._tell_of_start()

    def _wish_now(self) -> Wish:
        mode, fault = self.mode, self.fault
        if not self.started:
            return mode.wish
        if not mode.linked:
            return ALL_OPEN if fault.state_lost else mode.alone
        if fault.alone:
            return mode.alone
        if fault.state_lost and mode.arrange == "fail":
            return DEFAULT  # which starts have failed is forgotten with the rest
        return mode.started or mode.wish

    # The end

    @property
    def closed(self) -> list[int]:
        """Which relays are closed."""
        return [int(self.runs and self._is_closed(i)) for i in CIRCUITS]

    @property
    def reasons(self) -> list[str]:
        """Why each is as it is."""
        return ["hold" if self._is_held(i) else self._why(i) for i in CIRCUITS]

    @property
    def leaves_traces(self) -> bool:
        """Whether only a start ends what it leaves: budgets that take an hour to cool, no link, or
        circuits that stay shed as nobody wishes them on any more.
        """
        fault = self.fault
        unwished = any(not self.mode.wish[i][0] for i in self.shed)
        is_hot = bool(fault.beyond or fault.loads_a or len(fault.blind) > 1)
        return is_hot or fault.alone or unwished

    def _is_closed(self, i: int) -> bool:
        return bool(self._wish[i][0]) and (i not in self.shed or self._is_held(i))

    def _is_held(self, i: int) -> bool:
        """More flows than its contact can break."""
        return bool(self._wish[i][0]) and i not in self.mode_shed and self._flows(i) > BREAKING_A

    @property
    def mode_shed(self) -> tuple[int, ...]:
        """What was open before the fault came."""
        return () if self.started else self.mode.shed

    def _flows(self, i: int) -> float:
        return self._loads[i] if i == HEATER else 0.0

    def _why(self, i: int) -> str:
        return self.shed.get(i, self._wish[i][1])

    # What is seen, and shed for it

    def _seen_a(self) -> list[float]:
        fault = self.fault
        seen = [load * self._is_closed(i) for i, load in enumerate(self._loads)]
        for i in self._welded:
            seen[i] = self._loads[i]
        for i in fault.blind:
            seen[i] = RATED_A * self._is_closed(i)
        for i in fault.unseen:
            seen[i] = 0.0
        for i in fault.beyond:
            seen[i] = RANGE_A
        return seen

    def _shed_all(self) -> None:
        while self.runs and self._shed_some():
            pass

    def _shed_some(self) -> bool:
        """Whether something was opened; False when all is kept, or nothing is left to open."""
        seen = self._seen_a()
        own = {i for i in self.fault.beyond if self._may(i)}
        excess = [
            sum(seen[i] for i in CIRCUITS if PHASE[i] == phase) - limit
            for phase, limit in enumerate(LIMIT_A)
        ]
        if max(excess) <= 0 and not own:
            return False
        may = [i for i in CIRCUITS if self._may(i)]
        chosen = self._cheapest(seen, excess, own, may)
        if chosen is None:
            self.told.add(("overload", -1))
            chosen = own | {i for i in may if seen[i] > 0 and excess[PHASE[i]] > 0}
        for i in chosen:
            self.shed[i] = self._reason(i)
            self.told.add(("shed", i))
        return bool(chosen)

    def _may(self, i: int) -> bool:
        return i != CRITICAL and self._is_closed(i) and not self._is_held(i)

    def _reason(self, i: int) -> str:
        if i in self.fault.blind:
            return "safe_sensor"
        return "shed_circuit" if i in self.fault.beyond else "shed_feeder"

    @staticmethod
    def _cheapest(
        seen: list[float], excess: list[float], must: set[int], may: list[int]
    ) -> set[int] | None:
        best: tuple[list[int], float, set[int]] | None = None
        for size in range(len(may) + 1):
            for subset in map(set, itertools.combinations(may, size)):
                left = list(excess)
                for i in subset:
                    left[PHASE[i]] -= seen[i]
                if max(left) > 0 or not must <= subset:
                    continue
                freed = sum(seen[i] for i in subset)
                cost = [sum(PRIORITY[i] == rank for i in subset) for rank in _RANKS]
                if best is None or (cost, freed) < best[:2]:
                    best = cost, freed, subset
        return best[2] if best else None

    # What is told

    def _change_wish(self, wish: Wish) -> None:
        before, self._wish = self._wish, wish
        for i in CIRCUITS:
            if i not in self.shed and before[i][0] != wish[i][0]:
                self.told.add(("close" if wish[i][0] else "open", i))

    def _tell_of_contacts(self) -> None:
        for i in CIRCUITS:
            flows = i in self.fault.beyond or (i in self._welded and self._loads[i] > 0)
            if self.runs and flows and not self._is_closed(i):
                self.told.add(("welded", i))
            if self.runs and self._is_held(i):
                self.told.add(("breaking", i))

    def _tell_of_start(self) -> None:
        self.told |= {("close", i) for i in CIRCUITS if self._wish[i][0]}
        if self.fault.state_lost or (self.mode.wish == ALL_OPEN and not self.mode.linked):
            self.told.add(("state_lost", -1))
        if self._wish == ALL_OPEN and self.mode.linked:
            self.told.add(("safe_boot", -1))
