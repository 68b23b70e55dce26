"""What a fault does to a board, and what repairs it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from headroom.protocol.signing import sign_beacon

from boards.virtual.board import VirtualBoard
from boards.virtual.flash import FILES_SECTORS, FILES_START, SECTOR_BYTES
from boards.virtual.network import BOARD_HOST
from boards.virtual.plant import Constant
from hil_tests.fault_matrix.modes import FRIDGE
from hil_tests.fault_matrix.rig import BOARD, HTTP_PORT, Rig
from hil_tests.world import SITE_KEY, World

Action = Callable[[Rig], None]


class Bench(Protocol):
    """Whatever has a board in a world: all that most faults need."""

    @property
    def board(self) -> VirtualBoard:
        """The one that faults come to."""
        ...

    @property
    def world(self) -> World:
        """With its coordinator."""
        ...


BenchAction = Callable[[Bench], None]

LATE_MS = 60.0
# The first two sectors hold the beginning of the file system, which cannot move.
_FIRST_WORN = FILES_START // SECTOR_BYTES + 3
_LAST_WORN = FILES_START // SECTOR_BYTES + FILES_SECTORS


def nothing(_rig: Rig) -> None:
    """Nothing."""


# Sensors, relays, loads


def sensor(circuit: int, fault: str, volts: float = 1.65) -> BenchAction:
    """See VirtualBoard.set_sensor_fault."""
    return lambda rig: rig.board.set_sensor_fault(circuit, fault, volts)


def healthy_sensor(circuit: int) -> BenchAction:
    """Repair it."""
    return sensor(circuit, "none")


def bus(errors: int = 0, dead: bool = False) -> BenchAction:
    """See VirtualBoard.set_i2c_fault."""
    return lambda rig: rig.board.set_i2c_fault(errors, dead)


def unset_ina226(rig: Bench) -> None:
    """Its registers are as after power-on."""
    rig.board.exec(
        "import machine\n"
        "i2c = machine.I2C(scl=machine.Pin(0), sda=machine.Pin(4))\n"
        "i2c.writeto(64, bytes((0, 128, 0)))"
    )


def relay(circuit: int, fault: str) -> BenchAction:
    """See VirtualBoard.set_relay_fault."""
    return lambda rig: rig.board.set_relay_fault(circuit, fault)


def load(circuit: int, amps: float) -> BenchAction:
    """So much flows behind a relay, whatever was there."""
    return lambda rig: rig.board.set_load(circuit, Constant(amps))


# The processor


def late_ticks(rig: Bench) -> None:
    """For longer than the case takes."""
    rig.board.overrun_ticks([LATE_MS] * 100)


def break_control(rig: Rig) -> None:
    """Each tick ends in an exception from here on."""
    if rig.mode.runs:
        rig.board.exec("from node import app; app.current.sensors = None")


def reset(cause: str) -> BenchAction:
    """The chip starts for that reason."""
    return lambda rig: rig.board.reset(cause)


def cut_power(rig: Bench) -> None:
    """For a second."""
    rig.board.power_off()
    rig.world.run(1)
    rig.board.power_on()


# Flash


def order_without_flash(rig: Rig) -> None:
    """An OFF order, which has to be in flash before it is obeyed."""
    rig.board.flash.refuses = True
    rig.world.order(BOARD, FRIDGE, "override", {"state": "off", "until": None})


def withdraw_order(rig: Rig) -> None:
    """Before the flash works again."""
    rig.world.order(BOARD, FRIDGE, "override", None)
    mend_flash(rig)


def start_without_flash(rig: Bench) -> None:
    """Nothing that a start wants to keep can be kept."""
    rig.board.flash.refuses = True
    rig.board.reset()


def start_on_worn_flash(rig: Bench) -> None:
    """Sectors that keep what they have, and do not say so."""
    rig.board.flash.worn = frozenset(range(_FIRST_WORN, _LAST_WORN, 3))
    rig.board.reset()


def mend_flash(rig: Bench) -> None:
    """All of it takes writes again."""
    rig.board.flash.refuses = False
    rig.board.flash.worn = frozenset()


def damage(path: str) -> Action:
    """A file that cannot be believed, found at the next start."""

    def inject(rig: Rig) -> None:
        rig.board.power_off()
        rig.board.install({path: b"damaged"})
        rig.board.power_on()

    return inject


# The link, and others on the network


def link(**faults: object) -> Action:
    """See boards.virtual.link.Faults."""

    def inject(rig: Rig) -> None:
        for name, value in faults.items():
            assert hasattr(rig.board.network.faults, name)
            setattr(rig.board.network.faults, name, value)

    return inject


def mend_link(rig: Rig) -> None:
    """As the mode has it: some have none."""
    rig.mend_link()
    rig.board.network.faults.down = rig.mode.runs and not rig.mode.linked


def restart_coordinator(rig: Bench) -> None:
    """Its epoch is a higher one."""
    rig.world.start_coordinator()


def call_slowly(rig: Rig) -> None:
    """Clients that begin a request and never end it; where there is no way to it, none comes."""
    for seconds in range(4):
        rig.board.at(rig.board.now_us + seconds * 1e6, lambda: _begin_request(rig))


def _begin_request(rig: Rig) -> None:
    with suppress(OSError):
        rig.board.network.call(HTTP_PORT, rig.board.now_us).tell(b"GET /met")


def flood(what: str) -> BenchAction:
    """Datagrams to its beacon port, every 50 ms for 3 s."""

    def inject(rig: Bench) -> None:
        for k in range(60):
            data = bytes([k]) * 73 if what == "noise" else sign_beacon(SITE_KEY, 1)
            rig.board.at(
                rig.board.now_us + k * 50_000,
                lambda data=data: rig.world.deliver(data, BOARD, BOARD_HOST),  # type: ignore[misc]
            )

    return inject
