"""One random history of real coordinators and boards, and what holds after each step of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing

from headroom.allocation.book import book_s
from headroom.phases import PHASES, ZERO_MA, PhaseMa, highest, lowest, plus
from headroom.site.checks import safe_totals_ma
from headroom.store import backup, open_store
from headroom.store.orders import Override

from tools.coordinator_histories.process import DataDir
from tools.coordinator_histories.site import MOST_MA, RISE_MA, SAFE_LIMITS, three_boards
from tools.coordinator_histories.world import DRIFT, SETTINGS, WALL_ERRORS_S, World, key_of

STEPS = 120
# Somebody who restores a backup takes longer than a board waits for an answer.
RESTORE_S = 8.0
# By then a lower limit is kept: every lease from before has ended on any clock.
_OBEYED_S = book_s(SETTINGS.lease_s) / (1 - DRIFT)
_USUAL = {"exchange": 30, "send": 20, "deliver": 30, "pass_time": 18, "load": 15}
_TROUBLES = {
    "lose": 4,
    "repeat": 5,
    "reset_board": 2,
    "restart_coordinator": 2,
    "restore": 2,
    "start_second": 1,
    "start_copy": 1,
    "set_clock": 2,
    "change_limit": 2,
    "order": 5,
    "change_uncontrolled": 4,
    "read_meter": 8,
    "change_board": 4,
    "provision": 6,
}
# Where a coordinator may know an earlier site than another has changed, nobody can count on what
# boards were given since.
_ONE_SITE = {"change_board", "provision"}
_MANY_SITES = {"restore", "start_second", "start_copy"}


class History(World):
    """Every step is one of these methods; `check` says what holds after it.

    `only` are its troubles, in place of some by the seed.
    """

    def __init__(self, seed: int, only: Collection[str] | None = None) -> None:
        super().__init__(seed, _USUAL, _TROUBLES, only)
        if self._weights.keys() & _MANY_SITES:
            self._weights = {n: w for n, w in self._weights.items() if n not in _ONE_SITE}
        self._epochs = dict.fromkeys(self.boards, 0)
        self._obeyed: dict[tuple[str, int], Override] = {}
        self._off: dict[tuple[str, int], Override] = {}
        self._wanted: set[tuple[str, PhaseMa]] = set()
        self._limits: dict[tuple[str, PhaseMa], float] = {}
        self._backup: DataDir | None = None
        if "restore" in self._weights:
            # Where nobody restores them, backups would only take time: half of all of it.
            self._weights["back_up"] = 3
        self.start(self.empty_data(with_keys=True))

    # Steps: boards and time

    def send(self) -> None:
        """A board reports if it is time for that."""
        board = self.any_board()
        if request := board.send():
            self._flying.append(request)

    def exchange(self) -> None:
        """A board reports, and has its answer at once."""
        waiting = len(self._flying)
        self.send()
        while len(self._flying) > waiting:
            self._arrive(self._flying.pop())

    def pass_time(self) -> None:
        """A moment, a while, longer than any lease, or to the last moment of one."""
        if self.random.random() < 0.2:
            end_s = self.any_board().lease_ends_at() - self.random.choice([0.01, 0.5, 1.0])
        else:
            long_s = self.random.choice([0.1, 1.0, 3.0, 9.9, 20.0, 33.9, 40.0])
            end_s = self.t + long_s * self.random.random()
        self.pass_until(end_s)

    def load(self) -> None:
        """A board uses all that it has, or some, or waits for more."""
        self.any_board().draw(self.random.choice([0.0, 0.3, 1.0, 1.0]))

    def reset_board(self) -> None:
        """A board loses power for a moment."""
        self.any_board().reset(self.t)

    def change_uncontrolled(self) -> None:
        """The metered load falls, or rises as fast as the site file says that it may."""
        most_ma = plus(self.least_uncontrolled_ma(), RISE_MA)
        l1, l2, l3 = (int(self.random.random() * ma) for ma in lowest(most_ma, MOST_MA))
        self.uncontrolled.append((self.t, (l1, l2, l3)))

    # Steps: coordinators

    def restart_coordinator(self) -> None:
        """Every coordinator ends; one starts on what lies in its folder."""
        data = self.any_process().data.copied_to(self.folder())
        self.end_all()
        self.pass_until(self.t + self.random.choice([0.0, 0.5, 5.0, 60.0]))
        self.start(data)

    def back_up(self) -> None:
        """A backup is made while all goes on."""
        process, path = self.any_process(), self.folder()
        backup.back_up(process.store, path)
        self._backup = process.data.with_promises(path)

    def restore(self) -> None:
        """The disk is gone; a coordinator starts on the last backup, and knows nothing since."""
        if self._backup is None:
            return
        self.end_all()
        self.pass_until(self.t + RESTORE_S)
        data = self.empty_data()
        with closing(open_store(f"sqlite:///{data.file}")) as store:
            backup.restore(self._backup.folder, store, self.root)
        self.start(self._backup.with_promises(data.folder))

    def start_second(self) -> None:
        """A second coordinator starts on the same store."""
        if len(self.processes) < 3:
            self.start(self.any_process().data)

    def start_copy(self) -> None:
        """A second coordinator starts on a copy of the data directory of one that goes on."""
        if len(self.processes) < 3:
            self.start(self.any_process().data.copied_to(self.folder()))

    def set_clock(self) -> None:
        """Somebody sets the date of a coordinator's machine."""
        self.any_process().clock.wrong_s = self.random.choice(WALL_ERRORS_S)

    def change_limit(self) -> None:
        """Somebody wants less on a feeder, or as much as its rating again."""
        process, feeder = self.any_process(), self.random.choice(self.site.feeders)
        safe_ma = safe_totals_ma(process.coordinator.site)[feeder.id]
        part = self.random.choice([0.0, 0.5, 1.0])
        l1, l2, l3 = (
            int(safe + part * (rating - safe))
            for safe, rating in zip(safe_ma, feeder.rating_ma, strict=True)
        )
        changes = process.coordinator.site_changes
        self.do(process, lambda: changes.set_limit(feeder.id, (l1, l2, l3)))

    def change_board(self) -> None:
        """Somebody wants a board on another feeder, or with another safe limit."""
        process, name = self.any_process(), self.any_board().board.id
        wanted = self.random.choice(three_boards(self.random.choice(SAFE_LIMITS)).boards)
        changed = wanted.model_copy(update={"id": name})
        self.do(process, lambda: process.coordinator.site_changes.put_board(changed))

    def provision(self) -> None:
        """A board is given what the site has for it, and moved to where that says."""
        process, board = self.any_process(), self.any_board()
        table = process.coordinator.site.board(board.board.id)
        assert table
        if self.do(process, lambda: process.register(table.id, key_of(table.id))):
            board.provision(table, self.t)

    def read_meter(self) -> None:
        """A reading of the metered load comes in."""
        process = self.any_process()
        measured_ma = self.uncontrolled[-1][1]
        process.coordinator.site_changes.read_meter("main", measured_ma)

    def order(self) -> None:
        """Somebody orders a circuit off or on, or takes an order back."""
        process, board = self.any_process(), self.any_board().board.id
        circuit = self.random.randrange(len(PHASES))
        process.data.orders.pop((board, circuit), None)
        orders = process.coordinator.orders
        if self.random.random() < 0.3:
            self.do(process, lambda: orders.clear_override(board, circuit))
            return
        closed, now_s = self.random.random() < 0.4, int(process.clock.unix_s())
        until_s = self.random.choice([0, 0, now_s + 60])
        given = Override(circuit, closed, until_s, f"step {self.steps}", now_s)
        if self.do(process, lambda: orders.set_override(board, given)):
            process.data.orders[board, circuit] = given

    # What holds

    def check(self, step: str) -> None:
        """The lease rule, and what boards have been told, at this moment. Raises Violation."""
        for board in self.boards.values():
            board.at(self.t)
        self._check_leases(step)
        for name, board in self.boards.items():
            if board.epoch < self._epochs[name]:
                self.fail(step, f"{name} fell from epoch {self._epochs[name]} to {board.epoch}")
            self._epochs[name] = board.epoch
        self._check_orders(step)

    def _check_leases(self, step: str) -> None:
        """A lower limit is kept once the leases from before have ended."""
        for at in self._limits_wanted():
            self._limits[at] = self.t
        self._limits = {at: s for at, s in self._limits.items() if self.t - s <= _OBEYED_S}
        limits_ma: dict[str, PhaseMa] = {}
        for feeder_id, limit_ma in self._limits:
            limits_ma[feeder_id] = highest([limit_ma, limits_ma.get(feeder_id, ZERO_MA)])
        known_ma = {feeder.id: feeder.uncontrolled_ma for feeder in self.site.feeders}
        known_ma["main"] = plus(known_ma["main"], self.uncontrolled[-1][1])
        used_ma = {name: board.used_ma() for name, board in self.boards.items()}
        # By where boards hang and by what they have in flash, whatever a coordinator knows.
        boards_now = tuple(board.board for board in self.boards.values())
        tree = self.site.model_copy(update={"boards": boards_now}).tree(known_ma)
        self.compare(step, tree, used_ma, limits_ma)

    def _check_orders(self, step: str) -> None:
        """What a board has been ordered off stays off until somebody orders otherwise."""
        expected = self._orders_off()
        self._obeyed = {at: o for at, o in self._obeyed.items() if expected.get(at) == o}
        for (board, circuit), order in expected.items():
            if self.boards[board].is_ordered_off(circuit):
                self._obeyed[board, circuit] = order
            elif (board, circuit) in self._obeyed:
                self.fail(step, f"{board} has undone {order}")

    def _limits_wanted(self) -> set[tuple[str, PhaseMa]]:
        """By feeder, of every coordinator that lives, or else of those that lived last."""
        if self.processes:
            sites = [process.coordinator.site for process in self.processes]
            self._wanted = {(f.id, f.limit_ma) for site in sites for f in site.feeders}
        return self._wanted

    def _orders_off(self) -> dict[tuple[str, int], Override]:
        """Those without expiry that every coordinator knows of; in an outage as before it."""
        if self.processes:
            first, *others = (process.data.orders for process in self.processes)
            self._off = {
                place: order
                for place, order in first.items()
                if (order.closed, order.until_unix_s) == (False, 0)
                and all(other.get(place) == order for other in others)
            }
        return self._off


def run_histories(
    seeds: range, steps: int = STEPS, only: Collection[str] | None = None
) -> Iterator[History]:
    """One history after the other, each when it is over. Raises Violation."""
    for seed in seeds:
        history = History(seed, only)
        try:
            for _ in range(steps):
                history.step()
        finally:
            history.close()
        yield history
