"""What a lease brings about at a board, as shares expect it and as the firmware does it."""

from random import Random
from typing import Any

import pytest
from headroom.allocation.board_rule import Load, Loads, Outcome, goes_on_ma, outcomes

from tools.benches.firmware import node_module

TIMING = {"restore_wait_s": 30, "restore_cap_s": 480, "retry_s": 300}


class Firmware:
    """A board's own shedding, on one phase, with loads that have run or wait for long."""

    def __init__(self, loads: list[Load]) -> None:
        self.loads = loads
        circuits = [{"phase": 1, "priority": x.priority, "kind": "deferrable"} for x in loads]
        self._shedding: Any = node_module("shedding").Shedding(circuits, TIMING)
        self._up_s = 0
        for number, load in enumerate(loads):
            if not load.running:
                self._shedding.shed(number, "shed_feeder", load.current_ma, self._up_s)
        self._up_s = 100

    def runs(self) -> Loads:
        return frozenset(
            load
            for load, reason in zip(self.loads, self._shedding.reason, strict=True)
            if not reason
        )

    def obey(self, limit_ma: int) -> None:
        """Open what has to go, then let back what may, within the wait after an opening."""
        shedding = self._shedding
        closed = sum(1 << n for n, reason in enumerate(shedding.reason) if not reason)
        excess_ma = self._load_ma() - limit_ma
        if excess_ma > 0:
            currents_ma = [load.current_ma for load in self.loads]
            chosen = shedding.choose((excess_ma, 0, 0), currents_ma, closed, 0)
            for number, load in enumerate(self.loads):
                if chosen & 1 << number:
                    shedding.shed(number, "shed_feeder", load.current_ma, self._up_s)
        for _ in self.loads:
            self._up_s += 3
            back = shedding.may_return(
                self._up_s, (self._load_ma(), 0, 0), (limit_ma, 0, 0), 15, 15
            )
            if back >= 0 and not shedding.trial:
                shedding.returned(back, self._up_s)

    def _load_ma(self) -> int:
        return sum(load.current_ma for load in self.runs())


def drawn_loads(rng: Random) -> list[Load]:
    return [
        Load(rng.choice([3, 4, 4]), circuit, rng.randrange(300, 9000), rng.random() < 0.5)
        for circuit in range(rng.randint(1, 4))
    ]


@pytest.mark.parametrize("seed", range(100))
def test_the_firmware_does_with_a_lease_what_is_expected(seed: int) -> None:
    rng = Random(seed)
    loads, safe_ma = drawn_loads(rng), rng.choice([0, 0, 3000])
    for outcome in outcomes(0, safe_ma, tuple(sorted(loads))):
        board = Firmware(loads)
        if outcome.makes_way:
            board.obey(max(safe_ma, outcome.limit_ma))
        board.obey(max(safe_ma, outcome.needs_ma))
        if outcome.loads or safe_ma == 0:
            assert board.runs() == outcome.loads, outcome


def test_a_lease_that_would_let_another_load_in_first_is_not_offered() -> None:
    one, other = Load(4, 0, 3000, running=False), Load(4, 1, 5000, running=False)
    offered = {outcome.loads for outcome in outcomes(0, 0, (one, other))}
    assert offered == {frozenset(), frozenset({one}), frozenset({one, other})}


def test_a_load_in_the_way_goes_before_the_limit_rises() -> None:
    runs, waits = Load(4, 0, 3000, running=True), Load(4, 1, 8000, running=False)
    (offered,) = (one for one in outcomes(0, 0, (runs, waits)) if one.loads == {waits})
    assert offered == Outcome(frozenset({waits}), needs_ma=8422, limit_ma=0)
    # Within its safe limit nothing can make it go.
    within = outcomes(0, 3500, (runs, waits))
    assert frozenset({waits}) not in {outcome.loads for outcome in within}


def test_what_cannot_be_opened_counts_with_every_load() -> None:
    load = Load(4, 0, 3000, running=True)
    needs_ma = {outcome.loads: outcome.needs_ma for outcome in outcomes(2000, 0, (load,))}
    assert needs_ma == {frozenset(): goes_on_ma(2000), frozenset({load}): goes_on_ma(5000)}
