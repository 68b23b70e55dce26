"""How long a current may stay above a limit or a rating before some of it has to go.

One `Guard` watches one thing: a phase of the feeder's share, or a circuit. It keeps two accounts.

Time above the limit. Any excess is gone after `limit_s`, after 1 s from twice the limit on. The
account fills by the fraction of the allowed time that has passed, so times at different multiples
add up, and drains half as fast as the slower of the two while the limit is kept.

Budget of the rating, as a breaker's bimetal has one. IEC 60898-1 lets no breaker trip within 1 h
at 1.13 of its rating, nor within 1 s at 2.55; the B, C and D characteristics share that part. The
lower edge runs between the two as a straight line over the logarithms: t = 1 s (2.55 / m)^10.06.
The budget is spent after half of that, less the time to react. Rates, not times, are interpolated:
their curve is hollow upwards, so a chord lies above it and errs to the early side.

Times to react, kept back from both: the scan of four circuits and its window take 182 ms at worst
until an overload is seen, the tick 40, the contact 20.
"""

from array import array

from micropython import const

_FULL = const(1 << 28)
_REACTION_MS = const(250)
# Motors start within this at six times their current; nothing is shed before. It counts from the
# first excess; one after a second of quiet is a new start. Pulses in between are one load.
_INRUSH_MS = const(350)
_QUIET_MS = const(1000)
_TWICE_MS = const(1000)
# A budget that is spent takes an hour to come back: slower than any bimetal cools.
_COOLING_RATE = const((1 << 28) // 3_600_000)
_LARGEST_MA = const(1_000_000)
# A reading may be 2 % low, which would be worth a fifth of a breaker's time; in permille.
_READS_LOW = const(1020)

# Multiples of the rating in permille, and the budget that a millisecond there spends: 2**28 over
# half of the lower edge less the reaction, at least the inrush. Below 1.13 the line goes on.
# fmt: off
_MULTIPLES = (1000, 1073, 1152, 1236, 1326, 1423, 1528, 1639, 1759, 1888, 2026, 2174, 2333, 2504)
_RATES = (44, 89, 182, 368, 747, 1520, 3114, 6325, 12956, 26741, 55814, 119891, 275751, 765863)
# fmt: on


class Guard:
    """Watches one current. `rating_ma` is fixed; the limit is handed in with each current."""

    def __init__(self, rating_ma, limit_s):
        self._rating_ma = rating_ma
        # From this on the budget is spent.
        self._warms_ma = -(-1000 * rating_ma // _READS_LOW)
        self._limit_rate = _FULL // (limit_s * 1000 - _REACTION_MS)
        self._heavy_rate = max(_FULL // (_TWICE_MS - _REACTION_MS), self._limit_rate)
        self._over_ms = 0
        self._quiet_ms = 0
        self._time = 0
        self.budget = 0

    def update(self, current_ma, limit_ma, step_ms, saturated=False):
        """The current in mA that has to go now; 0 = none yet."""
        over = saturated or current_ma > limit_ma
        if not (over or self._over_ms or self._time or current_ma >= self._warms_ma):
            # At rest, as nearly always: only the budget may have something left to do.
            if self.budget:
                self.budget = max(self.budget - _COOLING_RATE * step_ms, 0)
            return 0
        current_ma = min(current_ma, _LARGEST_MA)
        self._date_excess(over, step_ms)
        self._spend_time(current_ma, limit_ma, step_ms)
        self._spend_budget(current_ma, step_ms)
        if not over or self._over_ms < _INRUSH_MS:
            return 0
        if saturated or self._time >= _FULL:
            return max(current_ma - limit_ma, 1)
        if self.budget >= _FULL and current_ma > self._rating_ma:
            return current_ma - self._rating_ma
        return 0

    def calm_ma(self, limit_ma):
        """Up to here `update` has nothing to do; -1 where there is something at any current."""
        if self._over_ms or self._time or self.budget:
            return -1
        return min(limit_ma, self._warms_ma - 1)

    def put_on_trial(self):
        """Something came back that may not fit: any excess goes after the inrush."""
        self._time = _FULL

    def _date_excess(self, over, step_ms):
        """How long ago the present run of excesses began."""
        self._quiet_ms = 0 if over else min(self._quiet_ms + step_ms, _QUIET_MS)
        if self._quiet_ms == _QUIET_MS:
            self._over_ms = 0
        elif over or self._over_ms:
            self._over_ms = min(self._over_ms + step_ms, _INRUSH_MS)

    def _spend_time(self, current_ma, limit_ma, step_ms):
        rate = self._limit_rate
        if current_ma <= limit_ma:
            self._time = max(self._time - rate * step_ms // 2, 0)
            return
        # Twice counts from 15/8 on: a reading may be low by a few percent.
        if current_ma * 8 >= limit_ma * 15:
            rate = self._heavy_rate
        self._time = min(self._time + rate * step_ms, _FULL)

    def _spend_budget(self, current_ma, step_ms):
        multiple = current_ma * _READS_LOW // self._rating_ma
        rate = self._budget_rate(multiple) if multiple >= 1000 else -_COOLING_RATE
        self.budget = max(min(self.budget + rate * step_ms, _FULL), 0)

    def _budget_rate(self, multiple):
        last = len(_MULTIPLES) - 1
        if multiple >= _MULTIPLES[last]:
            return _RATES[last]
        k = 0
        while multiple >= _MULTIPLES[k + 1]:
            k += 1
        rise = (_RATES[k + 1] - _RATES[k]) * (multiple - _MULTIPLES[k])
        return _RATES[k] + rise // (_MULTIPLES[k + 1] - _MULTIPLES[k])


class Protection:
    """The guards of a board: one for each phase with a rating, one for each circuit.

    `excess_ma` (per phase) and `overloaded` (bit i = circuit i) say what has to go now, `is_over`
    whether anything has to.
    """

    def __init__(self, feeder, circuits, limit_s):
        count = len(circuits)
        self.load_ma = array("i", [0] * 3)
        self.excess_ma = array("i", [0] * 3)
        self.overloaded = 0
        self.is_over = False
        self._phase = bytearray([c["phase"] - 1 for c in circuits])
        self._limit_ma = array("i", [c["limit_ma"] for c in circuits])
        # Every guard is at rest, and stays so while its current does not rise above `_calm_ma`.
        self.is_calm = False
        self._calm_ma = array("i", [_LARGEST_MA] * 3 + [-1] * count)
        # Of three phases, then of four circuits: seven, whose budgets outlive a warm reset.
        ratings_ma = list(feeder["rating_ma"]) + [c["rated_ma"] for c in circuits]
        ratings_ma += [0] * (4 - count)
        self.guards = [Guard(rating, limit_s) if rating else None for rating in ratings_ma]
        self._rated_phases = bytes([p for p in range(3) if self.guards[p]])

    def stays_calm(self, i, own_ma, current_ma):
        """Whether `update` would have nothing to do, where only circuit i may have changed.

        `current_ma` is as it was in `update`; circuit i has `own_ma` in it and in its load then.
        """
        if not self.is_calm:
            return False
        if i >= len(self._phase):
            return True  # a meter
        p = self._phase[i]
        calm_ma = self._calm_ma
        load_ma = self.load_ma[p] + own_ma - current_ma[i]
        if own_ma > calm_ma[3 + i] or load_ma > calm_ma[p]:
            return False
        self.load_ma[p] = load_ma
        current_ma[i] = own_ma
        return True

    def update(self, current_ma, saturated, limit_ma, step_ms):
        """`current_ma` per circuit, `saturated` as bits, `limit_ma` per phase."""
        load_ma = self.load_ma
        phase = self._phase
        calm_ma = self._calm_ma
        load_ma[0] = load_ma[1] = load_ma[2] = 0
        overloaded = 0
        is_calm = not saturated
        for i in range(len(phase)):
            own_ma = current_ma[i]
            load_ma[phase[i]] += own_ma
            if own_ma > calm_ma[3 + i] or saturated:
                own_limit_ma = self._limit_ma[i]
                guard = self.guards[3 + i]
                if guard.update(own_ma, own_limit_ma, step_ms, saturated & 1 << i):
                    overloaded |= 1 << i
                calm_ma[3 + i] = guard.calm_ma(own_limit_ma)
                if own_ma > calm_ma[3 + i]:
                    is_calm = False
        self.overloaded = overloaded
        self.is_over = overloaded > 0
        for p in self._rated_phases:
            guard = self.guards[p]
            excess_ma = guard.update(load_ma[p], limit_ma[p], step_ms)
            self.excess_ma[p] = excess_ma
            if excess_ma:
                self.is_over = True
            calm_ma[p] = guard.calm_ma(limit_ma[p])
            if load_ma[p] > calm_ma[p]:
                is_calm = False
        self.is_calm = is_calm

    def is_phase_over(self, i):
        """Whether something has to go from circuit i's phase now."""
        return self.excess_ma[self._phase[i]] > 0

    def put_on_trial(self, i):
        self.guards[3 + i].put_on_trial()
        self._calm_ma[3 + i] = -1
        self.is_calm = False
        self.guards[self._phase[i]].put_on_trial()
