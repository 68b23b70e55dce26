"""The share rule by table, and the lease invariant against boards that are slow, deaf and late."""

from dataclasses import dataclass, replace

import pytest
from headroom.allocation.book import BOOK_FACTOR, Acknowledgement, LeaseBook, book_s
from headroom.allocation.share import Want, share
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

LIMIT_MA = 25_000
UNCONTROLLED_MA = 1_000
SAFE_MA = 4_000
LEASE_S = 30
BOARDS = ("a", "b")
currents = st.integers(0, 60_000)


@pytest.mark.parametrize(
    ("available", "needs", "expected"),
    [
        (30, {"a": 0, "b": 0}, {"a": 15, "b": 15}),
        (31, {"a": 0, "b": 0}, {"a": 16, "b": 15}),
        (30, {"a": 20, "b": 0}, {"a": 23, "b": 7}),
        (30, {"a": 40, "b": 12}, {"a": 18, "b": 12}),
        (30, {"a": 40, "b": 40}, {"a": 15, "b": 15}),
        (30, {"a": 10, "b": 40, "c": 11}, {"a": 10, "b": 10, "c": 10}),
        (9, {"a": 50, "b": 50}, {"a": 5, "b": 5}),
        (30, {}, {}),
    ],
)
def test_share(available: int, needs: dict[str, int], expected: dict[str, int]) -> None:
    assert share(available, [Want(board, 5, need) for board, need in needs.items()]) == expected


@given(
    available=currents,
    wants=st.lists(st.tuples(st.integers(0, 9_000), currents), min_size=1, max_size=8),
)
def test_share_gives_all_and_never_less_than_safe(
    available: int, wants: list[tuple[int, int]]
) -> None:
    asked = [Want(str(n), safe, need) for n, (safe, need) in enumerate(wants)]
    given_ma = share(available, asked)
    assert sum(given_ma.values()) == max(available, sum(want.safe_ma for want in asked))
    assert all(given_ma[want.board] >= want.safe_ma for want in asked)


@dataclass
class SlowBoard:
    """What a board really holds and draws, on a clock that may be 10 % slow."""

    boot: int = 1
    seq: int = 0
    lease_seq: int = 0
    lease_ma: int = 0
    lease_until_s: float = 0.0
    drawn_ma: int = 0

    def enforced_ma(self, now_s: float) -> int:
        """The limit that the board keeps now."""
        return max(SAFE_MA, self.lease_ma if now_s < self.lease_until_s else 0)

    def used_ma(self, now_s: float) -> int:
        """What it may draw, or still draws until it has obeyed a lower lease."""
        return max(self.enforced_ma(now_s), self.drawn_ma)


@dataclass(frozen=True)
class Contact:
    """One report: what the board needs and draws, and what becomes of the answer."""

    name: str
    need_ma: int
    draws_all: bool
    delivered: bool
    obeyed: bool


contacts = st.builds(
    Contact,
    name=st.sampled_from(BOARDS),
    need_ma=st.sampled_from([0, 7_000, 60_000]) | currents,
    draws_all=st.booleans(),
    delivered=st.sampled_from([True, True, True, False]),
    obeyed=st.booleans(),
)


class LeaseHistory(RuleBasedStateMachine):
    """Random reports, lost answers, slow obedience, board and coordinator restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.boards = {name: SlowBoard() for name in BOARDS}
        self.needs_ma = dict.fromkeys(BOARDS, 0)
        safe = dict.fromkeys(BOARDS, (SAFE_MA, 0, 0))
        self.book = LeaseBook((LIMIT_MA, 0, 0), (UNCONTROLLED_MA, 0, 0), safe)

    def exchange(self, name: str, sent_s: float, delivered: bool, obeyed: bool) -> None:
        board = self.boards[name]
        board.seq += 1
        drawn = (board.drawn_ma, 0, 0)
        self.book = self.book.acknowledge(
            Acknowledgement(name, (board.boot, board.lease_seq), drawn), self.now_s
        )
        target_ma = share(
            LIMIT_MA - UNCONTROLLED_MA, [Want(n, SAFE_MA, self.needs_ma[n]) for n in BOARDS]
        )[name]
        self.book, grant = self.book.grant(
            name, (board.boot, board.seq), (target_ma, 0, 0), LEASE_S, self.now_s
        )
        if delivered:
            board.lease_seq, board.lease_ma = board.seq, grant.lease_ma[0]
            board.lease_until_s = sent_s + LEASE_S * BOOK_FACTOR
            if obeyed:
                self.settle(name)

    def settle(self, name: str) -> None:
        board = self.boards[name]
        board.drawn_ma = min(board.drawn_ma, board.enforced_ma(self.now_s))

    @rule(burst=st.lists(contacts, min_size=1, max_size=10))
    def report(self, burst: list[Contact]) -> None:
        for contact in burst:
            board = self.boards[contact.name]
            if contact.draws_all:
                board.drawn_ma = max(board.drawn_ma, board.enforced_ma(self.now_s))
            self.needs_ma[contact.name] = contact.need_ma
            self.exchange(contact.name, self.now_s, contact.delivered, contact.obeyed)
            self.boards_are_within_the_limit()

    @rule(seconds=st.sampled_from([1.0, 4.0, 12.0, 31.0, 33.5]))
    def wait(self, seconds: float) -> None:
        # A board sheds within seconds; that no draw outlives its lease is protection's promise.
        ends = {name: board.lease_until_s for name, board in self.boards.items()}
        self.now_s += seconds
        for name, end_s in ends.items():
            if end_s <= self.now_s or seconds > 5:
                self.settle(name)

    @rule(name=st.sampled_from(BOARDS))
    def restart_board(self, name: str) -> None:
        old = self.boards[name]
        self.boards[name] = SlowBoard(boot=old.boot + 1)

    @rule()
    def restart_coordinator(self) -> None:
        grants = tuple(
            replace(grant, counts_until_s=self.now_s + book_s(grant.lease_s))
            for grant in self.book.grants
        )
        self.book = replace(self.book, grants=grants)

    @precondition(lambda self: self.now_s > 0)
    @rule()
    def steady_state_uses_the_whole_limit(self) -> None:
        for _ in range(3):
            self.now_s += 40
            for name in BOARDS:
                self.settle(name)
                self.exchange(name, self.now_s, delivered=True, obeyed=True)
        enforced = sum(board.enforced_ma(self.now_s) for board in self.boards.values())
        assert enforced + UNCONTROLLED_MA == LIMIT_MA

    @invariant()
    def book_is_within_the_limit(self) -> None:
        assert self.book.committed_ma(self.now_s)[0] <= LIMIT_MA

    @invariant()
    def boards_are_within_the_limit(self) -> None:
        used = sum(board.used_ma(self.now_s) for board in self.boards.values())
        assert used + UNCONTROLLED_MA <= LIMIT_MA


LeaseHistory.TestCase.settings = settings(max_examples=120, stateful_step_count=20, deadline=None)
TestLeaseHistory = LeaseHistory.TestCase
