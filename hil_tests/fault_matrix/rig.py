"""The board that faults come to: brought into a mode, read, and brought back, which is checked."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path

from headroom.coordinator import Settings
from headroom.protocol.signing import sign_charge
from headroom.store.events import newest_events

from boards.virtual.link import Faults
from boards.virtual.network import Caller
from boards.virtual.plant import Constant
from hil_tests.fault_matrix.modes import (
    HEATER,
    LARGE_HEATER_A,
    LAUNDRY,
    LOADS_A,
    Mode,
    Wish,
)
from hil_tests.world import World, start_is_good

BOARD = "flat-1"
HTTP_PORT = 8080
CHARGE_KEY = bytes(range(32))
SETTINGS = Settings(lease_s=10, valid_s=20)
RENEWED_S = 3  # boards report every 2 s; no fault of the link is shorter than this
# An account that stands at its end is empty again.
DRAINED_S = 5.0
# A sensor's event comes a minute after the one before, and so does the one that ends it.
SENSOR_LATE_S = 130.0
TIMING = {
    "boot_delay_s": [0, 0],
    "limit_s": 2,
    # Longer than a case takes from a shedding on to its end; the retry is longer than all of them.
    "restore_wait_s": 10,
    "restore_cap_s": 10,
    "retry_s": 86_400,
}
_READ = """from node import app
a = app.current
e = a.events
print((list(a.relays.closed), a.relays.reason, a.readings.state, a.storage.boot,
    a.planning.valid_end_s - a.clock.up_s, [e.record(k) for k in range(e.stored)]))
