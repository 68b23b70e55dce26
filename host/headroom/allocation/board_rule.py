"""What a board makes of a limit on one phase: which of its loads run under it.

The firmware decides by itself which circuits it opens and which it lets back, and a lease cannot
name circuits. So whoever shares limits out asks here which sets of loads a lease can bring about:
over the limit a board opens the fewest of the least priority that are enough, and of these the
least current; under it, by priority and number, it lets back what fits with 5 % to spare.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, combinations

# A load that runs needs little more than it was measured with.
_RUNS_NUM, _RUNS_DEN = 26, 25
# A board lets one back in only where everything fits into 95 % of the limit.
_FITS_NUM, _FITS_DEN = 20, 19


@dataclass(frozen=True, order=True)
class Load:
    """One circuit that a board may open; in the order in which a board lets them back.

    `fresh`: it came back, or was opened, a short time ago.
    """

    priority: int
    circuit: int
    current_ma: int
    running: bool
    fresh: bool = False


Loads = frozenset[Load]


@dataclass(frozen=True)
class Outcome:
    """The loads that run in the end under `needs_ma`; up to then the board gets `limit_ma`.

    Less than `needs_ma` where something has to make way first.
    """

    loads: Loads
    needs_ma: int
    limit_ma: int

    @property
    def makes_way(self) -> bool:
        """Whether it takes two steps."""
        return self.limit_ma < self.needs_ma


def goes_on_ma(current_ma: int) -> int:
    """The limit under which a current of that size goes on."""
    return -(-current_ma * _RUNS_NUM // _RUNS_DEN)


def lets_in_ma(current_ma: int) -> int:
    """The limit under which a board lets a load in that brings it to that current."""
    return -(-current_ma * _FITS_NUM // _FITS_DEN)


@lru_cache(maxsize=1 << 14)
def outcomes(fixed_ma: int, safe_ma: int, loads: tuple[Load, ...]) -> tuple[Outcome, ...]:
    """All that leases can bring about, beside what cannot be opened; nothing at all first.

    A board has its safe limit in any case.
    """
    subsets = (frozenset(some) for some in _subsets(loads) if some)
    found = (_outcome(fixed_ma, safe_ma, loads, wanted) for wanted in subsets)
    return (aimed_at(fixed_ma, frozenset()), *(outcome for outcome in found if outcome))


def aimed_at(fixed_ma: int, wanted: Loads) -> Outcome:
    """For these loads, whatever the board makes of it on the way."""
    needs_ma = _needs_ma(fixed_ma, wanted)
    return Outcome(wanted, needs_ma, needs_ma)


def _outcome(fixed_ma: int, safe_ma: int, loads: Sequence[Load], wanted: Loads) -> Outcome | None:
    """How to get at these loads and no others, at once or in two steps; None if neither does."""
    runs = frozenset(load for load in loads if load.running)
    waits = [load for load in loads if not load.running and (load in wanted or not load.fresh)]
    needs_ma = _needs_ma(fixed_ma, wanted)
    limit_ma = max(safe_ma, needs_ma)
    if _let_in(fixed_ma, _kept(fixed_ma, runs, limit_ma), waits, limit_ma) == wanted:
        return Outcome(wanted, needs_ma, needs_ma)
    first_ma = max(safe_ma, _needs_ma(fixed_ma, runs & wanted))
    if _let_in(fixed_ma, _kept(fixed_ma, runs, first_ma), waits, first_ma) != runs & wanted:
        return None
    if _let_in(fixed_ma, runs & wanted, waits, limit_ma) != wanted:
        return None
    return Outcome(wanted, needs_ma, first_ma)


def _needs_ma(fixed_ma: int, wanted: Loads) -> int:
    sum_ma = fixed_ma + _sum_ma(wanted)
    return goes_on_ma(sum_ma) if all(load.running for load in wanted) else lets_in_ma(sum_ma)


def _kept(fixed_ma: int, runs: Loads, limit_ma: int) -> Loads:
    """What a board leaves closed under that limit."""
    excess_ma = fixed_ma + _sum_ma(runs) - limit_ma
    if excess_ma <= 0:
        return runs
    enough = [shed for shed in _subsets(runs) if _sum_ma(shed) >= excess_ma]
    shed: Sequence[Load] = min(enough, key=_regret, default=tuple(runs))
    return runs.difference(shed)


def _regret(shed: Sequence[Load]) -> tuple[list[int], int]:
    """The fewest of the first priority, then of the next; then the least current."""
    counts = [sum(load.priority == level for load in shed) for level in range(1, 9)]
    return counts, _sum_ma(shed)


def _let_in(fixed_ma: int, runs: Loads, waits: Iterable[Load], limit_ma: int) -> Loads:
    for load in sorted(waits):
        with_it = runs | {load}
        if lets_in_ma(fixed_ma + _sum_ma(with_it)) <= limit_ma:
            runs = with_it
    return runs


def _sum_ma(loads: Iterable[Load]) -> int:
    return sum(load.current_ma for load in loads)


def _subsets(loads: Iterable[Load]) -> Iterable[tuple[Load, ...]]:
    pool = sorted(loads)
    return chain.from_iterable(combinations(pool, count) for count in range(len(pool) + 1))
