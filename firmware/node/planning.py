"""The plan in force: until when, what it wants of each circuit, and the limits it grants.

Everything here runs on the board's uptime in seconds. The coordinator's Unix time is above 2**30
and comes in with an answer only; from there ends are kept as uptime, counted from before the
request was sent, so a board never believes in a plan or a lease longer than its coordinator does.

What a circuit shall do, the first that speaks: override ON, the stored safe state in place of a
plan that has run out, the plan's slot, the default. Override OFF is an opener and asked for apart.

A price above a circuit's ceiling holds off what a slot or the default wants on, a slot's `1` too:
a slot is a wish of the coordinator; who must have a circuit on whatever it costs orders it on. It
opens nothing by itself and ends with the plan. The safe state `keep` goes on with what was wanted
last without orders and prices: what was ordered on for an hour ends in an outage, too.
"""

from array import array

from micropython import const

_ON = const(49)
_OFF = const(48)
# Further away than any board's uptime; "until cancelled".
_ENDLESS = const(1 << 29)
_NO_ORDER = const(-1)
# A price is two characters from "#" on, digits of base 57: 0 to 3248 above the lowest.
_DIGIT_0 = const(35)
_BASE = const(57)
_LOWEST_EUR_MWH = const(-500)
# Below every ceiling less its hysteresis: what is not known holds nothing off.
_UNKNOWN = const(-10_000)


class Planning:
    def __init__(self, feeder, circuits):
        count = len(circuits)
        self.epoch = 0
        self.rev = 0
        self.lease_seq = 0
        self.limit_ma = array("i", feeder["safe_limit_ma"])
        # What `keep` keeps; before the first plan a refrigerator comes back after a power cut.
        self.on = bytearray([c["default"] == "on" for c in circuits])
        self.reason = ["safe_link"] * count
        self.expired = True
        self._rating_ma = array("i", feeder["rating_ma"])
        self._safe_limit_ma = array("i", feeder["safe_limit_ma"])
        self._safe = [c["safe"] for c in circuits]
        self._default = bytearray([c["default"] == "on" for c in circuits])
        self._lease_ma = array("i", [0] * 3)
        self._lease_end_s = 0
        self.valid_end_s = 0
        self._slots = [b""] * count
        self._slot_s = 900
        self._start_s = 0
        self._start_unix = 0
        self._prices = b""
        self._price_s = 900
        self._price_start_s = 0
        self._price_start_unix = 0
        self._ceiling = array("h", [c["price_ceiling_eur_mwh"] for c in circuits])
        self._hysteresis = array("h", [c["price_hysteresis_eur_mwh"] for c in circuits])
        self._dear = 0  # a bit a circuit
        self._order = array("b", [_NO_ORDER] * count)
        self._order_end_s = array("i", [0] * count)
        self._order_unix = [0] * count
        # Set at the board itself, by charge orders: on until then, as an override ON is.
        self.charge_end_s = array("i", [0] * count)

    def restore_orders(self, off):
        """OFF orders from flash, before any relay closes: they hold until the time is known."""
        for i, until in off:
            if i < len(self.on):  # the configuration may have fewer circuits than it had
                self._give_order(i, 0, until)

    def accept(self, answer, sent_s):
        """Obeys a checked answer to the report sent at uptime `sent_s`."""
        if answer.plan:
            self._take_plan(answer.plan)
        self.epoch = answer.epoch
        self.rev = answer.rev
        self.valid_end_s = sent_s + answer.valid_s
        self._lease_end_s = sent_s + answer.lease_s
        for p in range(3):
            self._lease_ma[p] = min(answer.lease_ma[p], self._rating_ma[p])
        self.lease_seq = answer.seq
        self._set_time(answer.time, sent_s)

    def _take_plan(self, plan):
        self._start_unix = plan.start
        self._slot_s = plan.step_s
        self._price_start_unix, self._price_s, self._prices = plan.price
        for i in range(len(self.on)):
            self._slots[i] = plan.slots[i]
            self._order[i] = _NO_ORDER
            if not plan.charge:
                self.charge_end_s[i] = 0
        for i, state, until in plan.overrides:
            self._give_order(i, state, until)

    def _give_order(self, i, state, until):
        self._order[i] = state
        self._order_unix[i] = until
        self._order_end_s[i] = _ENDLESS

    def _set_time(self, unix, up_s):
        """Dates what is known in Unix time by the uptime, anew with each answer."""
        self._start_s = self._bounded(self._start_unix - unix + up_s)
        self._price_start_s = self._bounded(self._price_start_unix - unix + up_s)
        for i in range(len(self.on)):
            until = self._order_unix[i]
            self._order_end_s[i] = self._bounded(until - unix + up_s) if until else _ENDLESS

    def update(self, up_s):
        """Sets `limit_ma`, `expired`, and for each circuit its `wish` and `reason`."""
        self._update_limits(up_s)
        self.expired = up_s >= self.valid_end_s
        price = self._price(up_s)
        for i in range(len(self.on)):
            self._judge(i, price)
            if self._order[i] != _NO_ORDER and up_s >= self._order_end_s[i]:
                self._order[i] = _NO_ORDER
            self._update_wish(i, up_s)

    def _update_limits(self, up_s):
        leased = up_s < self._lease_end_s
        if not leased:
            self.lease_seq = 0
        for p in range(3):
            self.limit_ma[p] = self._lease_ma[p] if leased else self._safe_limit_ma[p]

    def _update_wish(self, i, up_s):
        if self.expired:
            if self._safe[i] != "keep":
                self.on[i] = self._safe[i] == "on"
            reason = "safe_link"
        else:
            slot = self._slot(i, up_s)
            planned = slot in (_ON, _OFF)
            self.on[i] = slot == _ON if planned else self._default[i]
            reason = "plan" if planned else "default"
            if self.on[i] and self._dear & 1 << i:
                reason = "price"
        if self._order[i] == 1 or up_s < self.charge_end_s[i]:
            reason = "override"
        self.reason[i] = reason

    def wish(self, i):
        """Whether circuit i shall be closed now, for its `reason`: 0 or 1."""
        reason = self.reason[i]
        return 1 if reason == "override" else 0 if reason == "price" else self.on[i]

    def _price(self, up_s):
        """EUR/MWh now, or _UNKNOWN."""
        prices = self._prices
        k = (up_s - self._price_start_s) // self._price_s
        if self.expired or not 0 <= k < len(prices) // 2:
            return _UNKNOWN
        low = prices[2 * k + 1] - _DIGIT_0
        return (prices[2 * k] - _DIGIT_0) * _BASE + low + _LOWEST_EUR_MWH

    def _judge(self, i, price):
        """Dear above the ceiling, until the price is below it by the hysteresis or unknown."""
        if price > self._ceiling[i]:
            self._dear |= 1 << i
        elif price <= self._ceiling[i] - self._hysteresis[i]:
            self._dear &= ~(1 << i)

    def _slot(self, i, up_s):
        slots = self._slots[i]
        k = (up_s - self._start_s) // self._slot_s
        return slots[k] if 0 <= k < len(slots) else 0

    def is_ordered_off(self, i):
        return self._order[i] == 0

    def _bounded(self, up_s):
        return max(-_ENDLESS, min(up_s, _ENDLESS))
