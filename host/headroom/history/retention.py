"""Keeps the store within the ages and the size that the site file sets."""

from collections.abc import Callable
from typing import NamedTuple

import structlog

from headroom.history.retention_clock import RetentionClock
from headroom.site.retention import Retention
from headroom.store import Store, expiry
from headroom.store.expiry import Forget

log = structlog.get_logger()

_DAY_S = 86_400
_MB = 1_000_000
# PostgreSQL's statistics, from which its size is known, follow within minutes.
_EVERY_S = 600
_ROWS_AT_ONCE = 500
# At half the age each time: so much that a day is left of ten years.
_TIGHTEST = 12
# Ages grow again only when there is room, or each pass would undo the one before.
_ROOMY = 0.7


class _Kept(NamedTuple):
    days: Callable[[Retention], int]
    forget: Forget


_KEPT = (
    _Kept(lambda retention: retention.reports_days, expiry.forget_reports),
    _Kept(lambda retention: retention.minutes_days, expiry.forget_minute_steps),
    _Kept(lambda retention: retention.minutes_days, expiry.forget_minutes),
    _Kept(lambda retention: retention.quarters_days, expiry.forget_quarter_steps),
    _Kept(lambda retention: retention.events_days, expiry.forget_events),
    _Kept(lambda retention: retention.audit_days, expiry.forget_audit),
)


class Forgetting:
    """Passes over all that is kept, a few rows a step; then looks at the size.

    Above it every age counts half as much until the store fits, and as much as before again when
    there is room.
    """

    def __init__(
        self, retention: Callable[[], Retention], store: Store, clock: RetentionClock
    ) -> None:
        """`retention` gives it as it is configured now."""
        self._retention = retention
        self._store = store
        self._clock = clock
        self._pass_unix_s: int | None = None
        self._at = 0
        self._next_s = 0.0
        self._halvings = 0

    def step(self, now_s: float, now_unix_s: float) -> bool:
        """One small piece of a pass; whether there may be more of it. `now_s` is monotonic.

        Raises StoreUnavailableError.
        """
        if now_s < self._next_s:
            return False
        if self._at == len(_KEPT):
            self._adapt()
            self._pass_unix_s = None
            self._at, self._next_s = 0, now_s + _EVERY_S
            return False
        if self._pass_unix_s is None:
            self._pass_unix_s = self._clock.read(now_s, now_unix_s)
        kept = _KEPT[self._at]
        age_s = kept.days(self._retention()) * _DAY_S >> self._halvings
        with self._store.write() as db:
            forgotten = kept.forget(db, self._pass_unix_s - age_s, _ROWS_AT_ONCE)
        if forgotten < _ROWS_AT_ONCE:
            self._at += 1
        return True

    def _adapt(self) -> None:
        most_bytes = self._retention().most_mb * _MB
        with self._store.read() as db:
            size_bytes = expiry.live_bytes(db)
        if size_bytes > most_bytes and self._halvings < _TIGHTEST:
            self._halvings += 1
            log.warning(
                "the store is above its size; old data goes earlier than its age",
                size_mb=size_bytes // _MB,
                most_mb=most_bytes // _MB,
                ages_divided_by=1 << self._halvings,
            )
        elif size_bytes < _ROOMY * most_bytes and self._halvings:
            self._halvings -= 1
