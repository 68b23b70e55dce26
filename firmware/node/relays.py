"""The only writer of the relay pins and of their gate, and what is known of the contacts.

The gate lets the coils have supply at all. It is low through reset and start, when the relay pins
of an ESP8266 are high for 110 ms by themselves, and rises only once every pin is at its off value.

A minimum on time binds wishes, not openers: what protects may cut it. Nothing shortens a minimum
off time: a compressor, or a contactor that has just dropped, does not care who asks. It counts
from the start of the board too, since nobody knows when the circuit really lost its supply.

A contact may do something else than its relay was told. Each is an event when it begins (value:
the current in mA, for `no_load` the seconds waited) and when it ends (value 0):
  welded    open, and current flows: until it is seen open without current it counts as closed
            where load is added up, and as nothing that shedding could free;
  no_load   closed, and no current has come for long: a load or a wire is gone;
  breaking  told to open while more flows than the contact can break: it stays closed (`hold`),
            which is the breaker's to end, and opens once the current has fallen.
"""

from array import array

from micropython import const

# The order is PROTOCOL.md's; an edge's event carries the index of its reason as value.
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
# Longer than a reading is one, a contact moves and a tick may take, together.
_STILL_MS = const(1200)
# A contact has opened or closed by then; a reading from before says nothing about it.
_MOVING_MS = const(60)
# Several scans: a contact that only bounces or arcs for a moment is none that has welded.
_WELDED_S = const(2)
# A breaker has tripped by then at anything a contact cannot break (IEC 60898-1: within 60 s at
# 2.55 times its rating); a sensor that died of it must not hold the relay closed for ever.
_BLIND_MS = const(60_000)


class Relays:
    def __init__(self, circuits, pins, gate, active, events, clock):
        """`pins` and `gate` are called with 0 or 1 to write them; all are off already."""
        count = len(circuits)
        self.count = count
        self.reason = ["hold"] * count
        self.closed = bytearray(count)
        self.welded = bytearray(count)
        self.unbreakable = bytearray(count)
        # Stands still once `is_still`: all readings that still count are from after the last edge.
        self.since_edge_ms = array("i", [0] * count)
        self.is_still = False
        self._still_ms = 0
        self._pins = pins
        self._gate = gate
        self._active = active
        self._events = events
        self._clock = clock
        self._edge_s = array("i", [clock.up_s] * count)
        self._refused = bytearray(count)
        self._idle = bytearray(count)
        self._as_told_s = array("i", [clock.up_s] * count)
        self._current_ma = None
        self._breaking_ma = array("i", [c["breaking_ma"] for c in circuits])
        self._no_load_s = array("i", [c["no_load_s"] for c in circuits])
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
        """While not `is_still`."""
        self._still_ms += step_ms
        self.is_still = self._still_ms > _STILL_MS
        for i in range(self.count):
            self.since_edge_ms[i] += step_ms

    def open(self, i, reason):
        """An opener's order: done now, unless the contact could not."""
        if not self.closed[i]:
            self.reason[i] = reason
        elif self._can_break(i):
            self._write(i, 0, reason)

    def wish(self, i, closed, reason):
        """A wish: done unless the circuit is within its minimum time, which is a `hold`."""
        if closed == self.closed[i]:
            self.reason[i] = reason
        elif not self.may_change(i):
            self.reason[i] = "hold"
        elif closed or self._can_break(i):
            self._write(i, closed, reason)

    def _can_break(self, i):
        if self.unbreakable[i]:
            self.reason[i] = "hold"
            self._tell("breaking", self._refused, i, 1, self._current_ma[i])
        return not self.unbreakable[i]

    def may_change(self, i):
        """Whether circuit i's minimum time in its present state is over."""
        least_s = self._min_on_s[i] if self.closed[i] else self._min_off_s[i]
        return self._clock.up_s - self._edge_s[i] >= least_s

    def watch(self, i, readings, current_ma):
        """Compares what flows in circuit i, whose turn it is to be measured, with what was told.

        `current_ma` is what protection counts, per circuit.
        """
        self._current_ma = current_ma
        age_ms = readings.age_ms(i)
        if age_ms + _MOVING_MS <= self.since_edge_ms[i] and readings.is_trusted(i):
            closed = self.closed[i]
            flows_ma = readings.last_ma[i]
            if closed == (flows_ma > 0) and not self._idle[i] and not self.welded[i]:
                self._as_told_s[i] = self._clock.up_s
            else:
                self._compare(i, closed, flows_ma)
        self.unbreakable[i] = current_ma[i] > self._breaking_ma[i] and age_ms < _BLIND_MS
        if self._refused[i] and not self.unbreakable[i]:
            self._tell("breaking", self._refused, i, 0, 0)

    def _compare(self, i, closed, flows_ma):
        up_s = self._clock.up_s
        waited_s = up_s - self._as_told_s[i]
        if closed == (flows_ma > 0):
            self._as_told_s[i] = up_s
            known = self._idle if closed else self.welded
            if known[i]:
                self._tell("no_load" if closed else "welded", known, i, 0, 0)
        elif closed:
            if 0 < self._no_load_s[i] <= waited_s:
                self._tell("no_load", self._idle, i, 1, waited_s)
        elif waited_s >= _WELDED_S:
            self._tell("welded", self.welded, i, 1, flows_ma)

    def _tell(self, kind, known, i, present, value):
        if known[i] != present:
            known[i] = present
            self._events.add(kind, i, value)

    def _write(self, i, closed, reason):
        self._pins[i](self._active if closed else 1 - self._active)
        self.closed[i] = closed
        self._edge_s[i] = self._clock.up_s
        # The next tick adds all of its step, of which a part was before this edge.
        self.since_edge_ms[i] = self._still_ms = -self._clock.since_last_ms()
        self.is_still = False
        self._events.add(self._kind(i, closed, reason), i, REASONS.index(reason))
        self.reason[i] = reason

    def _kind(self, i, closed, reason):
        if closed:
            return "restore" if self.reason[i] in _SHED else "close"
        return "shed" if reason in _SHED else "open"
