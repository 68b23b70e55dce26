"""An ESP12F as it comes out of the bag, on an adaptor with a reset circuit: nothing in its flash,
power, and a serial port that esptool opens.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from boards.virtual.board import Fitting, VirtualBoard
from boards.virtual.flash import FLASH_BYTES, Flash
from boards.virtual.line_faults import LineFaults
from boards.virtual.network import Network, Peer
from boards.virtual.realtime import RealTime
from boards.virtual.rom.chip import ESP8266, Model

T = TypeVar("T")


class Module:
    """A virtual module in real time. Use it with ``with``; it has power inside.

    ``word`` makes it another chip, ``flash_bytes`` one with less flash, ``flash_time`` one whose
    flash takes that share of its real time to be written in the loader. The board itself is
    touched through ``do`` alone, because a thread of its own runs it.
    """

    def __init__(
        self,
        flash_bytes: int = FLASH_BYTES,
        word: int = ESP8266,
        fitting: Fitting | None = None,
        network: Network | None = None,
        flash_time: float = 0.0,
    ) -> None:
        fitting = fitting or Fitting()
        model = Model(word, fitting.seed & 0xFFFFFF)
        flash = Flash(size=flash_bytes)
        self.board = VirtualBoard(fitting, network or Network(_nobody), flash, model)
        self.clock = RealTime(self.board, flash_time=flash_time)

    def __enter__(self) -> Module:
        self.clock.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        self.clock.stop()
        self.board.close()

    @property
    def port(self) -> str:
        """Its serial port with DTR, RTS and a rate: for ``esptool --port``."""
        return self.clock.remote.url

    @property
    def plain_port(self) -> str:
        """The same cable without DTR, RTS and rate: ``esptool --before no-reset``, much faster."""
        return self.clock.serial.url

    @property
    def faults(self) -> LineFaults:
        """What is wrong with the cable."""
        return self.clock.faults

    def do(self, action: Callable[[VirtualBoard], T]) -> T:
        """Have the board's thread do something with it, and wait for what comes of it."""
        results: list[T] = []
        self.clock.do(lambda board: results.append(action(board)))
        return results[0]

    def start_download(self) -> None:
        """Hold the BOOT button and press RESET, as a person does without an adaptor."""

        def press(board: VirtualBoard) -> None:
            for enable, gpio0 in ((False, False), (True, False), (True, True)):
                board.drive(enable, gpio0)

        self.do(press)

    def reset(self) -> None:
        """Press RESET."""

        def press(board: VirtualBoard) -> None:
            board.drive(False, True)
            board.drive(True, True)

        self.do(press)

    def wire(self, wired: bool) -> None:
        """Whether DTR and RTS reach the chip at all."""
        self.clock.remote.adaptor.wired = wired

    def plug(self, plugged: bool = True) -> None:
        """Whether the adaptor is there; it comes back under the same address."""
        self.do(lambda _: self.clock.plug(plugged))

    def console(self) -> str:
        """What the chip has printed since it was made, boot messages included."""
        return self.do(lambda board: board.serial_log.decode(errors="replace"))

    def flash(self, start: int, size: int) -> bytes:
        """What its flash holds there."""
        return self.do(lambda board: board.flash.read(start, size))

    def power_cycle(self) -> None:
        """Take its power away and give it back."""

        def cycle(board: VirtualBoard) -> None:
            board.power_off()
            board.power_on()

        self.do(cycle)


def _nobody(host: str, port: int) -> Peer:
    raise ConnectionRefusedError(f"{host}:{port}")
