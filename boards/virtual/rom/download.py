"""The chip in its download mode: who answers on the serial line, and at what rate."""

from __future__ import annotations

from collections.abc import Callable

from boards.virtual.flash import Flash
from boards.virtual.rom import slip
from boards.virtual.rom.chip import Model, Registers
from boards.virtual.rom.loader import Loader, Surroundings
from boards.virtual.rom.protocol import Op, parse
from boards.virtual.rom.stub import GREETING, Stub
from boards.virtual.wire import heard


class Download:
    """Download mode from its start until ``boot`` or ``restart`` is called.

    The boot ROM takes the line's rate from the host's first words.
    """

    def __init__(
        self,
        model: Model,
        flash: Flash,
        send: Callable[[bytes], None],
        boot: Callable[[], None],
        restart: Callable[[], None],
    ) -> None:
        self.registers = Registers(model, flash)
        self._left = False
        self._synced = False
        self._unframer = slip.Unframer()
        self._around = Surroundings(
            self.registers,
            flash,
            send,
            boot=lambda: self._leave(boot),
            restart=lambda: self._leave(restart),
            run=self._run,
        )
        self._speaker: Loader | None = Loader(self._around)

    @property
    def baud(self) -> int:
        """The line's rate at the chip's end."""
        return self.registers.baud

    def receive(self, data: bytes, baud: int | None) -> None:
        """Take what the host has sent at its rate; None is the chip's own.

        Raises PowerLost when the flash's power went in it.
        """
        if baud is not None and not self._synced:
            self.registers.baud = baud
        for packet in self._unframer.feed(heard(data, baud or self.baud, self.baud)):
            if self._left or self._speaker is None:
                return
            self._synced = self._synced or _is_sync(packet)
            self._speaker.take(packet)

    def _run(self, program: bytes) -> None:
        # A program in RAM is Xtensa code, which is not executed. The stub is known by its
        # greeting; any other one says nothing until the next reset.
        self._speaker = Stub(self._around) if GREETING in program else None
        if self._speaker is not None:
            self._speaker.send(GREETING)

    def _leave(self, to: Callable[[], None]) -> None:
        self._left = True
        to()


def _is_sync(packet: bytes) -> bool:
    request = parse(packet)
    return request is not None and request.op == Op.SYNC
