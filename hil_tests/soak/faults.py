"""What goes wrong in a soak: how often, for how long, what repairs it, and what it does to what
the board can know. The actions are those of the fault matrix where it has them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import Any

from headroom.store.backup import back_up

from boards.virtual.plant import Constant, Script
from hil_tests.fault_matrix import actions as do
from hil_tests.fault_matrix.rig import BOARD
from hil_tests.soak.bench import CRITICAL, Bench
from tools.benches.disturbances import BAD_LINKS

Action = Callable[[Bench], None]
Of = Callable[[int], Action]  # of a circuit

_SEEN_S = 0.7  # 500 ms of trust, and a scan
_FROZEN_S = 2.2
_ORDER_S = 30
# Control that fails sheds nothing; the soft watchdog's two looks later all relays are off.
_WATCHDOG_S = 3.3


def anyhow(action: Action) -> Of:
    """Whatever circuit was drawn."""
    return lambda _circuit: action


nothing = anyhow(lambda _bench: None)


@dataclass(frozen=True)
class Fault:
    """``chance`` is its weight among all, ``lasts_s`` how long it is there at least and at most.

    No other fault may hold the same things; {} in them is the circuit. ``restarts``: the board may
    start anew because of it. The rest is as limits.Impaired has it.
    """

    act: Of
    repair: Of = nothing
    holds: tuple[str, ...] = ()
    lasts_s: tuple[float, float] = (5.0, 90.0)
    chance: float = 1.0
    restarts: bool = False
    blind_after_s: float | None = None
    is_welded: bool = False
    slow_s: float = 0.0

    @property
    def of_one_circuit(self) -> bool:
        """Whether it is a circuit that is impaired."""
        return "{}" in "".join(self.holds)


# Restarts. Nothing else may go on with flash meanwhile, which each start writes.


def after_a_good_start(action: Action) -> Of:
    """See Bench.start_is_good."""

    def act(bench: Bench) -> None:
        bench.start_is_good()
        if bench.board.powered:
            action(bench)

    return anyhow(act)


def cut(bench: Bench) -> None:
    """Somewhere within the next second, in the middle of whatever there is."""
    bench.board.cut_power_at(bench.board.now_us + bench.draw.uniform(0.0, 1e6))


def cut_in_flash(bench: Bench) -> None:
    """At one of the next operations of the chip; an OFF order makes some."""
    board = bench.board
    board.flash.cut_at = board.flash.wear.operations + bench.draw.randint(1, 8)
    order_off(bench)


def power_on(bench: Bench) -> None:
    """If it was off."""
    bench.board.flash.cut_at = None
    if not bench.board.powered:
        bench.board.power_on()


def break_control(bench: Bench) -> None:
    """Each tick ends in an exception from here on."""
    if bench.node_runs():
        bench.board.exec("from node import app; app.current.sensors = None")


def order_maintenance(bench: Bench) -> None:
    """Void after some time."""
    bench.world.put(f"boards/{BOARD}/maintenance", {"until": int(bench.world.unix_s()) + _ORDER_S})


def end_maintenance(bench: Bench) -> None:
    """A person at the serial port, if it came to that."""
    if bench.node_runs():
        return
    code = "import os; 'maintenance' in os.listdir('/') and os.remove('/maintenance')"
    with suppress(RuntimeError):
        bench.board.exec(code)
    bench.board.reset()


# Orders


def order_off(bench: Bench) -> None:
    """The one that nobody else may open."""
    bench.world.order(BOARD, CRITICAL, "override", {"state": "off", "until": None})


def withdraw_order(bench: Bench) -> None:
    """And what else was wrong with flash is repaired."""
    bench.world.order(BOARD, CRITICAL, "override", None)
    do.mend_flash(bench)
    power_on(bench)


def refuse_writes(bench: Bench) -> None:
    """An OFF order comes, which has to be in flash before it is obeyed."""
    bench.board.flash.refuses = True
    order_off(bench)


# Link and coordinator


def link(**faults: Any) -> Of:
    """Nothing else is wrong with it."""
    return anyhow(lambda bench: bench.people.set_faults(faults))


def bad_link(bench: Bench) -> None:
    """One of those that the heap bench has."""
    bench.people.set_faults(bench.draw.choice(BAD_LINKS))


def messages(**chances: float) -> Of:
    """See crossing.Crossing."""

    def act(bench: Bench) -> None:
        for name, chance in chances.items():
            assert hasattr(bench.crossing, name)
            setattr(bench.crossing, name, chance)

    return anyhow(act)


def machine(is_off: bool) -> Of:
    """The coordinator's: its address does not answer."""

    def act(bench: Bench) -> None:
        bench.world.machine_is_off = is_off

    return anyhow(act)


def make_backup(bench: Bench) -> None:
    """While it serves."""
    back_up(bench.world.store, bench.backup)


def restore_backup(bench: Bench) -> None:
    """Its disk has died; the backup is all there is."""
    bench.world.restore_coordinator(bench.backup)
    bench.judge_restore()


# Loads


def load(low_a: float, high_a: float) -> Of:
    """One circuit takes that much."""
    return lambda i: (
        lambda bench: bench.board.set_load(
            i, Constant(round(bench.draw.uniform(low_a, high_a), 3))
        )
    )


def all_loads(bench: Bench) -> None:
    """Each within its rating, together far above the limit."""
    for i in range(4):
        bench.board.set_load(i, Constant(round(bench.draw.uniform(2.0, 6.5), 3)))


def inrush(i: int) -> Action:
    """A motor starts."""
    return lambda bench: bench.board.set_load(i, Script([(0.0, 24.0), (0.3, 1.5)]))


