"""A virtual rig wired to a virtual board, pin to pin: its PWM through the filter into the board's
converter, the board's contacts into its inputs.

What passes from rig to board is the RMS and the shape of the newest whole mains cycle; what the
filter does between two cycles is left out, as is the carrier (README.md says how much it is).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from boards.virtual.board import Fitting, VirtualBoard
from boards.virtual.network import Network, Peer
from boards.virtual.plant import Constant, Steps
from hil_tests.rig.client import FIRMWARE, Wiring
from hil_tests.rig.filter import cycle, rms

_FULL = 65_535
# What the Python of one of the rig's timer callbacks is taken to cost on an ESP8266.
_CALLBACK_MS = 0.4


def make_rig(seed: int = 99) -> VirtualBoard:
    """An ESP12F with the rig's firmware, without power."""
    rig = VirtualBoard(Fitting(seed=seed, control_ms=_CALLBACK_MS), Network(_no_network, seed))
    rig.install({FIRMWARE.name: FIRMWARE.read_bytes()})
    return rig


def _no_network(host: str, port: int) -> Peer:
    raise ConnectionRefusedError(f"a rig has no network: {host}:{port}")


def _level(contact: Steps, ahead_us: float, rig_us: float) -> int:
    return int(contact.at(rig_us + ahead_us))


class Wires:
    """Call ``step`` after each short time that both boards have run.

    ``ahead_us`` is how much more the board's clock says than the rig's.
    """

    def __init__(
        self, board: VirtualBoard, rig: VirtualBoard, wiring: Wiring, ahead_us: float = 0.0
    ) -> None:
        self._board, self._rig, self._wiring = board, rig, wiring
        self._duties: list[tuple[float, ...]] = [()] * len(wiring.loads)
        self._starts = 0
        for pin, circuit in zip(wiring.contacts, board.plant.circuits, strict=False):
            rig.pins.driven[pin] = partial(_level, circuit.contact, ahead_us)

    def step(self) -> None:
        """Carry over what has changed."""
        is_new = len(self._board.resets) != self._starts
        self._starts = len(self._board.resets)
        for i in range(len(self._board.plant.circuits)):
            duties = self._newest(i)
            if is_new or sorted(duties) != sorted(self._duties[i]):
                self._duties[i] = duties
                self._drive(i, duties)

    def _newest(self, i: int) -> tuple[float, ...]:
        """The duties of the newest cycle; none where the pin is let go."""
        steps = self._wiring.steps
        newest = [duty for _, duty in self._rig.pins.pwm.get(self._wiring.loads[i], ())][-steps:]
        if len(newest) < steps or None in newest:
            return ()
        return tuple((duty or 0) / _FULL for duty in newest)

    def _drive(self, i: int, duties: Sequence[float]) -> None:
        samples = cycle(duties, self._wiring.mains_hz) if duties else [0.0]
        volts = rms(samples)
        if volts > 0:
            self._board.set_cycle(i, samples)
        self._board.set_load(i, Constant(volts * self._wiring.ct_amps_per_volt))
