"""The answer of PROTOCOL.md: nothing of it is obeyed before all of it has been checked.

Loaded for each answer, and dropped with it: see `client`.
"""

import json

from micropython import const

from node.link import MessageError

# A day of quarters of an hour. Longer strings would need a piece of heap that may not be there.
_PLAN_SLOTS = const(96)
# The digits of prices: from "#" to "[", which JSON carries as they are. See `planning`.
_FIRST_DIGIT = const(35)
_LAST_DIGIT = const(91)
_TIME_2020 = 1_577_836_800
_LONGEST_S = const(1 << 29)
_LARGEST = const(1 << 30)


class Plan:
    def __init__(self, given, count):
        _expect(isinstance(given, dict), "plan")
        self.start = _whole(given, "start", 0, 1 << 40)
        self.step_s = _whole(given, "step_s", 1, 86_400)
        # Left out = allowed: charge orders are revoked by the newest plan, or not at all.
        self.charge = _whole(given, "charge", 0, 1) if "charge" in given else 1
        self.slots = self._checked_slots(given.get("slots"), count)
        self.overrides = self._checked_overrides(given.get("overrides"), count)
        self.price = self._checked_price(given["price"]) if "price" in given else (0, 1, b"")

    def _checked_slots(self, slots, count):
        _expect(isinstance(slots, list) and len(slots) in (0, count), "slots")
        for one in slots:
            _expect(isinstance(one, str) and len(one) <= _PLAN_SLOTS, "slots")
            _expect(not one.strip("01-"), "slots")
        return [one.encode() for one in slots] or [b""] * count

    def _checked_overrides(self, overrides, count):
        _expect(isinstance(overrides, list) and len(overrides) <= count, "overrides")
        seen = []
        for one in overrides:
            _expect(isinstance(one, list) and len(one) == 3, "overrides")
            _expect(_is_within(one[0], 0, count - 1) and one[0] not in seen, "overrides")
            _expect(_is_within(one[1], 0, 1) and _is_within(one[2], 0, 1 << 40), "overrides")
            seen.append(one[0])
        return [tuple(one) for one in overrides]

    def _checked_price(self, price):
        """(Unix time of the first, seconds each, two characters a price)."""
        _expect(isinstance(price, list) and len(price) == 3, "price")
        _expect(_is_within(price[0], 0, 1 << 40) and _is_within(price[1], 1, 86_400), "price")
        _expect(isinstance(price[2], str) and 0 < len(price[2]) <= 2 * _PLAN_SLOTS, "price")
        digits = price[2].encode()
        _expect(not len(digits) % 2, "price")
        _expect(min(digits) >= _FIRST_DIGIT and max(digits) <= _LAST_DIGIT, "price")
        return price[0], price[1], digits

    def off(self):
        """The OFF orders as [(circuit, until)]."""
        return [(i, until) for i, state, until in self.overrides if state == 0]


class Answer:
    """A checked answer. `plan` is None when the board's plan is the newest."""

    def __init__(self, body, boot, seq, count):
        """Raises MessageError unless `body` is an answer to report (boot, seq)."""
        given = _parsed(body)
        _expect(isinstance(given, dict) and given.get("v") == 1, "v")
        _expect(given.get("boot") == boot and given.get("seq") == seq, "boot, seq")
        self.seq = seq
        self.time = _whole(given, "time", _TIME_2020, 1 << 40)
        self.valid_s = _whole(given, "valid_s", 0, _LONGEST_S)
        self.lease_s = _whole(given, "lease_s", 0, _LONGEST_S)
        self.lease_ma = given.get("lease_ma")
        self._check_lease()
        self.epoch = _whole(given, "epoch", 0, _LARGEST)
        self.rev = _whole(given, "rev", 0, _LARGEST)
        self.ack_event = _whole(given, "ack_event", 0, _LARGEST)
        self.ack_minutes = given.get("ack_minutes")
        self._check_minutes()
        self.beacon = _whole(given, "beacon", 0, _LARGEST) if "beacon" in given else -1
        self.maintenance = _whole(given, "maintenance", 1, 1) if "maintenance" in given else 0
        self.plan = Plan(given["plan"], count) if "plan" in given else None

    def _check_lease(self):
        lease_ma = self.lease_ma
        _expect(isinstance(lease_ma, list) and len(lease_ma) == 3, "lease_ma")
        for limit_ma in lease_ma:
            _expect(_is_within(limit_ma, 0, _LARGEST), "lease_ma")

    def _check_minutes(self):
        _expect(isinstance(self.ack_minutes, list), "ack_minutes")
        for one in self.ack_minutes:
            _expect(isinstance(one, list) and len(one) == 2, "ack_minutes")
            _expect(_is_within(one[0], 0, _LARGEST), "ack_minutes")
            _expect(_is_within(one[1], 0, _LARGEST), "ack_minutes")


def _parsed(body):
    """Read where it lies: MicroPython's `loads` takes any buffer, and a copy is a KiB of heap."""
    try:
        try:
            return json.loads(body)
        except TypeError:  # CPython's takes no memoryview
            return json.loads(bytes(body))
    except ValueError:
        raise MessageError("not JSON") from None


def last_boot(body):
    """The boot counter that a signed refusal names. Raises MessageError."""
    given = _parsed(body)
    _expect(isinstance(given, dict), "refusal")
    return _whole(given, "last_boot", 0, _LARGEST)


def _whole(given, key, low, high):
    value = given.get(key)
    _expect(_is_within(value, low, high), key)
    return value


def _is_within(value, low, high):
    return type(value) is int and low <= value <= high


def _expect(truth, key):
    if not truth:
        raise MessageError("answer: %s" % key)
