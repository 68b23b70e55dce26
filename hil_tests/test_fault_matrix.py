"""Every fault that can be injected, in every mode, at three loads: the state it has to end in.

What has to happen is worked out here, from what a fault lets the board know: which currents it
sees, which it has to assume; then the rule of shedding, by trying all subsets. A fault that no
firmware can see is in the matrix too, with what it hides.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest

from boards.virtual.board import VirtualBoard
from boards.virtual.plant import Constant
from hil_tests.conftest import MakeWorld, circuit, one_board_site
from hil_tests.world import World

LIMIT_A = 10.0
RATED_A = 10.0
LIGHTS, LAUNDRY, HEATER, FRIDGE = range(4)
PRIORITY = (1, 3, 4, 1)
LOADS_A = {
    "idle": (0.0, 0.0, 0.0, 0.0),
    "loaded": (1.5, 1.5, 1.5, 1.5),
    "overloaded": (2.0, 8.0, 6.0, 3.0),
}
TIMING = {"boot_delay_s": [1, 1], "restore_wait_s": 600, "restore_cap_s": 600, "retry_s": 600}
# A frozen sensor is believed for 1.5 s, the last good value for 0.5 s, an excess for 5 s; what was
# shed for it may show that more has to go.
SETTLED_S = 13.0


@dataclass(frozen=True)
class Fault:
    """A fault of the laundry, of the bus, of the processor or of the link.

    ``blind`` circuits are assumed at their rating, ``beyond`` read as the sensor's range and more,
    ``hidden`` as nothing: no firmware can see that. The laundry may be ``stuck`` closed or open.
    """

    inject: Callable[[VirtualBoard], None]
    sensor: str = ""
    blind: frozenset[int] = frozenset()
    beyond: bool = False
    hidden: bool = False
    welded: bool = False


def link(**faults: object) -> Callable[[VirtualBoard], None]:
    """A fault of the link between board and coordinator."""

    def inject(board: VirtualBoard) -> None:
        for name, value in faults.items():
            assert hasattr(board.network.faults, name)
            setattr(board.network.faults, name, value)

    return inject


ONE = frozenset({LAUNDRY})
ALL = frozenset(range(4))
FAULTS = {
    "none": Fault(lambda _: None),
    "sensor unplugged": Fault(
        lambda board: board.set_sensor_fault(LAUNDRY, "unplugged"), "missing", ONE
    ),
    "sensor frozen": Fault(lambda board: board.set_sensor_fault(LAUNDRY, "frozen"), "frozen", ONE),
    "sensor saturated": Fault(
        lambda board: board.set_sensor_fault(LAUNDRY, "saturated"), "saturated", beyond=True
    ),
    # At rest and with noise on it, as an idle load is. No firmware can see it.
    "sensor stuck at rest": Fault(
        lambda board: board.set_sensor_fault(LAUNDRY, "stuck"), hidden=True
    ),
    "sensor stuck elsewhere": Fault(
        lambda board: board.set_sensor_fault(LAUNDRY, "stuck", 2.2), "impossible", ONE
    ),
    "bus with errors": Fault(lambda board: board.set_i2c_fault(errors=4)),
    "bus dead": Fault(lambda board: board.set_i2c_fault(dead=True), "missing", ALL),
    "relay welded": Fault(lambda board: board.set_relay_fault(LAUNDRY, "welded"), welded=True),
    # As a load that is switched off at its own switch; told after a day without current.
    "relay not closing": Fault(
        lambda board: board.set_relay_fault(LAUNDRY, "not_closing"), hidden=True
    ),
    "ticks late": Fault(lambda board: board.overrun_ticks([60.0] * 100)),
    "reset": Fault(lambda board: board.reset()),
    "link down": Fault(link(down=True)),
    "wifi wedged": Fault(link(wedged=True)),
    "coordinator refuses": Fault(link(refused=True)),
    "no access point": Fault(link(no_access_point=True)),
    "link slow": Fault(link(delay_us=300_000.0, bytes_per_s=2_000.0)),
    "requests lost": Fault(link(lose_request=1.0)),
    "answers lost": Fault(link(lose_answer=1.0)),
    "answers are noise": Fault(link(garbage=1.0)),
    "answers corrupt": Fault(link(corrupt=1.0)),
    "datagrams lost": Fault(link(lose_datagram=1.0, membership_s=1.0)),
}


@dataclass
class Mode:
    """What the board is in: relays that are wanted closed, and the reason that shows."""

    wanted: tuple[int, ...]
    reason: str
    opener: dict[int, str] = field(default_factory=dict)


MODES = {
    "plan": Mode((1, 1, 1, 1), "default"),
    "expired": Mode((1, 1, 0, 1), "safe_link"),
    "override": Mode((1, 0, 1, 1), "default", {LAUNDRY: "override"}),
    "safe_boot": Mode((0, 0, 0, 0), "safe_boot"),
    "maintenance": Mode((0, 0, 0, 0), ""),
}


class Expected:
    """The board that the documentation describes."""

    def __init__(self, mode: Mode, fault: Fault) -> None:
        self._fault = fault
        # A contact welds while it is closed.
        self._welded = fault.welded and mode.wanted[LAUNDRY]
        self.closed = list(mode.wanted)
        self.reasons = [mode.opener.get(i, mode.reason) for i in range(4)]

    def settle(self, loads_a: Iterable[float]) -> None:
        """What has to go for these loads, until nothing has to or can."""
        loads = list(loads_a)
        while self._shed(self._seen_a(loads)):
            pass

    def _seen_a(self, loads: list[float]) -> list[float]:
        fault = self._fault
        seen = [load * closed for load, closed in zip(loads, self.closed, strict=True)]
        for i in fault.blind:
            seen[i] = RATED_A * self.closed[i]
        if self._welded:
            seen[LAUNDRY] = loads[LAUNDRY]
        if fault.hidden:
            seen[LAUNDRY] = 0.0
        if fault.beyond:
            seen[LAUNDRY] = 3 * RATED_A
        return seen

    def _shed(self, seen: list[float]) -> bool:
        """Whether something was opened; False when all is kept, or nothing is left to open."""
        own = self._fault.beyond and self.closed[LAUNDRY]
        if sum(seen) <= LIMIT_A and not own:
            return False
        chosen = self._choose(seen, sum(seen) - LIMIT_A, {LAUNDRY} if own else set())
        for i in chosen:
            self.closed[i] = 0
            self.reasons[i] = self._reason(i)
        return bool(chosen)

    def _reason(self, i: int) -> str:
        if i in self._fault.blind:
            return "safe_sensor"
        return "shed_circuit" if self._fault.beyond and i == LAUNDRY else "shed_feeder"

    def _choose(self, seen: list[float], excess: float, must: set[int]) -> set[int]:
        may = [i for i in (LIGHTS, LAUNDRY, HEATER) if self.closed[i]]
        best: tuple[list[int], float, set[int]] | None = None
        for size in range(len(may) + 1):
            for subset in map(set, itertools.combinations(may, size)):
                freed = sum(seen[i] for i in subset)
                if freed < excess or not must <= subset:
                    continue
                cost = [sum(PRIORITY[i] == p for i in subset) for p in (1, 3, 4)]
                if best is None or (cost, freed) < best[:2]:
                    best = cost, freed, subset
        return best[2] if best else must | {i for i in may if seen[i] > 0}


@pytest.mark.parametrize("fault_name", FAULTS)
@pytest.mark.parametrize("mode_name", MODES)
def test_ends_in_the_documented_state(
    make_world: MakeWorld, mode_name: str, fault_name: str
) -> None:
    mode, fault = MODES[mode_name], FAULTS[fault_name]
    world = make_world(one_board_site(circuits(), limit_ma=round(LIMIT_A * 1000)))
    board = enter(world, mode_name)
    expected = Expected(mode, fault)
    fault.inject(board)
    for load, amps in LOADS_A.items():
        for index, value in enumerate(amps):
            board.set_load(index, Constant(value))
        # Where all relays are open whatever happens, nothing has to settle.
        world.run(SETTLED_S if any(mode.wanted) else 3.0)
        if mode_name == "maintenance":
            assert coils(board) == [0, 0, 0, 0], load
            continue
        expected.settle(amps)
        closed, reasons, sensors = ask(board)
        assert closed == expected.closed, (load, reasons, sensors)
        assert reasons == expected.reasons, (load, closed, sensors)
        assert coils(board) == closed
        if fault.sensor:
            assert sensors[LAUNDRY] == fault.sensor, load
    if mode_name == "maintenance":
        assert board.exec("import sys; print('node.app' in sys.modules)") == "False\n"
    assert len(board.resets) == 1 + (fault_name == "reset")


def circuits() -> list[dict[str, object]]:
    """As the site file has them: one critical, one that is off in the safe state."""
    return [
        circuit("lights", priority=1, safe="on"),
        circuit("laundry", priority=3, safe="on"),
        circuit("heater", priority=4, safe="off"),
        circuit("fridge", priority=1, kind="critical", safe="on"),
    ]


def enter(world: World, mode: str) -> VirtualBoard:
    """The board in a mode, idle, with all the circuits closed that it wants closed."""
    board = world.add_board("flat-1", timing=TIMING)
    if mode == "maintenance":
        board.install({"maintenance": b""})
    if mode == "safe_boot":
        board.install({"state.json": b"damaged"})
    if mode in ("safe_boot", "expired"):
        board.network.faults.down = True
    if mode == "override":
        world.order("flat-1", LAUNDRY, "override", {"state": "off", "until": None})
    board.power_on()
    wanted = list(MODES[mode].wanted)
    world.run(8)
    assert coils(board) == wanted
    return board


def coils(board: VirtualBoard) -> list[int]:
    """Which relays are told to be closed, by their coils."""
    return [int(bool(c.coil.at(board.now_us))) for c in board.plant.circuits]


def ask(board: VirtualBoard) -> tuple[list[int], list[str], list[str]]:
    """Relays, reasons and sensors as the node has them."""
    shown = board.exec(
        "from node import app\n"
        "a = app.current\n"
        "print((list(a.relays.closed), a.relays.reason, a.readings.state))"
    )
    closed, reasons, sensors = ast.literal_eval(shown)
    return closed, reasons, sensors
