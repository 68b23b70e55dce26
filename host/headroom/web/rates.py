"""How many requests a person or an address may make: a bucket each, filled at a steady rate."""

import math
import threading
from collections.abc import Callable

from headroom.bucket import Bucket
from headroom.protocol.problems import TOO_MANY_REQUESTS, ProblemError

# A page that opens makes a dozen requests, a script that reads a year of events some hundreds.
_PER_S = 50.0
_BURST = 400.0
# Whoever shows wrong tokens is out of breath after 8, and may try one a second from then on.
_REFUSED_COST = 50.0
_MOST_BUCKETS = 4096


class Rates:
    """Buckets by name or address. Its methods may be called from any thread."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._lock = threading.Lock()
        self._buckets: dict[str, Bucket] = {}

    def take(self, who: str, refused: bool) -> None:
        """Count a request, one with refused credentials for many; raises `too-many-requests`."""
        cost = _REFUSED_COST if refused else 1.0
        with self._lock:
            now_s = self._now_s()
            bucket = self._bucket(who, now_s)
            level = bucket.level_at(now_s) - cost
            if level >= 0:
                self._buckets[who] = bucket.holding(level, now_s)
        if level < 0:
            wait_s = math.ceil(-level / _PER_S)
            raise ProblemError(TOO_MANY_REQUESTS, f"wait {wait_s} s", retry_after_s=wait_s)

    def _bucket(self, who: str, now_s: float) -> Bucket:
        if who not in self._buckets:
            self._make_room(now_s)
        return self._buckets.get(who, Bucket.full(_BURST, _PER_S, now_s))

    def _make_room(self, now_s: float) -> None:
        if len(self._buckets) < _MOST_BUCKETS:
            return
        # A full bucket is as good as none. Where none is full, the one that is has waited longest.
        kept = {who: b for who, b in self._buckets.items() if b.level_at(now_s) < _BURST}
        if len(kept) == len(self._buckets):
            kept.pop(min(kept, key=lambda who: kept[who].at_s))
        self._buckets = kept