"""
_KEPT_EVENTS = 24
_STEP_S = 0.25

# What happened: (kind, circuit; -1 = none).
Happened = set[tuple[str, int]]


@dataclass(frozen=True)
class Seen:
    """What a node says of itself.

    Events are by (boot, number): ``kept`` those that it has, ``stored`` those that the coordinator
    has; ``valid_s`` is left of the plan, ``starts`` of the chip.
    """

    closed: list[int]
    reasons: list[str]
    sensors: list[str]
    boot: int
    valid_s: int
    kept: dict[tuple[int, int], tuple[str, int]]
    stored: dict[tuple[int, int], tuple[str, int]]
    starts: int

    def happened_since(self, before: Seen) -> Happened:
        """The events after an earlier look, or since the start if there was one in between."""
        last = max((*before.kept, *before.stored), default=(0, 0))
        if self.starts != before.starts:
            # Without flash to count it in, a start has the number of the one before.
            stored = {kind for at, kind in self.stored.items() if at[0] > before.boot}
            return stored | set(self.kept.values())
        return {kind for at, kind in (self.stored | self.kept).items() if at > last}


class NotReached(Exception):
    """The board did not come (back) into its mode."""


class Rig:
    """One board in one mode, idle; ``base`` is how it looks then."""

    def __init__(self, mode: Mode, folder: Path) -> None:
        self.mode = mode
        self._base = with_shed(mode.wish, mode.shed)
        self._folder = folder
        self._charges = 0
        self._sensor_told_us: dict[int, float] = {}
        self._worlds = 0
        self.replace()

    def replace(self) -> None:
        """A new board with a coordinator of its own, in the mode. Raises NotReached."""
        if self._worlds:
            self.close()
        self._worlds += 1
        self._sensor_told_us.clear()
        self.world = World(
            self.mode.site(), self._folder / f"data-{self._worlds}", SETTINGS, beacons=True
        )
        self.board = self.world.add_board(
            BOARD, timing=TIMING, http_port=HTTP_PORT, charge_key=CHARGE_KEY
        )
        self._prepare()
        self.board.power_on()
        self._arrange()
        self._await_mode()

    def close(self) -> None:
        """End the board and its coordinator."""
        self.world.close()

    # The way into the mode

    def _prepare(self) -> None:
        """Orders, and what is in flash by then."""
        world, mode = self.world, self.mode
        if not mode.runs:
            self.board.install({"maintenance": b""})
        if mode.wish[LAUNDRY][1] == "safe_boot" and not mode.linked:
            self.board.install({"state.json": b"damaged"})
            self.board.network.faults.down = True
        if mode.wish[LAUNDRY] == (0, "plan"):
            self._schedule(LAUNDRY, "0")
            self._schedule(HEATER, "1")
        if mode.wish[LAUNDRY][1] == "price":
            prices = {"start": int(world.unix_s()), "step_s": 900, "eur_mwh": [400] * 16}
            world.put("prices", prices)
        if mode.wish[LAUNDRY][1] == "override" and not mode.arrange:
            state = "on" if mode.wish[LAUNDRY][0] else "off"
            self._schedule(LAUNDRY, "10"[mode.wish[LAUNDRY][0]])
            world.order(BOARD, LAUNDRY, "override", {"state": state, "until": None})

    def _schedule(self, circuit: int, slot: str) -> None:
        body = {"start": int(self.world.unix_s()), "step_s": 900, "slots": slot * 16}
        self.world.order(BOARD, circuit, "schedule", body)

    def _arrange(self) -> None:
        """What a start has ended."""
        how = self.mode.arrange
        if how == "charge":
            self.wait(lambda seen: seen.reasons[LAUNDRY] == "default")
            self._charge()
        if how == "shed":
            self.wait(lambda seen: seen.reasons[HEATER] in ("default", "shed_feeder"))
            self.set_loads((1.0, 1.0, 0.0, 1.0))
            self.wait(lambda seen: seen.reasons[HEATER] == "shed_feeder")
            self.set_loads(LOADS_A["idle"])
            self.world.run(DRAINED_S)
        if how == "expire":
            self.wait(lambda seen: seen.reasons[LAUNDRY] == "default")
            self.board.network.faults.down = True
        if how == "fail":
            for _ in range(6):
                self.board.reset("wdt")
                self.world.run(1)

    def _charge(self) -> None:
        self._charges += 1
        order = {"v": 1, "counter": self._charges, "circuit": LAUNDRY, "minutes": 600}
        body = json.dumps(order).encode()
        head = (
            f"POST /charge HTTP/1.1\r\nContent-Length: {len(body)}\r\n"
            f"Headroom-Signature: {sign_charge(CHARGE_KEY, BOARD, body)}\r\n\r\n"
        )
        caller = self._call()
        caller.tell(head.encode() + body)
        self.world.run_until(lambda: caller.closed, within_s=10)
        assert caller.received.startswith(b"HTTP/1.1 200"), caller.received

    def _call(self) -> Caller:
        """A client of its HTTP, as soon as it listens."""
        for _ in range(10):
            with suppress(OSError):
                return self.board.network.call(HTTP_PORT, self.board.now_us)
            self.world.run(_STEP_S)
        raise NotReached(self.board.describe())

    # Looking and waiting

    def look(self) -> Seen:
        """What the node says of itself now."""
        closed, reasons, sensors, boot, valid_s, kept = ast.literal_eval(self.board.exec(_READ))
        assert len(kept) < _KEPT_EVENTS, kept
        with self.world.store.read() as db:
            stored = newest_events(db, 2 * _KEPT_EVENTS)
        return Seen(
            closed,
            reasons,
            sensors,
            boot,
            valid_s,
            {(boot, n): (kind, circuit) for n, _, kind, circuit, _ in kept},
            {(one.boot, one.event.n): (one.event.kind, one.event.circuit) for one in stored},
            len(self.board.resets),
        )

    def has_node(self) -> bool:
        """Whether the node runs; that is asked without loading it."""
        code = "import sys; a = sys.modules.get('node.app'); print(bool(a and a.current))"
        return self.board.exec(code) == "True\n"

    def coils(self) -> list[int]:
        """Which relays are told to be closed, by their coils."""
        return [int(bool(c.coil.at(self.board.now_us))) for c in self.board.plant.circuits]

    def wait(self, condition: Callable[[Seen], bool], within_s: float = 40.0) -> None:
        """Let time pass until the node looks so. Raises NotReached."""
        end_us = self.world.now_us + within_s * 1e6
        while not condition(seen := self.look()):
            if self.world.now_us > end_us:
                raise NotReached(f"after {within_s} s: {seen}\n{self.board.describe()}")
            self.world.run(_STEP_S)

    def set_loads(self, amps: Sequence[float]) -> None:
        """Constant loads from now on; in the mode that is about it the heater is a large one."""
        for index, value in enumerate(amps):
            large = index == HEATER and self.mode.shed
            self.board.set_load(index, Constant(LARGE_HEATER_A if large else value))

    def note(self, blind: Iterable[int]) -> None:
        """Sensors of these circuits were told of just now."""
        self._sensor_told_us |= dict.fromkeys(blind, self.world.now_us)

    def is_told_late(self, i: int) -> bool:
        """Whether an event of circuit i's sensor waits for the one before to be a minute old."""
        told_us = self._sensor_told_us.get(i, -inf)
        started_us = self.board.resets[-1][0]
        return told_us > max(started_us, self.world.now_us - SENSOR_LATE_S * 1e6)

    # The way back

    def restore(self, started: bool, cool: bool) -> None:
        """Back to the mode after a fault has been repaired. Raises NotReached.

        ``started``: it has started since. ``cool``: from a power-on, because it leaves behind what
        only that ends, such as budgets that take an hour to cool; else it comes back by itself.
        """
        self.set_loads(LOADS_A["idle"])
        if self.mode.runs and (started or cool):
            fails = self.mode.arrange == "fail"
            if not fails:
                start_is_good(self.board)
            if cool:
                self.board.power_off()
                self.board.power_on()
            if not fails:
                self.mend_link()
                self._arrange()
        self._await_mode()
        if self.mode.runs and not self.mode.linked:
            # What an answer would do, before the ring is full.
            self.board.exec("from node import app; app.current.events.acknowledge(1 << 20)")

    def mend_link(self) -> None:
        """As it is in the mode, or on the way into it."""
        faults = self.board.network.faults
        for name, value in vars(Faults()).items():
            setattr(faults, name, value)
        faults.down = self.mode.runs and not self.mode.linked and self.mode.arrange != "expire"

    def _await_mode(self) -> None:
        if not self.mode.runs:
            self.world.run(1)
            if self.coils() != [0] * 4 or self.has_node():
                raise NotReached(self.board.describe())
            return
        # To look at the coils costs nothing.
        wished = [closed for closed, _ in self._base]
        with suppress(TimeoutError):
            self.world.run_until(lambda: self.coils() == wished, within_s=40)
        self.wait(self._is_there)

    def _is_there(self, seen: Seen) -> bool:
        return (
            tuple(zip(seen.closed, seen.reasons, strict=True)) == self._base
            and set(seen.sensors) <= {"ok", "below_range"}
            and self.coils() == seen.closed
            and (seen.valid_s > SETTINGS.valid_s - RENEWED_S) == self.mode.linked
        )


def with_shed(wish: Wish, shed: Sequence[int]) -> Wish:
    """A wish with some circuits shed for the feeder."""
    return tuple((0, "shed_feeder") if i in shed else one for i, one in enumerate(wish))
