"""The faults that can be injected: how, what the firmware has of each, and how it must end.

Of a circuit's sensor a fault may leave the board ``blind`` (the circuit counts as its rating while
it is closed), ``beyond`` (it reads the sensor's range and more), or make it read nothing
(``unseen``), which no firmware can see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hil_tests.fault_matrix import actions as do
from hil_tests.fault_matrix.modes import CIRCUITS, HEARD_S, HEATER, LAUNDRY, LIGHTS
from hil_tests.fault_matrix.rig import Rig

TOO_MUCH_A = 25.0
HIDDEN = "nothing"


@dataclass(frozen=True)
class Fault:
    """A row of the matrix. ``seen`` is what the firmware has of it, HIDDEN where it has nothing.

    ``start``: the chip starts anew; ``alone``: it has no link from then on. ``expires``: it lasts
    until the plan has run out. ``state_lost``: what flash keeps of orders cannot be read.
    ``ends``: the node does not run on. ``replace``: only another board repairs it.
    """

    inject: Callable[[Rig], None]
    seen: str
    end: str
    repair: Callable[[Rig], None] = do.nothing
    sensor: tuple[str, ...] = ()
    blind: frozenset[int] = frozenset()
    beyond: frozenset[int] = frozenset()
    unseen: frozenset[int] = frozenset()
    welded: frozenset[int] = frozenset()
    loads_a: dict[int, float] = field(default_factory=dict)
    start: bool = False
    alone: bool = False
    expires: bool = False
    state_lost: bool = False
    ends: bool = False
    replace: bool = False
    settle_s: float = 4.0


_ONE, _FIRST, _ALL = frozenset({LAUNDRY}), frozenset({LIGHTS}), frozenset(CIRCUITS)
_START_S = HEARD_S + 4.0
_SAME = "the same as without it"
_AGAIN = "the mode's state again; what only RAM held (a charge order, a shedding) has ended"
_BLIND = "it counts as its rating while closed; what does not fit is shed, itself as `safe_sensor`"
_NEXT = "nothing switches before the plan has run out"
_EXPIRED = "each circuit's safe state, `safe_link`; orders and sheddings stay"

FAULTS = {
    "none": Fault(do.nothing, "", "loads above the limit are shed, `shed_feeder`"),
    # Sensors
    "CT unplugged": Fault(
        *(do.sensor(LAUNDRY, "unplugged"), "`missing`", _BLIND, do.healthy_sensor(LAUNDRY)),
        sensor=("missing",),
        blind=_ONE,
    ),
    "CT frozen": Fault(
        do.sensor(LAUNDRY, "frozen"),
        "`frozen`; `impossible` where it stopped far off its bias",
        _BLIND,
        do.healthy_sensor(LAUNDRY),
        sensor=("frozen", "impossible"),
        blind=_ONE,
        settle_s=7.0,
    ),
    "CT beyond its range": Fault(
        do.sensor(LAUNDRY, "saturated"),
        "`saturated`",
        "open at once, `shed_circuit`; while it still reads so, all that helps is shed",
        do.healthy_sensor(LAUNDRY),
        sensor=("saturated",),
        beyond=_ONE,
    ),
    "CT's input off its bias": Fault(
        *(do.sensor(LAUNDRY, "stuck", 2.2), "`impossible`", _BLIND, do.healthy_sensor(LAUNDRY)),
        sensor=("impossible",),
        blind=_ONE,
    ),
    "CT stuck at rest, with noise": Fault(
        do.sensor(LAUNDRY, "stuck"),
        HIDDEN,
        "its load is not counted: as an idle load",
        do.healthy_sensor(LAUNDRY),
        unseen=_ONE,
    ),
    "INA226 does not answer": Fault(
        *(do.sensor(LIGHTS, "unplugged"), "`missing`", _BLIND, do.healthy_sensor(LIGHTS)),
        sensor=("missing",),
        blind=_FIRST,
    ),
    "INA226 has stopped converting": Fault(
        *(do.sensor(LIGHTS, "frozen"), "`frozen`", _BLIND, do.healthy_sensor(LIGHTS)),
        sensor=("frozen",),
        blind=_FIRST,
    ),
    "INA226's shunt open": Fault(
        do.sensor(LIGHTS, "saturated"),
        "`saturated`",
        "as a CT beyond its range",
        do.healthy_sensor(LIGHTS),
        sensor=("saturated",),
        beyond=_FIRST,
    ),
    "INA226's shunt shorted": Fault(
        do.sensor(LIGHTS, "stuck", 0.0),
        HIDDEN,
        "its load is not counted: as an idle load",
        do.healthy_sensor(LIGHTS),
        unseen=_FIRST,
    ),
    "INA226 had a power cut of its own": Fault(do.unset_ina226, "its registers", _SAME),
    "errors on the bus": Fault(do.bus(errors=4), "4 failed transfers", _SAME),
    "bus dead": Fault(
        *(do.bus(dead=True), "`missing`", "each " + _BLIND, do.bus()),
        sensor=("missing",),
        blind=_ALL,
    ),
    # Relays and loads
    "relay welded": Fault(
        do.relay(LAUNDRY, "welded"),
        "`welded`, once it should be open",
        "counts as closed; others are shed for it",
        do.relay(LAUNDRY, "none"),
        welded=_ONE,
        settle_s=6.0,
    ),
    "relay does not close": Fault(
        do.relay(LAUNDRY, "not_closing"),
        HIDDEN,
        "nothing for a day, then an event: as a load that is off",
        do.relay(LAUNDRY, "none"),
        unseen=_ONE,
    ),
    "more than the contact can break": Fault(
        do.load(HEATER, TOO_MUCH_A),
        "`breaking`",
        "closed, `hold`, which the breaker has to end; all that helps is shed",
        loads_a={HEATER: TOO_MUCH_A},
    ),
    # Processor
    "ticks 60 ms late": Fault(do.late_ticks, "dropped ticks", _SAME),
    "control fails": Fault(
        *(do.break_control, "the watchdog bites", _AGAIN), start=True, settle_s=_START_S + 3.5
    ),
    "watchdog reset": Fault(
        *(do.reset("wdt"), "reset cause", _AGAIN), start=True, settle_s=_START_S
    ),
    "exception reset": Fault(
        *(do.reset("exception"), "reset cause", _AGAIN), start=True, settle_s=_START_S
    ),
    "reset line pulled": Fault(
        *(do.reset("hard"), "reset cause", _AGAIN), start=True, settle_s=_START_S
    ),
    "power cut": Fault(*(do.cut_power, "reset cause", _AGAIN), start=True, settle_s=_START_S),
    # Flash
    "flash refuses writes, an OFF order comes": Fault(
        do.order_without_flash, "an error", "not obeyed, not acknowledged", do.withdraw_order
    ),
    "flash refuses writes at a start": Fault(
        do.start_without_flash,
        "an error",
        "no link: each circuit's safe state, `safe_link`; protection goes on",
        do.mend_flash,
        start=True,
        alone=True,
        settle_s=_START_S,
    ),
    "every third sector worn, a start": Fault(
        *(do.start_on_worn_flash, "nothing: littlefs moves what it writes", _AGAIN),
        do.mend_flash,
        start=True,
        settle_s=_START_S,
    ),
    "state damaged, a start": Fault(
        do.damage("state.json"),
        "`state_lost`",
        "all open, `safe_boot`, until the coordinator has sent the orders anew",
        start=True,
        state_lost=True,
        replace=True,
        settle_s=_START_S,
    ),
    "configuration damaged, a start": Fault(
        *(do.damage("config.json"), "said on the serial port", "all open; REPL alive"),
        ends=True,
        replace=True,
        settle_s=3.0,
    ),
    # Link
    "link down": Fault(*(do.link(down=True), "silence", _NEXT), do.mend_link),
    "Wi-Fi hangs": Fault(*(do.link(wedged=True), "silence", _NEXT), do.mend_link),
    "coordinator refuses": Fault(*(do.link(refused=True), "an error", _NEXT), do.mend_link),
    "no access point": Fault(*(do.link(no_access_point=True), "its status", _NEXT), do.mend_link),
    "link slow": Fault(
        *(do.link(delay_us=300_000.0, bytes_per_s=2_000.0), "time", _NEXT), do.mend_link
    ),
    "requests lost": Fault(*(do.link(lose_request=1.0), "silence", _NEXT), do.mend_link),
    "answers lost": Fault(*(do.link(lose_answer=1.0), "silence", _NEXT), do.mend_link),
    "answers are noise": Fault(*(do.link(garbage=1.0), "`refused`", _NEXT), do.mend_link),
    "answers corrupt": Fault(*(do.link(corrupt=1.0), "`refused`", _NEXT), do.mend_link),
    "coordinator silent": Fault(
        *(do.link(down=True), "the plan's end", _EXPIRED),
        do.mend_link,
        expires=True,
        settle_s=25.0,
    ),
    "nothing but noise": Fault(
        *(do.link(garbage=1.0), "the plan's end", _EXPIRED),
        do.mend_link,
        expires=True,
        settle_s=25.0,
    ),
    "coordinator restarted": Fault(do.restart_coordinator, "a higher epoch", _SAME),
    # Others on the network
    "slow clients of its HTTP": Fault(do.call_slowly, "3 s each", _SAME),
    "beacons: noise": Fault(do.flood("noise"), "refused, counted", _SAME),
    "beacons: replays": Fault(do.flood("replays"), "refused, counted", _SAME),
    "datagrams lost": Fault(
        *(do.link(lose_datagram=1.0, membership_s=1.0), HIDDEN, "orders come with a report"),
        do.mend_link,
    ),
}
