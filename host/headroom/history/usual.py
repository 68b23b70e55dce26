"""What circuits usually draw at this time of the day: the forecast that leases reckon with."""

from collections.abc import Callable, Mapping

from headroom.history.steps import QUARTER_S
from headroom.store import Store, series

_DAY_S = 86_400
# A week has every kind of day in it. On fewer than three a load may have come by chance.
_DAYS = range(1, 8)
_FEWEST_DAYS = 3
# Leases move before loads do.
_AHEAD_S = 300

# By board and circuit, in mA.
Expected = Mapping[tuple[str, int], int]


class Usual:
    """Looks once in a quarter of an hour: the mean, over the last seven days, of the highest
    current in the same quarter. It goes by the clock in UTC.
    """

    def __init__(self, expect: Callable[[Expected], None], store: Store) -> None:
        """`expect` takes what is expected from now on, in place of what was."""
        self._expect = expect
        self._store = store
        self._quarter_unix_s = 0

    def step(self, now_unix_s: float) -> None:
        """Look if it is time; raises StoreUnavailableError."""
        ahead_unix_s = int(now_unix_s) + _AHEAD_S
        quarter_unix_s = ahead_unix_s - ahead_unix_s % QUARTER_S
        if quarter_unix_s == self._quarter_unix_s:
            return
        same_quarters = [quarter_unix_s - day * _DAY_S for day in _DAYS]
        with self._store.read() as db:
            expected = series.mean_of_highest_ma(db, same_quarters, _FEWEST_DAYS)
        self._expect(expected)
        self._quarter_unix_s = quarter_unix_s
