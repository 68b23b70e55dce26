"""The time that retention goes by: this machine's, unless that has leapt ahead.

A clock that is years ahead for an hour would take the whole history with it. So the time that
retention goes by passes at most twice as fast as time does: after a leap it lags, and there are
days in which somebody can set the clock. After a long rest it catches up by itself.
"""

from collections.abc import Callable

import structlog
from sqlalchemy import Connection

from headroom.coordinator.clock import EARLIEST_UNIX_S
from headroom.store import Store, boards, figures

log = structlog.get_logger()

_FASTEST = 2
# As long as this a coordinator may well have been off.
LEAP_S = 86_400


class RetentionClock:
    """Kept in the store, so that a restart does not set it."""

    def __init__(self, store: Store, tell_lag_s: Callable[[float], None]) -> None:
        self._store = store
        self._tell_lag_s = tell_lag_s
        self._read_s: float | None = None
        self._has_leapt = False

    def read(self, now_s: float, now_unix_s: float) -> int:
        """What time it is for retention; `now_s` is monotonic. Raises StoreUnavailableError."""
        passed_s = 0.0 if self._read_s is None else now_s - self._read_s
        with self._store.write() as db:
            known = figures.retention_unix_s(db) or self._begin(db, int(now_unix_s))
            most_unix_s = known + round(_FASTEST * passed_s)
            unix_s = min(int(now_unix_s), most_unix_s)
            figures.set_retention_unix_s(db, max(known, unix_s))
        self._read_s = now_s
        self._tell(int(now_unix_s) - unix_s)
        return unix_s

    def _begin(self, db: Connection, now_unix_s: int) -> int:
        newest_unix_s = boards.newest_received_unix_s(db)
        likely_unix_s = now_unix_s if newest_unix_s is None else newest_unix_s + LEAP_S
        return max(likely_unix_s, EARLIEST_UNIX_S)

    def _tell(self, lag_s: int) -> None:
        self._tell_lag_s(lag_s)
        leapt, self._has_leapt = self._has_leapt, lag_s > LEAP_S
        if self._has_leapt and not leapt:
            log.warning(
                "this machine's clock is far ahead of what the store knows: it was set, or the "
                "coordinator was off; what is old goes later than its age until that is caught up",
                days_ahead=lag_s // 86_400,
            )
