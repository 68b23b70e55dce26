"""One random history of real coordinators and boards, and what holds after each step of it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from headroom.allocation.book import book_s
from headroom.coordinator import Settings
from headroom.phases import PHASES, ZERO_MA, PhaseMa, highest, lowest, plus
from headroom.protocol.problems import ProblemError
from headroom.protocol.signing import KEY_BYTES
from headroom.site.checks import safe_totals_ma
from headroom.store import StoreUnavailableError, backup, boards, open_store
from headroom.store.orders import Override

from tools.coordinator_histories.board import NodeBoard, Request
from tools.coordinator_histories.process import FAULTS, DataDir, Process, ProcessClock
from tools.coordinator_histories.site import MOST_MA, RISE_MA, SAFE_LIMITS, three_boards
from tools.lease_histories.coordinator import Died
from tools.lease_histories.random_steps import RandomSteps

STEPS = 120
SETTINGS = Settings(lease_s=30, valid_s=120)
# Somebody who restores a backup takes longer than a board waits for an answer.
RESTORE_S = 8.0
# Of a coordinator's date: mostly right, a minute or a day wrong in between.
_WALL_ERRORS_S = (0.0, 0.0, 0.0, 0.0, -60.0, 60.0, -86_400.0)
_DRIFT = 0.05
# By then a lower limit is kept: every lease from before has ended on any clock.
_OBEYED_S = book_s(SETTINGS.lease_s) / (1 - _DRIFT)
# Leases follow what a meter says within that: until a reading is too old, and a lease has ended.
_FOLLOWED_S = 60.0
# Time passes in pieces, and what holds is looked at in between.
_PIECE_S = 8.0
# Coordinators on copies of a store know of each other only by what boards have heard from the
# other. So each board reports to each of them, sooner than a lease ends; boards that reach only
# one of two for longer cannot be kept within a limit by any of them.
_MEETS_S = 10.0
_COPIES_PIECE_S = 2.0
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


@dataclass(frozen=True)
class _Down:
    """An answer on its way back over the connection of its request."""

    request: Request
    data: bytes


class History(RandomSteps[Request | _Down]):
    """Boards, one coordinator or more by mistake, and what is on its way between them.

    `only` are its troubles, in place of some by the seed. `close` removes its files.
    """

    def __init__(self, seed: int, only: Collection[str] | None = None) -> None:
        super().__init__(seed, _USUAL, _TROUBLES, only)
        if self._weights.keys() & _MANY_SITES:
            self._weights = {n: w for n, w in self._weights.items() if n not in _ONE_SITE}
        self._root = Path(tempfile.mkdtemp(prefix="histories", dir=_memory()))
        self.site = three_boards(self.random.choice(SAFE_LIMITS))
        self.boards = {
            board.id: NodeBoard(board, _key(board.id), self._rate(), SETTINGS.lease_s)
            for board in self.site.boards
        }
        self._epochs = dict.fromkeys(self.boards, 0)
        self._obeyed: dict[tuple[str, int], Override] = {}
        self._uncontrolled = [(0.0, ZERO_MA)]
        self._off: dict[tuple[str, int], Override] = {}
        self._wanted: set[tuple[str, PhaseMa]] = set()
        self._limits: dict[tuple[str, PhaseMa], float] = {}
        self._folders = 0
        self.answered = 0
        self.processes: list[Process] = []
        self._met: dict[tuple[Process, str], float] = {}
        self._backup: DataDir | None = None
        if "restore" in self._weights:
            # Where nobody restores them, backups would only take time: half of all of it.
            self._weights["back_up"] = 3
        self._start(self._empty_data(with_keys=True))

    def close(self) -> None:
        """Look at all that was promised, and leave nothing behind. Raises Violation."""
        try:
            for process in self.processes:
                self._hold_to_promises(process)
        finally:
            self._end_all()
            shutil.rmtree(self._root)

    # Steps: boards and time

    def send(self) -> None:
        """A board reports if it is time for that."""
        board = self._any_board()
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
            end_s = self._any_board().lease_ends_at() - self.random.choice([0.01, 0.5, 1.0])
        else:
            long_s = self.random.choice([0.1, 1.0, 3.0, 9.9, 20.0, 33.9, 40.0])
            end_s = self.t + long_s * self.random.random()
        self._pass_until(end_s)

    def load(self) -> None:
        """A board uses all that it has, or some, or waits for more."""
        self._any_board().draw(self.random.choice([0.0, 0.3, 1.0, 1.0]))

    def reset_board(self) -> None:
        """A board loses power for a moment."""
        self._any_board().reset(self.t)

    def change_uncontrolled(self) -> None:
        """The metered load falls, or rises as fast as the site file says that it may."""
        most_ma = plus(self._least_uncontrolled_ma(), RISE_MA)
        l1, l2, l3 = (int(self.random.random() * ma) for ma in lowest(most_ma, MOST_MA))
        self._uncontrolled.append((self.t, (l1, l2, l3)))

    # Steps: coordinators

    def restart_coordinator(self) -> None:
        """Every coordinator ends; one starts on what lies in its folder."""
        data = self._any_process().data.copied_to(self._folder())
        self._end_all()
        self._pass_until(self.t + self.random.choice([0.0, 0.5, 5.0, 60.0]))
        self._start(data)

    def back_up(self) -> None:
        """A backup is made while all goes on."""
        process, path = self._any_process(), self._folder()
        backup.back_up(process.store, path)
        self._backup = process.data.with_promises(path)

    def restore(self) -> None:
        """The disk is gone; a coordinator starts on the last backup, and knows nothing since."""
        if self._backup is None:
            return
        self._end_all()
        self._pass_until(self.t + RESTORE_S)
        data = self._empty_data()
        with closing(open_store(f"sqlite:///{data.file}")) as store:
            backup.restore(self._backup.folder, store, self._root)
        self._start(self._backup.with_promises(data.folder))

    def start_second(self) -> None:
        """A second coordinator starts on the same store."""
        if len(self.processes) < 3:
            self._start(self._any_process().data)

    def start_copy(self) -> None:
        """A second coordinator starts on a copy of the data directory of one that goes on."""
        if len(self.processes) < 3:
            self._start(self._any_process().data.copied_to(self._folder()))

    def set_clock(self) -> None:
        """Somebody sets the date of a coordinator's machine."""
        self._any_process().clock.wrong_s = self.random.choice(_WALL_ERRORS_S)

    def change_limit(self) -> None:
        """Somebody wants less on a feeder, or as much as its rating again."""
        process, feeder = self._any_process(), self.random.choice(self.site.feeders)
        safe_ma = safe_totals_ma(process.coordinator.site)[feeder.id]
        part = self.random.choice([0.0, 0.5, 1.0])
        l1, l2, l3 = (
            int(safe + part * (rating - safe))
            for safe, rating in zip(safe_ma, feeder.rating_ma, strict=True)
        )
        changes = process.coordinator.site_changes
        self._do(process, lambda: changes.set_limit(feeder.id, (l1, l2, l3)))

    def change_board(self) -> None:
        """Somebody wants a board on another feeder, or with another safe limit."""
        process, name = self._any_process(), self._any_board().board.id
        wanted = self.random.choice(three_boards(self.random.choice(SAFE_LIMITS)).boards)
        changed = wanted.model_copy(update={"id": name})
        self._do(process, lambda: process.coordinator.site_changes.put_board(changed))

    def provision(self) -> None:
        """A board is given what the site has for it, and moved to where that says."""
        process, board = self._any_process(), self._any_board()
        table = process.coordinator.site.board(board.board.id)
        assert table
        if self._do(process, lambda: process.register(table.id, _key(table.id))):
            board.provision(table, self.t)

    def read_meter(self) -> None:
        """A reading of the metered load comes in."""
        process = self._any_process()
        measured_ma = self._uncontrolled[-1][1]
        process.coordinator.site_changes.read_meter("main", measured_ma)

    def order(self) -> None:
        """Somebody orders a circuit off or on, or takes an order back."""
        process, board = self._any_process(), self._any_board().board.id
        circuit = self.random.randrange(len(PHASES))
        process.data.orders.pop((board, circuit), None)
        orders = process.coordinator.orders
        if self.random.random() < 0.3:
            self._do(process, lambda: orders.clear_override(board, circuit))
            return
        closed, now_s = self.random.random() < 0.4, int(process.clock.unix_s())
        until_s = self.random.choice([0, 0, now_s + 60])
        given = Override(circuit, closed, until_s, f"step {self.steps}", now_s)
        if self._do(process, lambda: orders.set_override(board, given)):
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
        known_ma["main"] = plus(known_ma["main"], self._uncontrolled[-1][1])
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

    def _hold_to_promises(self, process: Process) -> None:
        if broken := process.broken_promises():
            self.fail("looking into the store", f"lost: {', '.join(broken)}")

    # What the steps are made of

    def _any_board(self) -> NodeBoard:
        board = self.boards[self.random.choice(list(self.boards))]
        board.at(self.t)
        return board

    def _any_process(self) -> Process:
        return self.random.choice(self.processes)

    def _rate(self) -> float:
        return self.random.choice([1 - _DRIFT, 1.0, 1 + _DRIFT])

    def _pass_until(self, end_s: float) -> None:
        while self.t < end_s:
            copies = len({id(process.data) for process in self.processes}) > 1
            self.t = min(end_s, self.t + (_COPIES_PIECE_S if copies else _PIECE_S))
            self.check("while time passes")
            if copies:
                self._meet_all()

    def _meet_all(self) -> None:
        """Every board reports to every coordinator that has not heard of it for long."""
        for process in self.processes:
            for name, board in self.boards.items():
                if self.t - self._met[process, name] < _MEETS_S:
                    continue
                if request := board.send():
                    self._met[process, name] = self.t
                    board.receive(process.answer(request))
                    self.check("meeting")

    def _least_uncontrolled_ma(self) -> PhaseMa:
        """The least of late: leases may still be those that were granted then."""
        old = [at for at, _ in self._uncontrolled if at <= self.t - _FOLLOWED_S]
        since = max(old, default=0.0)
        self._uncontrolled = [one for one in self._uncontrolled if one[0] >= since]
        least_ma = MOST_MA
        for _, ma in self._uncontrolled:
            least_ma = lowest(least_ma, ma)
        return least_ma

    def _arrive(self, message: Request | _Down) -> None:
        if isinstance(message, _Down):
            board = self.boards[message.request.board]
            board.at(self.t)
            # TCP keeps answers apart; somebody in between need not.
            if board.waits_for(message.request) or self.random.random() < 0.1:
                board.receive(message.data)
            return
        process = self._any_process()
        answers: list[bytes] = []
        self._do(process, lambda: answers.append(process.answer(message)))
        if any(answer.startswith(b"HTTP/1.1 200") for answer in answers):
            self._met[process, message.board] = self.t
        self.answered += len(answers)
        self._flying += [_Down(message, answer) for answer in answers]

    def _do(self, process: Process, action: Callable[[], object]) -> bool:
        """Something that writes to the store, which may fail; whether it was confirmed."""
        faults, weights = zip(*FAULTS, strict=True)
        (fault,) = self.random.choices(faults, weights)
        if "restart_coordinator" not in self._weights:
            fault = "none"
        try:
            with process.failing(fault), suppress(ProblemError):
                action()
                return True
        except StoreUnavailableError:
            pass
        except Died:
            self._restart(process)
        return False

    def _restart(self, process: Process) -> None:
        """It has been killed, and is started again."""
        data = process.data
        self.processes.remove(process)
        if all(other.data is not data for other in self.processes):
            data = data.copied_to(self._folder())
        process.close()
        self._start(data)

    def _start(self, data: DataDir) -> Process:
        clock = ProcessClock(lambda: self.t, self._rate(), self.random.choice(_WALL_ERRORS_S))
        process = Process(data, self.site, clock, SETTINGS)
        self.processes.append(process)
        self._met |= {(process, name): self.t for name in self.boards}
        self._hold_to_promises(process)
        return process

    def _end_all(self) -> None:
        for process in self.processes:
            process.close()
        self.processes = []

    def _folder(self) -> Path:
        self._folders += 1
        return self._root / str(self._folders)

    def _empty_data(self, *, with_keys: bool = False) -> DataDir:
        """A store without reports; a copy of one, because making its tables takes long."""
        data = DataDir(self._folder())
        data.folder.mkdir()
        data.file.write_bytes(_empty_store(tuple(self.boards) if with_keys else ()))
        return data


@cache
def _empty_store(board_ids: tuple[str, ...]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "store.db"
        with closing(open_store(f"sqlite:///{file}")) as store, store.write() as db:
            for board_id in board_ids:
                boards.put_key(db, board_id, _key(board_id))
        return file.read_bytes()


def _key(board_id: str) -> bytes:
    return board_id.encode().ljust(KEY_BYTES, b"k")


def _memory() -> Path | None:
    """Where a sync costs nothing, if there is such a place: durability has tests of its own."""
    path = Path("/dev/shm")
    return path if path.is_dir() else None


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
