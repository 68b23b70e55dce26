"""Where a random history takes place: coordinators, boards, time, and what is between them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from headroom.coordinator import Settings
from headroom.phases import ZERO_MA, PhaseMa, lowest
from headroom.protocol.problems import ProblemError
from headroom.protocol.signing import KEY_BYTES
from headroom.store import StoreUnavailableError, boards, open_store

from tools.coordinator_histories.board import NodeBoard, Request
from tools.coordinator_histories.process import FAULTS, DataDir, Process, ProcessClock
from tools.coordinator_histories.site import MOST_MA, SAFE_LIMITS, three_boards
from tools.lease_histories.coordinator import Died
from tools.lease_histories.random_steps import RandomSteps

SETTINGS = Settings(lease_s=30, valid_s=120)
# Of a coordinator's date: mostly right, a minute or a day wrong in between.
WALL_ERRORS_S = (0.0, 0.0, 0.0, 0.0, -60.0, 60.0, -86_400.0)
DRIFT = 0.05
# Leases follow what a meter says within that: until a reading is too old, and a lease has ended.
_FOLLOWED_S = 60.0
# Time passes in pieces, and what holds is looked at in between.
_PIECE_S = 8.0
# Coordinators on copies of a store know of each other only by what boards have heard from the
# other. So each board reports to each of them, sooner than a lease ends; boards that reach only
# one of two for longer cannot be kept within a limit by any of them.
_MEETS_S = 10.0
_COPIES_PIECE_S = 2.0


@dataclass(frozen=True)
class Down:
    """An answer on its way back over the connection of its request."""

    request: Request
    data: bytes


class World(RandomSteps[Request | Down]):
    """Boards, one coordinator or more by mistake, and what is on its way between them.

    `close` removes its files.
    """

    def __init__(
        self,
        seed: int,
        usual: Mapping[str, int],
        troubles: Mapping[str, int],
        only: Collection[str] | None,
    ) -> None:
        super().__init__(seed, usual, troubles, only)
        self.root = Path(tempfile.mkdtemp(prefix="histories", dir=_memory()))
        self._folders = 0
        self.site = three_boards(self.random.choice(SAFE_LIMITS))
        self.boards = {
            board.id: NodeBoard(board, key_of(board.id), self._rate(), SETTINGS.lease_s)
            for board in self.site.boards
        }
        self.uncontrolled = [(0.0, ZERO_MA)]
        self.answered = 0
        self.processes: list[Process] = []
        self._met: dict[tuple[Process, str], float] = {}

    def close(self) -> None:
        """Look at all that was promised, and leave nothing behind. Raises Violation."""
        try:
            for process in self.processes:
                self.hold_to_promises(process)
        finally:
            self.end_all()
            shutil.rmtree(self.root)

    def any_board(self) -> NodeBoard:
        """One by the seed, at this moment."""
        board = self.boards[self.random.choice(list(self.boards))]
        board.at(self.t)
        return board

    def any_process(self) -> Process:
        """One by the seed."""
        return self.random.choice(self.processes)

    def _rate(self) -> float:
        return self.random.choice([1 - DRIFT, 1.0, 1 + DRIFT])

    def pass_until(self, end_s: float) -> None:
        """Let time pass, and look at what holds in between."""
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

    def least_uncontrolled_ma(self) -> PhaseMa:
        """The least of late: leases may still be those that were granted then."""
        old = [at for at, _ in self.uncontrolled if at <= self.t - _FOLLOWED_S]
        since = max(old, default=0.0)
        self.uncontrolled = [one for one in self.uncontrolled if one[0] >= since]
        least_ma = MOST_MA
        for _, ma in self.uncontrolled:
            least_ma = lowest(least_ma, ma)
        return least_ma

    def _arrive(self, message: Request | Down) -> None:
        if isinstance(message, Down):
            board = self.boards[message.request.board]
            board.at(self.t)
            # TCP keeps answers apart; somebody in between need not.
            if board.waits_for(message.request) or self.random.random() < 0.1:
                board.receive(message.data)
            return
        process = self.any_process()
        answers: list[bytes] = []
        self.do(process, lambda: answers.append(process.answer(message)))
        if any(answer.startswith(b"HTTP/1.1 200") for answer in answers):
            self._met[process, message.board] = self.t
        self.answered += len(answers)
        self._flying += [Down(message, answer) for answer in answers]

    def do(self, process: Process, action: Callable[[], object]) -> bool:
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
            data = data.copied_to(self.folder())
        process.close()
        self.start(data)

    def start(self, data: DataDir) -> Process:
        """Start a coordinator on what lies there."""
        clock = ProcessClock(lambda: self.t, self._rate(), self.random.choice(WALL_ERRORS_S))
        process = Process(data, self.site, clock, SETTINGS)
        self.processes.append(process)
        self._met |= {(process, name): self.t for name in self.boards}
        self.hold_to_promises(process)
        return process

    def end_all(self) -> None:
        """Every coordinator ends."""
        for process in self.processes:
            process.close()
        self.processes = []

    def folder(self) -> Path:
        """A place for another one."""
        self._folders += 1
        return self.root / str(self._folders)

    def empty_data(self, *, with_keys: bool = False) -> DataDir:
        """A store without reports; a copy of one, because making its tables takes long."""
        data = DataDir(self.folder())
        data.folder.mkdir()
        data.file.write_bytes(_empty_store(tuple(self.boards) if with_keys else ()))
        return data

    def hold_to_promises(self, process: Process) -> None:
        """All that was acknowledged or confirmed is in its store. Raises Violation."""
        if broken := process.broken_promises():
            self.fail("looking into the store", f"lost: {', '.join(broken)}")


@cache
def _empty_store(board_ids: tuple[str, ...]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "store.db"
        with closing(open_store(f"sqlite:///{file}")) as store, store.write() as db:
            for board_id in board_ids:
                boards.put_key(db, board_id, key_of(board_id))
        return file.read_bytes()


def key_of(board_id: str) -> bytes:
    """A board's key."""
    return board_id.encode().ljust(KEY_BYTES, b"k")


def _memory() -> Path | None:
    """Where a sync costs nothing, if there is such a place: durability has tests of its own."""
    path = Path("/dev/shm")
    return path if path.is_dir() else None
