"""A virtual board at the speed of the wall clock, with its serial port open."""

from __future__ import annotations

import queue
import select
import threading
import time
from collections.abc import Callable

from boards.virtual.board import PROGRAM_BAUD, VirtualBoard
from boards.virtual.line_faults import LineFaults
from boards.virtual.remote_port import RemotePort
from boards.virtual.serial_port import SerialPort
from boards.virtual.wire import heard

IDLE_S = 0.02
DONE_WITHIN_S = 10.0


class RealTime:
    """Runs a board in a thread of its own until it is stopped.

    Only that thread may touch the board meanwhile, and its ports ``serial`` and ``remote``. In its
    loader writing takes no time unless ``flash_time`` says what share of the chip's own.
    """

    def __init__(
        self,
        board: VirtualBoard,
        serial_port: int = 0,
        remote_port: int = 0,
        flash_time: float = 0.0,
    ) -> None:
        self.board = board
        self._flash_time = flash_time
        self.serial = SerialPort(serial_port)
        self.remote = RemotePort(self._hear, board.drive, remote_port)
        self.faults = LineFaults()
        self.most_behind_s = 0.0
        self.error: BaseException | None = None
        self._start_s = 0.0
        self._actions: queue.SimpleQueue[tuple[Callable[[VirtualBoard], None], threading.Event]]
        self._actions = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="virtual-board", daemon=True)
        board.on_serial = self._say

    def start(self) -> None:
        """Power the board on and let it run."""
        self._thread.start()

    def stop(self) -> None:
        """Stop it; the board keeps its power and may be looked at. Raises what ended it early."""
        self._stop.set()
        self._thread.join()
        self.serial.close()
        self.remote.close()
        if self.error is not None:
            raise self.error

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._thread.is_alive()

    def wall_s(self, board_us: float) -> float:
        """A time of the board's clock as `time.monotonic` has it."""
        return self._start_s + board_us / 1e6

    def do(self, action: Callable[[VirtualBoard], None]) -> None:
        """Have the board's own thread do something to it, and wait until it has."""
        done = threading.Event()
        self._actions.put((action, done))
        if not done.wait(DONE_WITHIN_S):
            raise TimeoutError("the board's thread did not come to it") from self.error

    def _run(self) -> None:
        try:
            if not self.board.powered:
                self.board.power_on()
            self._start_s = time.monotonic() - self.board.now_us / 1e6
            while not self._stop.is_set():
                self._step()
        except BaseException as error:  # handed to whoever calls stop()
            self.error = error

    def _step(self) -> None:
        wall_us = (time.monotonic() - self._start_s) * 1e6
        self.most_behind_s = max(self.most_behind_s, (wall_us - self.board.now_us) / 1e6)
        self.board.run_until_us(wall_us)
        while not self._actions.empty():
            action, done = self._actions.get()
            action(self.board)
            done.set()
        self.remote.serve()
        typed = self.serial.read()
        if typed:
            self._hear(typed, None)
            return
        wait_s = IDLE_S
        if self.board.next_timer_us is not None:
            wait_s = self.wall_s(self.board.next_timer_us) - time.monotonic()
        ends = [*self.serial.waitable, *self.remote.waitable]
        select.select(ends, [], [], max(0.0, min(wait_s, IDLE_S)))

    def plug(self, plugged: bool) -> None:
        """Whether its TCP ports are there at all; for the board's thread, as all else."""
        for outlet in (self.serial.outlet, self.remote.outlet):
            if plugged:
                outlet.reopen()
            else:
                outlet.close()

    def _hear(self, data: bytes, baud: int | None) -> None:
        self.board.type(self.faults.to_chip.pass_on(data), baud)
        if self.faults.breaks_after(len(data)):
            self.plug(False)

    def _say(self, data: bytes, baud: int) -> None:
        """To both ports; the terminal's has no rate of its own and hears the program."""
        if self.board.downloads:
            self._stop.wait(self._flash_time * self.board.flash.take_busy_us() / 1e6)
        data = self.faults.to_host.pass_on(data)
        rate = baud if self.board.downloads else PROGRAM_BAUD
        self.serial.write(heard(data, baud, rate))
        self.remote.write(heard(data, baud, self.remote.baud))
