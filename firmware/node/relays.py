"""The only writer of the relay pins and of their gate.

The gate lets the coils have supply at all. It is low through reset and start, when the relay pins
of an ESP8266 are high for 110 ms by themselves, and rises only once every pin is at its off value.

A minimum on time binds wishes, not openers: what protects may cut it. Nothing shortens a minimum
off time: a compressor, or a contactor that has just dropped, does not care who asks. It counts
from the start of the board too, since nobody knows when the circuit really lost its supply.
"""

from array import array

from micropython import const

# The order is DESIGN.md's; an edge's event carries the index of its reason as value.
REASONS = (
    "plan",
    "override",
    "shed_feeder",
    "shed_circuit",
    "price",
    "hold",
    "safe_link",
    "safe_sensor",
    "safe_boot",
    "default",
)
_SHED = ("shed_feeder", "shed_circuit", "safe_sensor")
_LONG_MS = const(100_000_000)


class Relays:
    def __init__(self, circuits, pins, gate, active, events, clock):
        """`pins` and `gate` are called with 0 or 1 to write them; all are off already."""
        count = len(circuits)
        self.count = count
        self.reason = ["hold"] * count
        self.closed = bytearray(count)
        self.since_edge_ms = array("i", [0] * count)
        self._pins = pins
        self._gate = gate
        self._active = active
        self._events = events
        self._clock = clock
        self._edge_s = array("i", [clock.up_s] * count)
        self._min_on_s = array("i", [c["min_on_s"] for c in circuits])
        self._min_off_s = array("i", [c["min_off_s"] for c in circuits])

    def enable(self):
        """Lets the coils have supply, after every pin has been driven to its off value."""
        for i in range(self.count):
            self._pins[i](1 - self._active)
            self.closed[i] = 0
        self._gate(1)

    def disable(self):
        """Takes the supply from every coil: for the end of the node's run."""
        self._gate(0)

    def grow_older(self, step_ms):
        for i in range(self.count):
            self.since_edge_ms[i] = min(self.since_edge_ms[i] + step_ms, _LONG_MS)

    def open(self, i, reason):
        """An opener's order: done now."""
        if self.closed[i]:
            self._write(i, 0, reason)
        else:
            self.reason[i] = reason

    def wish(self, i, closed, reason):
        """A wish: done unless the circuit is within its minimum time, which is a `hold`."""
        if closed == self.closed[i]:
            self.reason[i] = reason
        elif self.may_change(i):
            self._write(i, closed, reason)
        else:
            self.reason[i] = "hold"

    def may_change(self, i):
        """Whether circuit i's minimum time in its present state is over."""
        least_s = self._min_on_s[i] if self.closed[i] else self._min_off_s[i]
        return self._clock.up_s - self._edge_s[i] >= least_s

    def _write(self, i, closed, reason):
        self._pins[i](self._active if closed else 1 - self._active)
        self.closed[i] = closed
        self._edge_s[i] = self._clock.up_s
        # The next tick adds all of its step, of which a part was before this edge.
        self.since_edge_ms[i] = -self._clock.since_last_ms()
        self._events.add(self._kind(i, closed, reason), i, REASONS.index(reason))
        self.reason[i] = reason

    def _kind(self, i, closed, reason):
        if closed:
            return "restore" if self.reason[i] in _SHED else "close"
        return "shed" if reason in _SHED else "open"
