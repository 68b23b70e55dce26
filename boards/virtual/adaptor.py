"""The USB adaptor's reset circuit: two transistors between its lines DTR and RTS and the module's
EN and GPIO0.
"""

from __future__ import annotations

from collections.abc import Callable


def circuit(dtr: bool, rts: bool) -> tuple[bool, bool]:
    """The levels of EN and GPIO0 for the two lines as a program sets them (True = asserted).

    Each transistor's base is on one line and its emitter on the other: both lines alike leave
    module and program alone, RTS alone holds it in reset, DTR alone pulls GPIO0 low.
    """
    return not (rts and not dtr), not (dtr and not rts)


class Adaptor:
    """Applies what a program does to DTR and RTS.

    Over a network a program changes one line after the other, with 50 ms and more in between. On
    the way from "held in reset" to "GPIO0 low" it so passes through both asserted, which lets go
    of EN before GPIO0 is low; the module's capacitor at EN bridges microseconds of that, no more.
    Espressif's server for this purpose therefore runs the sequence itself. This one lets go of EN
    by DTR only once RTS has followed.
    """

    def __init__(self, drive: Callable[[bool, bool], None]) -> None:
        self.wired = True
        self.dtr = self.rts = False
        self._drive = drive

    def set_dtr(self, asserted: bool) -> None:
        """Change DTR; out of a reset nothing happens until RTS follows."""
        leaves_reset = asserted and self.rts and not self.dtr
        self.dtr = asserted
        if not leaves_reset:
            self._apply()

    def set_rts(self, asserted: bool) -> None:
        """Change RTS."""
        self.rts = asserted
        self._apply()

    def release(self) -> None:
        """The program has closed the port: both lines go at once."""
        self.dtr = self.rts = False
        self._apply()

    def _apply(self) -> None:
        if self.wired:
            self._drive(*circuit(self.dtr, self.rts))
