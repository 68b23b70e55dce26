"""The lease rule in random histories, the known ways to get it wrong, and that these are found."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from headroom.allocation import book as book_module
from headroom.allocation.book import Acknowledgement, Grant, LeaseBook, book_s
from headroom.allocation.settling import Settling
from headroom.allocation.tree import Leaf, Node, Tree
from headroom.coordinator import leasing
from headroom.coordinator.configured import Configured
from headroom.coordinator.leasing import Leasing
from headroom.phases import ZERO_MA, PhaseMa, highest, lowest
from headroom.protocol.messages import CircuitReading, Report
from headroom.site import parse_site
from tests.book_mistakes import forgets_older_grants, ignores_the_current
from tests.support import VirtualClock, site_document

from tools.lease_histories import Violation, run_histories
from tools.lease_histories.coordinator import SimCoordinator

HISTORIES = 500
# Every mistake below is found by then.
ENOUGH = 400
LEASE_S = 30


def test_no_history_breaks_the_rule() -> None:
    steps = sum(history.steps for history in run_histories(range(HISTORIES)))
    assert steps == HISTORIES * 120


# The known ways to get it wrong, by name


def book() -> LeaseBook:
    """Two boards of 4 A on a riser of 24 A."""
    riser = {"riser": Node((24_000, 0, 0), ZERO_MA)}
    return LeaseBook(Tree(riser, {b: Leaf("riser", (4000, 0, 0)) for b in "ab"}))


def grant_ma(held: LeaseBook, board: str, seq: int, wanted_ma: int, now_s: float = 0.0) -> int:
    return held.grant(board, (1, seq), (wanted_ma, 0, 0), LEASE_S, now_s).lease_ma[0]


def acknowledge(held: LeaseBook, board: str, seq: int, drawn_ma: int, now_s: float = 0.0) -> None:
    held.acknowledge(Acknowledgement(board, (1, seq), (drawn_ma, 0, 0)), now_s)


def test_a_lease_below_the_safe_limit_frees_nothing() -> None:
    held = book()
    assert grant_ma(held, "a", 1, 0) == 4000
    acknowledge(held, "a", 1, 0)
    assert grant_ma(held, "b", 1, 24_000) == 20_000


def test_an_answer_delayed_past_a_retry_still_counts() -> None:
    held = book()
    assert grant_ma(held, "a", 1, 20_000) == 20_000  # its answer is late
    assert grant_ma(held, "a", 2, 4000) == 4000  # the retry asks for less
    assert grant_ma(held, "b", 1, 24_000) == 4000
    # Only the board knows which of the two it obeys.
    acknowledge(held, "a", 1, 0)
    assert grant_ma(held, "b", 2, 24_000) == 4000
    acknowledge(held, "a", 2, 0)
    assert grant_ma(held, "b", 3, 24_000) == 20_000


def test_a_lower_limit_frees_nothing_while_current_is_above_it() -> None:
    held = book()
    grant_ma(held, "a", 1, 20_000)
    grant_ma(held, "a", 2, 4000)
    acknowledge(held, "a", 2, drawn_ma=4001)
    assert grant_ma(held, "b", 1, 24_000) == 4000
    acknowledge(held, "a", 2, drawn_ma=4000)
    assert grant_ma(held, "b", 2, 24_000) == 20_000


def test_a_lease_runs_out_later_in_the_book_than_on_the_slowest_board() -> None:
    held = book()
    grant_ma(held, "a", 1, 20_000)
    assert grant_ma(held, "b", 1, 24_000, now_s=33.9) == 4000
    assert grant_ma(held, "b", 2, 24_000, now_s=book_s(LEASE_S)) == 20_000


def test_a_board_that_hangs_on_another_feeder_now_binds_both() -> None:
    held = book()
    grant_ma(held, "a", 1, 20_000)
    feeders = {f: Node((24_000, 0, 0), ZERO_MA) for f in ("riser", "barn")}
    held.plant(Tree(feeders, {"a": Leaf("barn", (1000, 0, 0)), "b": Leaf("riser", ZERO_MA)}))
    assert held.committed_ma("riser", 1.0) == held.committed_ma("barn", 1.0) == (20_000, 0, 0)
    assert grant_ma(held, "b", 1, 24_000, now_s=1.0) == 4000


def test_a_lease_on_a_feeder_that_is_gone_may_bind_any() -> None:
    held = book()
    grant_ma(held, "a", 1, 20_000)
    held.plant(Tree({"new": Node((24_000, 0, 0), ZERO_MA)}, {"b": Leaf("new", ZERO_MA)}))
    assert grant_ma(held, "b", 1, 24_000, now_s=1.0) == 4000


def test_a_restored_store_gives_out_nothing_while_a_board_draws_what_it_forgot() -> None:
    """The board says that it obeys this term's lease, and still draws an earlier term's."""
    site = parse_site(site_document())
    leases = Leasing(site, VirtualClock(), LEASE_S, epoch=5, stored=())

    def lease_ma(board_id: str, seq: int, limit_ma: int, drawn_ma: int, epoch: int = 5) -> int:
        reading = CircuitReading(drawn_ma, 20, "ok", 1, "default")
        report = Report.model_construct(
            boot=1,
            seq=seq,
            epoch=epoch,
            limit_ma=(limit_ma, 0, 0),
            lease_seq=seq - 1,
            circuits=(reading,),
            minutes=(),
        )
        board = site.board(board_id)
        assert board
        return leases.lease(board, report).lease_ma[0]

    assert lease_ma("flat-1", 8, 19_000, 19_000, epoch=4) == 5000
    assert lease_ma("flat-2", 8, 5000, 0, epoch=4) == 5000
    assert lease_ma("flat-1", 9, 5000, 19_000) == 5000
    assert lease_ma("flat-2", 9, 5000, 0) == 5000
    assert lease_ma("flat-1", 10, 5000, 4000) > 5000


# Mistakes made on purpose: each is found by the histories that find none in the real book.

_account = LeaseBook._account


def goes_below_the_safe_limit(
    self: LeaseBook, board: str, pair: tuple[int, int], wanted: PhaseMa, lease_s: int, now_s: float
) -> Grant:
    lease_ma = lowest(wanted if pair[1] % 2 else ZERO_MA, self.grantable_ma(board, now_s))
    feeder = self.tree.boards[board].feeder
    grant = Grant(board, feeder, pair, lease_ma, lease_s, now_s + book_s(lease_s))
    self._add(grant)
    self._settle(board)
    return grant


def counts_leases_only(self: LeaseBook, board: str) -> book_module._Account:
    account = _account(self, board)
    grants = self.of_board(board)
    return replace(account, held_ma=highest(g.lease_ma for g in grants)) if grants else account


def sees_its_own_feeder_only(self: LeaseBook, board: str) -> book_module._Account:
    nearest = self.tree.chain_of(board)[:1]
    return replace(_account(self, board), feeders=frozenset(nearest))


_handle = SimCoordinator.handle


def grants_on_after_a_take_over(self: SimCoordinator, *report: object) -> object:
    taken_over, self._store.epoch = self._store.epoch, self.epoch
    try:
        return _handle(self, *report)  # type: ignore[arg-type]
    finally:
        self._store.epoch = max(taken_over, self._store.epoch)


NOTHING = property(lambda _self: {})
MISTAKES: dict[str, list[tuple[object, str, Callable[..., object] | property]]] = {
    "answer delayed past a retry": [(LeaseBook, "grant", forgets_older_grants)],
    "current above the lower limit": [(LeaseBook, "acknowledge", ignores_the_current)],
    "lease below the safe limit": [
        (LeaseBook, "grant", goes_below_the_safe_limit),
        (LeaseBook, "_account", counts_leases_only),
    ],
    "no margin for slow clocks": [(book_module, "book_s", float)],
    "feeders above forgotten": [(LeaseBook, "_account", sees_its_own_feeder_only)],
    "leases forgotten at a restart": [(leasing, "book_s", lambda _s: 0.0)],
    "restored store trusted": [(Settling, "is_over", lambda _self, _now: True)],
    "earlier safe limit forgotten": [(Configured, "earlier", NOTHING)],
    "no look whether there is room": [(Leasing, "require_room", lambda _self, _wanted: None)],
    "second coordinator on the store": [(SimCoordinator, "handle", grants_on_after_a_take_over)],
}


@pytest.mark.parametrize("name", MISTAKES)
def test_the_histories_find_a_mistake(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, attribute, mistaken in MISTAKES[name]:
        monkeypatch.setattr(owner, attribute, mistaken)
    with pytest.raises(Violation, match="may carry"):
        for _ in run_histories(range(ENOUGH)):
            pass
