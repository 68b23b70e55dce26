"""When what goes wrong: rounds of faults, and rests in between, in which all has to be well again.

In the first half of a round the board may be made to start anew; the second half leaves it its
uptime, so that what grows on the heap can grow. All is drawn from the seed.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TextIO

from boards.virtual.board import HeapWatch
from hil_tests.soak.bench import Bench
from hil_tests.soak.deliveries import MOST_TAKEN, Deliveries
from hil_tests.soak.faults import FAULTS, Fault
from hil_tests.soak.limits import Impaired, Limits

ROUND_S = 7200.0
REST_S = 60.0
# Between two faults.
_PAUSE_S = (2.0, 28.0)
# A circuit that was shed for itself waits that long for its next trial, and then for its turn.
_WELL_WITHIN_S = 1500.0
_WARM_UP_S = 40.0
# What two minutes may differ by without growth: see tools/benches/heap.py.
HEAP_NOISE_BYTES = 512


@dataclass
class Happening:
    """A fault that is there now."""

    name: str
    fault: Fault
    circuit: int
    from_us: float

    def impaired(self, to_us: float) -> Impaired:
        """What it has done to what the board can know."""
        fault = self.fault
        blind_us = None if fault.blind_after_s is None else fault.blind_after_s * 1e6
        circuit = self.circuit if fault.of_one_circuit else None
        return Impaired(
            *(self.name, circuit, self.from_us, to_us, blind_us, fault.is_welded),
            slow_us=fault.slow_s * 1e6,
        )


@dataclass
class Outcome:
    """What a soak comes to, besides what its judges have counted."""

    faults: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    live_bytes: list[int] = field(default_factory=list)  # at each rest
    growth_bytes: list[int] = field(default_factory=list)  # over each half without restarts
    highest_live_bytes: int = 0


class Soak:
    """A run. ``log`` gets a line for each thing that happens, with the minute."""

    def __init__(self, bench: Bench, hours: float, log: TextIO) -> None:
        self.bench = bench
        self.outcome = Outcome()
        self.deliveries = Deliveries()
        bench.crossing.witness = self.deliveries.answered
        bench.judge_restore = lambda: self.deliveries.restored(bench)
        self._log = log
        self._end_us = hours * 3600e6
        self._happening: list[tuple[float, int, Happening]] = []
        self._held: set[str] = set()
        self._impaired: list[Impaired] = []
        self._count = itertools.count()
        self._resets_told = 0
        bench.board.power_on()
        self.limits = Limits(bench.board)

    def run(self) -> None:
        """All of it; whatever fails is noted and the run goes on."""
        bench = self.bench
        bench.world.run(_WARM_UP_S)
        self._rest()
        while bench.world.now_us < self._end_us:
            left_s = (self._end_us - bench.world.now_us) / 1e6
            half_s = min(left_s, ROUND_S) / 2
            self.trouble(half_s, restarts=True)
            before = self._rest()
            resets = len(bench.board.resets)
            self.trouble(half_s, restarts=False)
            after = self._rest()
            if len(bench.board.resets) == resets:
                self._judge_growth(after.live - before.live)

    def tell(self, what: str) -> None:
        """A line of the log."""
        self._log.write(f"{self.bench.world.now_us / 60e6:9.3f} min  {what}\n")
        self._log.flush()

    def fail(self, what: str) -> None:
        """Something is as it must not be."""
        minute = self.bench.world.now_us / 60e6
        self.outcome.failures.append(f"minute {minute:.1f}: {what}")
        self.tell(f"FAILED: {what}")

    # Faults

    def trouble(self, seconds: float, restarts: bool) -> None:
        """Let that much time pass with faults, and repair them."""
        world = self.bench.world
        until_us = world.now_us + seconds * 1e6
        next_us = world.now_us
        while world.now_us < until_us:
            if world.now_us >= next_us:
                self._begin(restarts, until_us)
                next_us = world.now_us + self.bench.draw.uniform(*_PAUSE_S) * 1e6
            self._pass(min(until_us, next_us, *(at for at, _, _ in self._happening)))
        self._repair_all()

    def _pass(self, until_us: float) -> None:
        world = self.bench.world
        if until_us > world.now_us:
            world.run((until_us - world.now_us) / 1e6)
        self._tell_resets()
        while self._happening and self._happening[0][0] <= world.now_us:
            self._repair(heapq.heappop(self._happening)[2])

    def _begin(self, restarts: bool, until_us: float) -> None:
        draw = self.bench.draw
        circuit = draw.randrange(4)
        may = {
            name: fault
            for name, fault in FAULTS.items()
            if (restarts or not fault.restarts) and not self._held & _holds(fault, circuit)
        }
        [name] = draw.choices(list(may), [fault.chance for fault in may.values()])
        now_us = self.bench.world.now_us
        happening = Happening(name, may[name], circuit, now_us)
        ends_us = min(now_us + draw.uniform(*may[name].lasts_s) * 1e6, until_us)
        self._held |= _holds(may[name], circuit)
        heapq.heappush(self._happening, (ends_us, next(self._count), happening))
        self.outcome.faults[name] += 1
        self.tell(f"{name}, circuit {circuit}, for {(ends_us - now_us) / 1e6:.1f} s")
        if may[name].restarts:
            self.deliveries.look_into_flash(self.bench.board)
        may[name].act(circuit)(self.bench)

    def _repair(self, happening: Happening) -> None:
        self.tell(f"repaired: {happening.name}, circuit {happening.circuit}")
        happening.fault.repair(happening.circuit)(self.bench)
        self._held -= _holds(happening.fault, happening.circuit)
        self._impaired.append(happening.impaired(self.bench.world.now_us))

    def _repair_all(self) -> None:
        while self._happening:
            self._repair(heapq.heappop(self._happening)[2])

    def _tell_resets(self) -> None:
        for at_us, cause in self.bench.board.resets[self._resets_told :]:
            self.tell(f"started at {at_us / 60e6:.3f} min: {cause}")
        self._resets_told = len(self.bench.board.resets)

    # Rests

    def _rest(self) -> HeapWatch:
        """Nothing is wrong any more: all comes back, and the judges look at what has been."""
        bench = self.bench
        try:
            bench.world.run_until(self._is_heard, within_s=_WELL_WITHIN_S)
            bench.people.settle()
            bench.world.run_until(self._is_well, within_s=_WELL_WITHIN_S)
        except TimeoutError as error:
            self.fail(f"not well again, {self._describe()}: {error}")
        self._judge(bench)
        seen = bench.board.heap()
        self.outcome.highest_live_bytes = max(self.outcome.highest_live_bytes, seen.highest_live)
        bench.world.run(REST_S)
        seen = bench.board.heap()
        self.outcome.live_bytes.append(seen.live)
        self.tell(f"at rest, {sum(self.outcome.faults.values())} faults, heap {seen.live} bytes")
        return seen

    def _is_heard(self) -> bool:
        age_s = self.bench.world.state()["boards"][0]["age_s"]
        return age_s is not None and age_s < 1.0

    def _is_well(self) -> bool:
        bench = self.bench
        if bench.contacts() != [1] * 4:
            return False
        shown = bench.world.state()["boards"][0]["circuits"]
        if any(c["sensor"] not in ("ok", "below_range") or not c["closed"] for c in shown):
            return False
        return all(gap["cause"] != "not_delivered" for gap in self.gaps())

    def gaps(self) -> list[dict[str, Any]]:
        """Which minutes of the board are missing, as the API tells."""
        board_id = self.bench.world.site.boards[0].id
        end = int(self.bench.world.unix_s())
        start = end - int(self.bench.world.now_us / 1e6) - 60
        path = f"/api/v1/boards/{board_id}/gaps?start={start}&end={end}"
        found: list[dict[str, Any]] = self.bench.world.api.get(path).get_json()["gaps"]
        return found

    def _judge(self, bench: Bench) -> None:
        for excess in self.limits.check(self._impaired):
            self.fail(str(excess))
        self._impaired.clear()
        for one in self.deliveries.lost(bench):
            self.fail(f"lost: {one}")
        for boot, count in self.deliveries.taken(bench).items():
            if count > MOST_TAKEN + self.deliveries.overflowed:
                self.fail(f"start {boot} has lost {count} minutes, {MOST_TAKEN} at most")
        died = bench.board.serial_log.count(b"MemoryError")
        if died:
            self.fail(f"{died} MemoryErrors on the serial port")
            bench.board.serial_log.clear()

    def _judge_growth(self, growth_bytes: int) -> None:
        self.outcome.growth_bytes.append(growth_bytes)
        if growth_bytes > HEAP_NOISE_BYTES:
            self.fail(f"the heap has grown by {growth_bytes} bytes")

    def _describe(self) -> str:
        with suppress(RuntimeError):
            code = "from node import app; print(app.current.relays.reason, app.current.client)"
            return f"contacts {self.bench.contacts()}, {self.bench.board.exec(code).strip()}"
        return f"contacts {self.bench.contacts()}, no node"


def _holds(fault: Fault, circuit: int) -> set[str]:
    return {what.format(circuit) for what in fault.holds}
