"""Each channel's reading: its last good current, how old that is, and whether it may be believed.

What a window is worth its sensor says, see `sensing`. `ok`, `below_range`, `saturated` and `spiky`
are readings; after any other state the last good one goes on, older and older, and turns `stale`
when nothing renews it.

A circuit whose reading is not to be taken as it is has an event `sensor` with the state's number
below, and one with 0 when it is again: at once, but one a minute at most, so that a sensor that
comes and goes cannot push everything else out of the ring of events.
"""

from array import array

from micropython import const

_READ = ("ok", "below_range", "saturated", "spiky")
# The order is PROTOCOL.md's.
STATES = ("ok", "below_range", "saturated", "spiky", "missing", "stale", "frozen", "impossible")
_SPIKY = const(3)
_TELL_S = const(60)
# 500 ms bridge two lost windows of a scan of four; more would hide an overload.
_TRUSTED_MS = const(500)
# A contact takes this long to open; a window that began earlier still saw current.
_CONTACT_MS = const(60)
_AGE_CAP_MS = const(100_000_000)


class Readings:
    def __init__(self, circuits):
        count = len(circuits)
        # The state, and eight times the second from which on another may be told.
        self._told = array("i", [0] * count)
        self.last_ma = array("i", [0] * count)
        self.state = ["missing"] * count
        # All of them are new enough to count.
        self.is_fresh = False
        # Ages are added up when the oldest may have become too old: then, and `_since_ms` ago.
        self._age_ms = array("i", [0] * count)
        self._since_ms = 0
        self._due_ms = 0
        self._rated_ma = array("i", [c["rated_ma"] for c in circuits])

    def grow_older(self, step_ms):
        self._since_ms += step_ms
        if self._since_ms > self._due_ms:
            self._add_up()

    def _add_up(self):
        oldest_ms = 0
        for i in range(len(self._age_ms)):
            age_ms = min(self.age_ms(i), _AGE_CAP_MS)
            self._age_ms[i] = age_ms
            oldest_ms = max(oldest_ms, age_ms)
            if age_ms > _TRUSTED_MS and self.is_trusted(i):
                self.state[i] = "stale"
        self._since_ms = 0
        self._due_ms = _TRUSTED_MS - oldest_ms
        self.is_fresh = oldest_ms <= _TRUSTED_MS

    def age_ms(self, i):
        """Of the last good reading."""
        return self._age_ms[i] + self._since_ms

    def is_trusted(self, i):
        return self.state[i] in _READ

    def is_assumed(self, i):
        """Whether protection has nothing measured to go by any more."""
        return self.age_ms(i) > _TRUSTED_MS

    def count(self, relays, current_ma, turn):
        """Fills `current_ma` with what protection counts of each circuit; channel `turn` is new.

        Returns as bits which of those that a current may flow in are saturated.
        """
        if self.is_fresh and relays.is_still:
            if turn < relays.count:
                current_ma[turn] = self.last_ma[turn]
        else:
            for i in range(len(current_ma)):
                flows = relays.closed[i] or relays.welded[i]
                current_ma[i] = self.current_ma(i, flows, relays.since_edge_ms[i])
        saturated = 0
        if "saturated" not in self.state:
            return saturated
        for i in range(relays.count):
            if self.state[i] == "saturated" and (relays.closed[i] or relays.welded[i]):
                saturated |= 1 << i
        return saturated

    def current_ma(self, i, closed, since_edge_ms):
        """What protection counts: measured, or assumed where nothing good was measured lately.

        Assumed is the rated current, and no less than the last good one: going blind in an
        overload must not end it.
        """
        age_ms = self.age_ms(i)
        if age_ms > _TRUSTED_MS:
            return max(self._rated_ma[i], self.last_ma[i]) if closed else 0
        if not closed and age_ms + _CONTACT_MS > since_edge_ms:
            return 0
        return self.last_ma[i]

    def take(self, i, state, current_ma):
        """What a window of circuit i said; `state` None: there was none, and nothing is wrong.

        Whether there may be something to `tell`.
        """
        if state is not None:
            self.state[i] = state
            if state in _READ:
                self.last_ma[i] = current_ma
                self._age_ms[i] = -self._since_ms
        return self.state[i] != "ok" or self._told[i] & 7

    def tell(self, i, events, up_s):
        """An event when circuit i's reading has become another thing than was told last."""
        told = self._told[i]
        state = STATES.index(self.state[i])
        if state < _SPIKY:
            state = 0
        elif state > _SPIKY and not self.is_assumed(i):
            return  # a window or two were lost, which nothing has noticed
        if state != told & 7 and up_s >= told >> 3:
            self._told[i] = (up_s + _TELL_S) << 3 | state
            events.add("sensor", i, state)
