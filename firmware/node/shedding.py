"""Which circuits to open for a limit, and which of them may come back.

The choice looks at every subset of the circuits that may be opened, 16 at most. Those that free
enough on every overloaded phase compete: the fewest circuits of the most important priority win,
then the fewest of the next, and so on; then the least current freed. A circuit costs 8 to the
number of priorities below its own, so that four circuits of one stay cheaper than one of the next
and the whole comparison is one of two numbers.

What was opened remembers the current it had. It returns when that fits under the limit again with
5 % to spare, or, so that nothing is locked out by a memory, for a trial after the retry time.
A circuit opened for its own overload has nothing that could fit: it only ever gets a trial.
Waits double with returns that did not last; after a failed trial the longer one holds for the next
trial only, for what then fits is new room, not the load that overloaded.
"""

from array import array

from micropython import const

_FITS_PERCENT = const(95)
# Between two returns: the first one's current is in its reading by then.
_SETTLING_S = const(2)
# A wait is forgotten after this many of its own length: a load that comes a little slower than the
# wait would otherwise be switched for ever.
_QUIET_WAITS = const(4)
_NEVER = const(1 << 29)


class Shedding:
    def __init__(self, circuits, timing):
        count = len(circuits)
        self.reason = [None] * count
        self.is_idle = True  # nothing is shed
        self.trial = False
        self.enough = True
        self._tried = 0
        self.sheddable = 0
        self._phase = bytearray([c["phase"] - 1 for c in circuits])
        self._cost = array("i", [0] * count)
        self._order = bytearray(
            sorted(range(count), key=lambda i: circuits[i]["priority"] * 8 + i)
        )
        self._first_wait_s = timing["restore_wait_s"]
        self._wait_cap_s = max(timing["restore_cap_s"], self._first_wait_s)
        self._retry_s = timing["retry_s"]
        self._remembered_ma = array("i", [0] * count)
        self._wait_s = array("i", [self._first_wait_s] * count)
        self.shed_s = array("i", [0] * count)
        self._returned_s = array("i", [-_NEVER] * count)
        self._last_return_s = -_NEVER
        self._weigh(circuits)

    def _weigh(self, circuits):
        levels = sorted({c["priority"] for c in circuits}, reverse=True)
        for i, circuit in enumerate(circuits):
            self._cost[i] = 8 ** levels.index(circuit["priority"])
            if circuit["kind"] != "critical":
                self.sheddable |= 1 << i

    def choose(self, excess_ma, current_ma, may, must):
        """The circuits to open, as bits: out of `may`, with all of `must` (a part of `may`).

        `enough` says afterwards whether they free every phase's excess.
        """
        best = -1
        best_cost = best_freed = 0
        for subset in range(1 << len(self.reason)):
            if subset & ~may or must & ~subset or not self._frees(subset, excess_ma, current_ma):
                continue
            cost = self._sum(self._cost, subset)
            freed_ma = self._sum(current_ma, subset)
            if best < 0 or cost < best_cost or (cost == best_cost and freed_ma < best_freed):
                best = subset
                best_cost = cost
                best_freed = freed_ma
        self.enough = best >= 0
        return best if self.enough else must | self._all_that_help(excess_ma, current_ma, may)

    def _sum(self, values, subset):
        total = 0
        for i in range(len(self.reason)):
            if subset & 1 << i:
                total += values[i]
        return total

    def _frees(self, subset, excess_ma, current_ma):
        for p in range(3):
            missing_ma = excess_ma[p]
            for i in range(len(self.reason)):
                if subset & 1 << i and self._phase[i] == p:
                    missing_ma -= current_ma[i]
            if missing_ma > 0:
                return False
        return True

    def _all_that_help(self, excess_ma, current_ma, may):
        helping = 0
        for i in range(len(self.reason)):
            if excess_ma[self._phase[i]] > 0 and current_ma[i] > 0:
                helping |= 1 << i
        return helping & may

    def shed(self, i, reason, current_ma, up_s):
        """Circuit i is open from now on, for `reason`; `current_ma` is what it had."""
        self.reason[i] = reason
        self.is_idle = False
        self._remembered_ma[i] = current_ma
        self.shed_s[i] = up_s
        wait_s = self._wait_s[i]
        soon = up_s - self._returned_s[i] < wait_s * _QUIET_WAITS
        self._wait_s[i] = min(2 * wait_s, self._wait_cap_s) if soon else self._first_wait_s

    def may_return(self, up_s, load_ma, limit_ma, wanted, trusted):
        """The one circuit that may come back now, or -1; `trial` says that it may not fit.

        `load_ma` and `limit_ma` are per phase; `wanted` and `trusted` are bits: those that a wish
        would close, and those whose sensor can be believed.
        """
        if up_s - self._last_return_s < _SETTLING_S:
            return -1
        for k in range(len(self.reason)):
            i = self._order[k]
            if self.reason[i] is None or not wanted & trusted & 1 << i:
                continue
            waited_s = up_s - self.shed_s[i]
            self.trial = not self._fits(i, load_ma, limit_ma)
            longer = self.trial or not self._tried & 1 << i
            if waited_s < (self._wait_s[i] if longer else self._first_wait_s):
                continue
            if not self.trial or self._is_trial_due(i, waited_s):
                return i
        return -1

    def _fits(self, i, load_ma, limit_ma):
        if self.reason[i] == "shed_circuit":
            return False
        p = self._phase[i]
        return load_ma[p] + self._remembered_ma[i] <= limit_ma[p] * _FITS_PERCENT // 100

    def _is_trial_due(self, i, waited_s):
        return self.reason[i] == "shed_circuit" or waited_s >= self._retry_s

    def returned(self, i, up_s):
        self.reason[i] = None
        self.is_idle = not any(self.reason)
        self._returned_s[i] = up_s
        self._tried = self._tried & ~(1 << i) | self.trial << i
        self._last_return_s = up_s
