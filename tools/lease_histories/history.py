"""One random history, a step at a time, and the rule that holds after each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from headroom.coordinator.leasing import Leasing
from headroom.protocol.messages import Report
from headroom.site import Site, parse_site

from tools.lease_histories.board import SentAnswer, SimBoard
from tools.lease_histories.coordinator import Died, Fault, MakeLeasing, SimCoordinator, Store
from tools.lease_histories.random_steps import RandomSteps

LEASE_S = 30
# Somebody who restores a backup takes longer than a board waits for an answer.
RESTORE_S = 8.0
# Of a coordinator's date: mostly right, a minute or a day wrong in between.
_WALL_ERRORS_S = (0.0, 0.0, 0.0, 0.0, -60.0, 60.0, -86_400.0)
_RATING_MA = 60_000
# Safe limits of the boards a, b, c, in mA: none, some, nearly all that there is.
_SAFE_LIMITS = ((0, 0, 0), (4000, 4000, 5000), (9000, 9000, 12_000))
# How often each step comes.
_USUAL = {"send": 30, "deliver": 45, "pass_time": 18, "load": 20}
# Of these a history has some and not others: where everything goes wrong at once, nobody ever
# holds enough for a mistake to show.
_TROUBLES = {
    "lose": 4,
    "repeat": 5,
    "reset_board": 2,
    "restart_coordinator": 2,
    "back_up": 1,
    "restore": 1,
    "start_second": 1,
}
_FAULTS: tuple[tuple[Fault, int], ...] = (
    ("none", 92),
    ("not_stored", 4),
    ("dies_before_commit", 2),
    ("dies_after_commit", 2),
)


def three_boards(safe_ma: tuple[int, ...]) -> Site:
    """A riser with boards a and b, and a barn with c, on one main; all loads on L1."""
    feeders = {"a": "riser", "b": "riser", "c": "barn"}
    circuit = {
        "name": "all",
        "phase": "L1",
        "rated_ma": _RATING_MA,
        "priority": 4,
        "kind": "deferrable",
        "safe": "keep",
    }
    return parse_site(
        {
            "site": {"name": "histories"},
            "feeders": [
                {"id": "main", "rating_ma": {"L1": 40_000}, "uncontrolled_ma": {"L1": 2000}},
                {
                    "id": "riser",
                    "parent": "main",
                    "rating_ma": {"L1": 25_000},
                    "uncontrolled_ma": {"L1": 1000},
                },
                {"id": "barn", "parent": "main", "rating_ma": {"L1": 20_000}},
            ],
            "boards": [
                {
                    "id": board,
                    "feeder": feeder,
                    "safe_limit_ma": {"L1": safe},
                    "circuits": [circuit],
                }
                for (board, feeder), safe in zip(feeders.items(), safe_ma, strict=True)
            ],
        }
    )


@dataclass(frozen=True)
class _Up:
    """A report on its way."""

    board: str
    report: Report


class History(RandomSteps[_Up | SentAnswer]):
    """Boards, a store, one coordinator or two by mistake, and what is on its way between them."""

    def __init__(
        self, seed: int, drift: float = 0.05, make_leasing: MakeLeasing = Leasing
    ) -> None:
        super().__init__(seed, _USUAL, _TROUBLES)
        self.site = three_boards(self.random.choice(_SAFE_LIMITS))
        self.boards = {
            board.id: SimBoard(
                board, (_RATING_MA, 0, 0), self.random.choice([1 - drift, 1.0, 1 + drift])
            )
            for board in self.site.boards
        }
        self._make_leasing = make_leasing
        self._store = Store()
        self._backup = Store()
        self.start_coordinator()

    # Steps

    def send(self) -> None:
        """A board reports, unless it still waits for an answer."""
        board = self._any_board()
        if board.can_send(self.t):
            self._flying.append(_Up(board.board.id, board.send(self.t)))

    def pass_time(self) -> None:
        """A moment, a while, longer than any lease, or to the last moment of one."""
        if self.random.random() < 0.2:
            last_s = self._any_board().lease_ends_at() - self.random.choice([0.01, 0.5, 1.0])
            self.t = max(self.t, last_s)
            return
        self.t += self.random.choice([0.1, 1.0, 3.0, 9.9, 20.0, 33.9, 40.0]) * self.random.random()

    def load(self) -> None:
        """A board uses all that it has, or some, or waits for more."""
        board = self._any_board()
        share = self.random.choice([0.0, 0.3, 1.0, 1.0])
        board.waits = not share
        board.drawn_ma = int(share * max(board.believed_ma(self.t), board.drawn_ma))

    def reset_board(self) -> None:
        """A board loses power for a moment."""
        self._any_board().reset(self.t)

    def restart_coordinator(self) -> None:
        """Every coordinator ends; one starts on what was stored."""
        self.t += self.random.choice([0.0, 0.5, 5.0, 60.0])
        self.start_coordinator()

    def back_up(self) -> None:
        """The store is copied."""
        self._backup = self._store.copy()

    def restore(self) -> None:
        """The store is what it was at the last backup, and everything since is unknown."""
        self.t += RESTORE_S
        self._store = self._backup.copy()
        self.start_coordinator()

    def start_second(self) -> None:
        """Somebody starts another coordinator on the same store; both get reports now."""
        self.coordinators.append(self._new_coordinator())

    def start_coordinator(self) -> None:
        """One coordinator instead of all others."""
        self.coordinators = [self._new_coordinator()]

    # The rule

    def check(self, step: str) -> None:
        """At every feeder, by what boards believe. Raises Violation."""
        used_ma = {name: board.used_ma(self.t) for name, board in self.boards.items()}
        tree = self.site.tree()
        limits_ma = {feeder: node.limit_ma for feeder, node in tree.nodes.items()}
        self.compare(step, tree, used_ma, limits_ma)

    # What the steps are made of

    def _any_board(self) -> SimBoard:
        return self.boards[self.random.choice(list(self.boards))]

    def _new_coordinator(self) -> SimCoordinator:
        wall_error_s = self.random.choice(_WALL_ERRORS_S)
        return SimCoordinator(
            self.site, self._store, lambda: self.t, wall_error_s, LEASE_S, self._make_leasing
        )

    def _arrive(self, message: _Up | SentAnswer) -> None:
        if isinstance(message, SentAnswer):
            self.boards[message.board].receive(message, self.t)
            return
        coordinator = self.random.choice(self.coordinators)
        faults, weights = zip(*_FAULTS, strict=True)
        (fault,) = self.random.choices(faults, weights)
        if "restart_coordinator" not in self._weights:
            fault = "none"
        try:
            answer = coordinator.handle(message.board, message.report, fault)
        except Died:
            self.start_coordinator()
            return
        if answer:
            self._flying.append(answer)


def run_histories(
    seeds: range, steps: int = 120, make_leasing: MakeLeasing = Leasing
) -> Iterator[History]:
    """One history after the other, each when it is over. Raises Violation."""
    for seed in seeds:
        history = History(seed, make_leasing=make_leasing)
        for _ in range(steps):
            history.step()
        yield history