def usual_load(i: int) -> Action:
    """Something that fits."""
    return lambda bench: bench.set_usual_load(i)


def usual_loads(bench: Bench) -> None:
    """Everywhere."""
    for i in range(4):
        bench.set_usual_load(i)


_SENSOR, _RELAY, _LOAD = ("sensor {}", "bus"), ("relay {}",), ("load {}",)
_LOADS = ("load 0", "load 1", "load 2", "load 3")
_SENSORS = ("sensor 0", "sensor 1", "sensor 2", "sensor 3", "bus")
_START = ("power", "flash")

FAULTS = {
    # Sensors, relays, loads
    "sensor unplugged": Fault(
        lambda i: do.sensor(i, "unplugged"), do.healthy_sensor, _SENSOR, blind_after_s=_SEEN_S
    ),
    "sensor frozen": Fault(
        lambda i: do.sensor(i, "frozen"), do.healthy_sensor, _SENSOR, blind_after_s=_FROZEN_S
    ),
    "sensor stuck off its bias": Fault(
        lambda i: do.sensor(i, "stuck", 2.2), do.healthy_sensor, _SENSOR, blind_after_s=_SEEN_S
    ),
    "sensor stuck at rest": Fault(
        lambda i: do.sensor(i, "stuck"), do.healthy_sensor, _SENSOR, blind_after_s=inf
    ),
    "sensor saturated": Fault(
        lambda i: do.sensor(i, "saturated"), do.healthy_sensor, _SENSOR, (2.0, 30.0)
    ),
    "errors on the bus": Fault(anyhow(do.bus(errors=4)), holds=("bus",), slow_s=0.5),
    "bus dead": Fault(
        anyhow(do.bus(dead=True)), anyhow(do.bus()), _SENSORS, (1.0, 30.0), blind_after_s=_SEEN_S
    ),
    "relay welded": Fault(
        *(lambda i: do.relay(i, "welded"), lambda i: do.relay(i, "none"), _RELAY),
        is_welded=True,
        slow_s=7.0,
    ),
    "relay does not close": Fault(
        lambda i: do.relay(i, "not_closing"), lambda i: do.relay(i, "none"), _RELAY
    ),
    "overload of a circuit": Fault(load(10.5, 16.0), usual_load, _LOAD, chance=2),
    "heavy overload": Fault(load(20.5, 23.0), usual_load, _LOAD, (2.0, 30.0)),
    "overload of the feeder": Fault(anyhow(all_loads), anyhow(usual_loads), _LOADS, chance=3),
    "motor starts": Fault(inrush, usual_load, _LOAD, (2.0, 10.0)),
    # Processor
    "ticks late": Fault(anyhow(do.late_ticks), holds=("ticks",), lasts_s=(14.0, 14.0), slow_s=1.0),
    "watchdog reset": Fault(after_a_good_start(do.reset("wdt")), holds=_START, restarts=True),
    "exception reset": Fault(
        after_a_good_start(do.reset("exception")), holds=_START, restarts=True
    ),
    "reset line pulled": Fault(after_a_good_start(do.reset("hard")), holds=_START, restarts=True),
    "control fails": Fault(
        after_a_good_start(break_control), holds=_START, restarts=True, slow_s=_WATCHDOG_S
    ),
    "power cut": Fault(
        after_a_good_start(cut), anyhow(power_on), _START, (1.5, 60.0), chance=4, restarts=True
    ),
    "power cut in a flash write": Fault(
        *(after_a_good_start(cut_in_flash), anyhow(withdraw_order), (*_START, "orders")),
        lasts_s=(15.0, 60.0),
        restarts=True,
    ),
    "maintenance": Fault(
        *(after_a_good_start(order_maintenance), anyhow(end_maintenance), _START),
        lasts_s=(75.0, 120.0),
        restarts=True,
    ),
    # Flash
    "flash refuses writes": Fault(
        *(anyhow(refuse_writes), anyhow(withdraw_order), (*_START, "orders")), lasts_s=(5.0, 60.0)
    ),
    "flash worn, a start": Fault(
        *(after_a_good_start(do.start_on_worn_flash), anyhow(do.mend_flash), _START),
        restarts=True,
    ),
    # Link and coordinator
    "bad link": Fault(anyhow(bad_link), link(), ("link",), (5.0, 110.0), chance=4),
    "long outage": Fault(link(down=True), link(), ("link",), (600.0, 2400.0), restarts=True),
    "Wi-Fi hangs": Fault(link(wedged=True), link(), ("link",), (20.0, 200.0), restarts=True),
    "datagrams lost": Fault(link(lose_datagram=1.0, membership_s=1.0), link(), ("link",)),
    "messages twice": Fault(messages(twice=0.7), messages(twice=0.0), ("twice",)),
    "messages late": Fault(messages(late=0.5), messages(late=0.0), ("late",)),
    "answers swapped": Fault(messages(swapped=0.5), messages(swapped=0.0), ("swapped",)),
    "coordinator gone": Fault(machine(True), machine(False), ("coordinator",), (5.0, 110.0)),
    "coordinator restarted": Fault(anyhow(do.restart_coordinator), holds=("coordinator",)),
    "coordinator restored": Fault(
        anyhow(make_backup), anyhow(restore_backup), ("coordinator",), (20.0, 100.0), chance=0.5
    ),
    # Others
    "beacons: noise": Fault(anyhow(do.flood("noise")), holds=("beacons",)),
    "beacons: replays": Fault(anyhow(do.flood("replays")), holds=("beacons",)),
    "web client": Fault(anyhow(lambda bench: bench.people.visit()), chance=3),
    "order or price": Fault(anyhow(lambda bench: bench.people.order()), chance=4),
}
