"""One random history, a step at a time, and the rule that holds after each of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from headroom.allocation.tree import Leaf
from headroom.coordinator.configured import Configured
from headroom.coordinator.leasing import Leasing
from headroom.phases import ZERO_MA
from headroom.protocol.messages import Report
from headroom.site import Board, Site, SiteError, parse_site

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
# What an operator does of a site that grows, in histories without a backup that knows less of it.
_STRUCTURE = {"change_board": 6, "provision": 6, "take_out": 1}
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
        if random.Random(f"{seed} structure").random() < 0.3:
            self._weights.pop("restore", None)
            self._weights |= _STRUCTURE
        self.site = three_boards(self.random.choice(_SAFE_LIMITS))
        self._rates = [1 - drift, 1.0, 1 + drift]
        self.boards = {board.id: self._new_board(board) for board in self.site.boards}
        self._boots: dict[str, int] = {}  # of boards that were taken out
        self._make_leasing = make_leasing
        self._store = Store(Configured(self.site), registered=set(self.boards))
        self._backup = self._store.copy()
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

    def change_board(self) -> None:
        """A board shall have another safe limit or hang on another feeder, or comes anew."""
        site = self._store.configured.site
        another = site.boards[0].model_copy(update={"id": "d"})
        board = self.random.choice([*site.boards, site.board("d") or another])
        values = {
            "feeder": self.random.choice([board.feeder, "riser", "barn"]),
            "safe_limit_ma": (self.random.choice([board.safe_limit_ma[0], 0, 4000, 9000]), 0, 0),
        }
        others = tuple(one for one in site.boards if one.id != board.id)
        self._change_boards((*others, board.model_copy(update=values)))

    def take_out(self) -> None:
        """A board is switched off for good, and then removed from the site."""
        board_id = self.random.choice(list(self.boards))
        boards = self._store.configured.site.boards
        others = tuple(board for board in boards if board.id != board_id)
        if len(self.boards) > 1:
            self._boots[board_id] = self.boards.pop(board_id).boot
            self._change_boards(others)

    def provision(self) -> None:
        """A board gets what the site wants of it: one that is there, or the one that is new."""
        board = self.random.choice(self._store.configured.site.boards)
        self._store.register(board.id)
        if board.id not in self.boards:
            self.boards[board.id] = self._new_board(board)
            self.boards[board.id].boot = self._boots.pop(board.id, 0)
        self.boards[board.id].provision(board, self.t)

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
        there = {b: Leaf(one.board.feeder, ZERO_MA) for b, one in self.boards.items()}
        tree = replace(self.site.tree(), boards=there)
        limits_ma = {feeder: node.limit_ma for feeder, node in tree.nodes.items()}
        self.compare(step, tree, used_ma, limits_ma)

    # What the steps are made of

    def _new_board(self, board: Board) -> SimBoard:
        return SimBoard(board, (_RATING_MA, 0, 0), self.random.choice(self._rates))

    def _change_boards(self, boards: tuple[Board, ...]) -> None:
        site = self._store.configured.site.model_dump(mode="json")
        site["boards"] = [board.model_dump(mode="json") for board in boards]
        try:
            wanted = parse_site(site)
        except SiteError:
            return
        self.random.choice(self.coordinators).change_site(wanted)

    def _any_board(self) -> SimBoard:
        return self.boards[self.random.choice(list(self.boards))]

    def _new_coordinator(self) -> SimCoordinator:
        wall_error_s = self.random.choice(_WALL_ERRORS_S)
        return SimCoordinator(
            self._store, lambda: self.t, wall_error_s, LEASE_S, self._make_leasing
        )

    def _arrive(self, message: _Up | SentAnswer) -> None:
        if isinstance(message, SentAnswer):
            if message.board in self.boards:
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
