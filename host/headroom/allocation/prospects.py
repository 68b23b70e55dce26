"""What a lease can still bring about at one board on one phase, while limits are shared out."""

from collections.abc import Sequence

from headroom.allocation.board_rule import (
    Load,
    Loads,
    Outcome,
    aimed_at,
    outcomes,
)
from headroom.allocation.claims import FIRST, Claim, Rank
from headroom.allocation.packing import Option, undominated

# While one load hands over to another neither runs for half a minute, of the five or more that
# the change is good for: so much of both has a change to be worth.
_CHANGE_COSTS_PERCENT = 10
# A load that has come back runs at least this long if it can: for one that goes again soon, its
# board waits longer with every time.
FRESH_S = 300.0

# A board leaves open what it has opened for half a minute; reports are ten seconds apart.
_REOPENS_S = 20.0


class Prospects:
    """The outcomes that are possible yet, fewer with every rank that has been decided on.

    Amounts are beyond the safe limit, which the board has in any case.
    """

    def __init__(self, claims: Sequence[Claim], safe_ma: int) -> None:
        self.first = [claim for claim in claims if claim.rank == FIRST]
        self.unknown = [c for c in claims if c.rank != FIRST and not c.known]
        own = (c for c in claims if c.rank != FIRST and c.known and c.current_ma)
        self.claims = {_load(claim): claim for claim in own}
        self._safe_ma = safe_ma
        self._first_ma = sum(claim.current_ma for claim in self.first)
        loads = tuple(sorted(self.claims))
        self.possible: Sequence[Outcome] = outcomes(self._first_ma, safe_ma, loads)
        # So much of what cannot be shed, and of what is not known, has been served.
        self.first_beyond_ma = 0
        self._unknown_ma = 0

    @property
    def claimed_ma(self) -> int:
        """The limit under which all that is served runs."""
        return self.outcome.needs_ma + self._unknown_ma

    @property
    def outcome(self) -> Outcome:
        """Of all that are possible, the one that needs least."""
        return min(self.possible, key=lambda outcome: outcome.needs_ma)

    def equals(self, rank: Rank) -> Loads:
        """Its loads of that rank."""
        return frozenset(load for load, claim in self.claims.items() if claim.rank == rank)

    def options(self, equals: Loads, kept: Loads) -> list[Option[Loads]]:
        """Which of these may run; `kept` are those that do, or are about to."""
        return undominated(
            [
                Option(self.beyond_ma(one), _worth(one.loads & equals, kept), one.loads & equals)
                for one in self.possible
            ]
        )

    def insist_on(self, load: Load) -> Sequence[Outcome]:
        """Leave only what serves that load, or aims at it and sees; gives what was possible."""
        before = self.possible
        serving = [outcome for outcome in self.possible if load in outcome.loads]
        self.possible = [*serving, aimed_at(self._first_ma, self.outcome.loads | {load})]
        return before

    def decide(self, equals: Loads, chosen: Loads) -> None:
        """Of equals these run and no others."""
        self.possible = [one for one in self.possible if one.loads & equals == chosen]

    def serve_first(self, room_ma: int) -> int:
        """As much of what cannot be shed as there is room for."""
        needs_ma = max(0, sum(claim.needs_ma for claim in self.first) - self._safe_ma)
        self.first_beyond_ma = min(room_ma, needs_ma)
        return self.first_beyond_ma

    def serve_unknown(self, claim: Claim, room_ma: int) -> int:
        """As much of it as there is room for, on top of what is served; gives all of that."""
        unclaimed_ma = max(0, self._safe_ma - self.claimed_ma)
        self._unknown_ma += min(claim.needs_ma, unclaimed_ma + room_ma)
        return self.beyond_ma(self.outcome)

    def beyond_ma(self, outcome: Outcome) -> int:
        """What an outcome needs."""
        if not outcome.loads and not self._unknown_ma:
            return self.first_beyond_ma
        return max(self.first_beyond_ma, outcome.needs_ma + self._unknown_ma - self._safe_ma)


def _load(claim: Claim) -> Load:
    fresh = claim.ran_s < FRESH_S if claim.running else claim.waited_s < _REOPENS_S
    return Load(claim.rank[1], claim.circuit, claim.current_ma, claim.running, fresh)


def _worth(runs: Loads, kept: Loads) -> int:
    """In hundredths of a mA: all that runs, less a part of what changes."""
    costs = (load.current_ma * _change_costs_percent(load) for load in runs ^ kept)
    return 100 * sum(load.current_ma for load in runs) - sum(costs)


def _change_costs_percent(load: Load) -> int:
    return 100 if load.running and load.fresh else _CHANGE_COSTS_PERCENT
