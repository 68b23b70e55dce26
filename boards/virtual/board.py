"""The virtual board: an ESP12F with its relays, sensors, flash, serial port and network, made of
software.

Its time is simulated: ``run`` lets it pass as fast as the processor allows and repeats exactly
with the same seed; ``realtime.py`` holds the same clock back to the wall's.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

from littlefs import LittleFSError

from boards.virtual.board_plant import BoardWithPlant
from boards.virtual.board_time import BoardInTime
from boards.virtual.calls import Calls
from boards.virtual.files import install, read_file
from boards.virtual.fitting import (
    HEAP_BYTES,
    Fitting,
    board_files,
    firmware_image,
    hardware_order,
)
from boards.virtual.flash import ROMFS_BYTES, ROMFS_START, Flash, PowerLost
from boards.virtual.injected import Injected
from boards.virtual.network import Network
from boards.virtual.pins import Pins, load_board, pin_map
from boards.virtual.plant import Plant
from boards.virtual.processor import Processor, ProcessorHung, ProcessorReset
from boards.virtual.rom import boot
from boards.virtual.rom.chip import Model
from boards.virtual.rom.download import Download
from boards.virtual.rom.image import NoImage, check
from boards.virtual.watch import HeapWatch, Work
from boards.virtual.wire import heard

__all__ = ["BOOT_US", "HEAP_BYTES", "Fitting", "HeapWatch", "VirtualBoard", "board_files"]

BOOT_US = 300_000  # power-on or reset to the first line of boot.py
PROGRAM_BAUD = 115_200  # of MicroPython's console
WATCHDOG_US = 3_200_000  # the soft watchdog's two looks

SOFT_RESET_TEXT = b"MPY: soft reboot\r\n"
DAMAGED_FILES_TEXT = b"the file system is damaged: erase the flash and write it anew\r\n"
CTRL_A, CTRL_B = 1, 2  # raw REPL on, off
RAW_PASTE_REQUEST, RAW_PASTE_REFUSED = b"\x05A\x01", b"R\x00"


class VirtualBoard(BoardInTime, BoardWithPlant):
    """One board. Power it on, let time run, look at what it does, break things."""

    def __init__(
        self,
        fitting: Fitting,
        network: Network,
        flash: Flash | None = None,
        model: Model | None = None,
    ) -> None:
        super().__init__()
        self.fitting = fitting
        self.network = network
        self.flash = flash or Flash()
        self.board = load_board()
        self.pins = Pins(pin_map(self.board, fitting.gated))
        self.plant = Plant(fitting.wirings)
        self.injected = Injected()
        self.next_timer_us: float | None = None
        self.resets: list[tuple[float, str]] = []
        self.model = model or Model(chip_id=fitting.seed & 0xFFFFFF)
        self.powered = False
        self.serial_log = bytearray()
        self.on_serial: Callable[[bytes, int], None] | None = None
        self._calls = Calls(self.board, fitting.seed, self.pins, self.plant, network)
        self._processor: Processor | None = None
        self._download: Download | None = None
        self._enable = self._gpio0 = True
        self._chip_start_us = 0.0
        self._raw_repl = False
        self._power_cut_us: float | None = None

    # Putting things on the board, as tools would

    def install(self, files: dict[str, bytes], romfs: bytes | None = None) -> None:
        """Write the ROMFS partition and files into the flash of a board without power."""
        install(self.flash, files, firmware_image() if romfs is None else romfs)

    def read_file(self, path: str) -> bytes:
        """A file on the board's flash as it is now. Raises FileNotFoundError."""
        return read_file(self.flash, path)

    # Power and resets

    @property
    def runs(self) -> bool:
        """Whether the interpreter runs: not in reset, in download mode or without a program."""
        return self._processor is not None

    @property
    def downloads(self) -> bool:
        """Whether the boot ROM waits for a program on the serial port."""
        return self._download is not None

    def power_on(self, cut_flash_after: int | None = None) -> None:
        """Give it power and let it boot.

        ``cut_flash_after`` takes the power away again in the middle of the flash's operation with
        that number, counted from now.
        """
        if self.powered:
            raise RuntimeError("the board has power already")
        self.flash.powered = True
        self.flash.cut_at = cut_flash_after and self.flash.wear.operations + cut_flash_after
        self._calls.rtc = bytes(0)
        self.powered = True
        if self._enable:
            self._start("power_on")

    def power_off(self) -> None:
        """Cut its power now, or at the time that `cut_power_at` named and that has just passed."""
        cut_us = min(self.now_us, self._power_cut_us or self.now_us)
        self.powered = False
        self._stop()
        self.network.power_off()
        self.pins.lose_power(cut_us)
        self.plant.follow(self.pins, cut_us)
        self._power_cut_us = None

    def cut_power_at(self, at_us: float) -> None:
        """Power goes at that very time, in the middle of whatever the processor is at."""
        self._power_cut_us = at_us
        self.at(at_us, lambda: None)

    def reset(self, cause: str = "hard") -> None:
        """Pull the reset line: ``hard``; or have the chip start for another of RESET_CAUSES."""
        self._restart(cause, self.now_us)

    def drive(self, enable: bool, gpio0: bool) -> None:
        """Set the levels of EN, which low holds the chip in reset, and of GPIO0, which low at the
        end of a reset starts the boot ROM's download mode.
        """
        self._gpio0 = gpio0
        if enable == self._enable:
            return
        self._enable = enable
        if self.powered and enable:
            self._start("hard")
        elif self.powered:
            self._stop()
            self.network.power_off()
            self.pins.hold(self.now_us)
            self.plant.follow(self.pins, self.now_us)

    def close(self) -> None:
        """Done with this board."""
        if self.powered:
            self.power_off()

    def _start(self, cause: str) -> None:
        """The chip starts."""
        self.resets.append((self.now_us, cause))
        self._calls.cause = cause
        self._calls.watchdog = None
        self._chip_start_us = self.now_us
        self.pins.reset(self.now_us)
        self.plant.follow(self.pins, self.now_us)
        self.at(self.now_us + self.pins.map.boot_high_us, self._rom_done)
        self._run_events(self.now_us + BOOT_US)
        if self._power_cut_us is not None and self.now_us >= self._power_cut_us:
            self.power_off()
            return
        self._print(boot.greeting(cause, download=not self._gpio0), boot.BAUD)
        if self._gpio0:
            self._boot_flash()
        else:
            self._start_download()

    def _boot_flash(self) -> None:
        self._download = None
        try:
            check(self.flash.image)
        except NoImage as missing:
            self._print(f"{missing}\r\n".encode(), boot.BAUD)
        else:
            self._start_interpreter(("boot.py", "main.py"))

    def _start_download(self) -> None:
        self._download = Download(
            self.model, self.flash, self._answer, self._boot_flash, self._start_download
        )

    def _start_interpreter(self, files: Sequence[str]) -> None:
        self._raw_repl = False
        self._calls.seed = self.fitting.seed * 1000 + len(self.resets)
        try:
            self._calls.mount(self.flash)
        except LittleFSError:
            self._print(DAMAGED_FILES_TEXT)
            return
        self._processor = Processor(self._serve, self._print)
        self._order(
            "start",
            t=self.now_us,
            chipStartUs=self._chip_start_us,
            seed=self._calls.seed,
            files=files,
            watchdog=self._calls.watchdog,
            faults=self.injected.order(),
            changes=[*self.plant.restate(), *self.injected.restate()],
            watchHeap=self.fitting.watch_heap,
            romfs=base64.b64encode(self.flash.read(ROMFS_START, ROMFS_BYTES)).decode(),
            **hardware_order(self.fitting, self.board),
        )

    def _stop(self) -> None:
        if self._processor is not None:
            self._processor.kill()
            self._processor = None
        self.next_timer_us = None  # nobody has to wake for it any more
        self._download = None
        self._calls.unmount()

    def _restart(self, cause: str, at_us: float) -> None:
        self.now_us = max(self.now_us, at_us)
        self._stop()
        self.network.power_off()
        self._start(cause)

    def _soft_reboot(self) -> None:
        """Ctrl-D: the interpreter starts anew, the chip with its pins, its watchdog and its Wi-Fi
        does not; main.py runs only from the friendly REPL.
        """
        self._stop()
        self.network.close_sockets()
        self._print(SOFT_RESET_TEXT)
        self.resets.append((self.now_us, "soft_reboot"))
        raw = self._raw_repl
        self._start_interpreter(("boot.py",) if raw else ("boot.py", "main.py"))
        if raw:
            self.type(b"\x01")

    def _pass_until(self, until_us: float) -> None:
        if self._processor is None:
            self.now_us = max(self.now_us, until_us)
        else:
            self._order("run", until=until_us, changes=self.plant.announce(until_us))

    def _order(self, op: str, **details: Any) -> None:
        """Give the processor an order and bear what comes of it: resets, hangs, power cuts.

        Raises RuntimeError when its program never returns and no watchdog runs.
        """
        assert self._processor is not None
        try:
            done = self._processor.order(op, **details)
        except ProcessorReset as reset:
            self._bear_reset(reset)
        except ProcessorHung:
            self._bear_hang()
        except PowerLost:
            self.power_off()
        else:
            self.now_us, self.next_timer_us = max(self.now_us, done["t"]), done["next"]
            self._take_report(done)
            if self._power_cut_us is not None and self.now_us >= self._power_cut_us:
                self.power_off()
            elif done.get("softReset"):
                self._soft_reboot()

    def _bear_reset(self, reset: ProcessorReset) -> None:
        self._take_report(reset.report)
        if reset.cause == "soft_reboot":
            self.now_us = max(self.now_us, reset.at_us)
            self._soft_reboot()
        else:
            self._restart(reset.cause, reset.at_us)

    def _bear_hang(self) -> None:
        if self._calls.watchdog is not None:
            self._restart("wdt", self.now_us + WATCHDOG_US)
            return
        self.power_off()
        raise RuntimeError("the program never returns and no watchdog runs")

    def _take_report(self, report: dict[str, Any]) -> None:
        self.injected.take_report(report)
        self._calls.watchdog = report["watchdog"]

    def _serve(self, name: str, args: list[Any], t: float) -> dict[str, Any]:
        if self._power_cut_us is not None and t >= self._power_cut_us:
            self.now_us = max(self.now_us, self._power_cut_us)
            raise PowerLost
        try:
            return self._calls.serve(name, args, t)
        except PowerLost:
            self.now_us = max(self.now_us, t)
            raise

    # Serial port

    def type(self, data: bytes, baud: int | None = None) -> None:
        """Type into the serial port, at a rate or at the one that the chip listens at."""
        if self._download is not None:
            self._download_more(data, baud)
        else:
            self._type(heard(data, baud or PROGRAM_BAUD, PROGRAM_BAUD))

    def _download_more(self, data: bytes, baud: int | None) -> None:
        assert self._download is not None
        try:
            self._download.receive(data, baud)
        except PowerLost:
            self.power_off()
        self.flash.take_busy_us()

    def _type(self, data: bytes) -> None:
        while data and self._processor is not None:
            plain, asks_raw_paste, data = data.partition(RAW_PASTE_REQUEST)
            for switch in (byte for byte in plain if byte in (CTRL_A, CTRL_B)):
                self._raw_repl = switch == CTRL_A
            self._order("serial", data=plain.decode("latin-1"))
            if asks_raw_paste:
                # The WebAssembly build would read the window's bytes as program text: refuse.
                self._print(RAW_PASTE_REFUSED)

    def _print(self, data: bytes, baud: int = PROGRAM_BAUD) -> None:
        self.serial_log += data
        if self.on_serial is not None:
            self.on_serial(data, baud)

    def _answer(self, data: bytes) -> None:
        """What download mode says: packets, which are nothing to read in a log."""
        if self._download is not None and self.on_serial is not None:
            self.on_serial(data, self._download.baud)

    def exec(self, code: str) -> str:
        """Run Python on the board over its raw REPL; returns what it printed.

        Raises RuntimeError on a traceback.
        """
        start = len(self.serial_log)
        self.type(b"\x01" + code.encode() + b"\x04\x02")
        reply = bytes(self.serial_log[start:])
        _, ok, rest = reply.partition(b"OK")
        output, _, rest = rest.partition(b"\x04")
        problem = rest.partition(b"\x04")[0]
        if not ok or problem:
            raise RuntimeError(f"on the board: {(problem or reply).decode(errors='replace')}")
        return output.decode().replace("\r\n", "\n")

    # What it tells of itself

    def describe(self, edges: int = 40, serial_bytes: int = 1500) -> str:
        """What it did lately, for a failing test: resets, relay edges, serial output."""
        lines = [f"now {self.now_us / 1e6:.3f} s, resets {self.resets}"]
        lines += [
            f"{e.at_us / 1e6:12.6f} s  {e.what} {e.index} -> {e.level}"
            for e in self.pins.edges[-edges:]
        ]
        return "\n".join([*lines, self.serial_log[-serial_bytes:].decode(errors="replace")])

    def heap(self) -> HeapWatch:
        """What its callbacks did to the heap since the last time that this was asked.

        Raises RuntimeError if the board's fitting does not say ``watch_heap``, or without power.
        """
        if not self.runs or not self.fitting.watch_heap:
            raise RuntimeError("heap: the board must run, and have Fitting(watch_heap=True)")
        assert self._processor is not None
        return HeapWatch.of(self._processor.order("heap")["heap"])

    def work(self) -> Work:
        """What its processor has done since it started. Raises RuntimeError unless it runs."""
        if self._processor is None:
            raise RuntimeError("work: the board does not run")
        return Work(**self._processor.order("work")["work"])

    def _rom_done(self) -> None:
        self.pins.rom_done(self.now_us)
        self.plant.follow(self.pins, self.now_us)
