"""A virtual board whose currents come from a virtual rig and whose contacts it watches, both with
their own firmware: what is shown with it holds for the rig's firmware and its client, too.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from headroom.coordinator import Settings

from hil_tests.rig.client import RigClient, Wiring
from hil_tests.rig.wires import Wires, make_rig
from hil_tests.targets.interface import Rig
from hil_tests.targets.virtual import VirtualTarget

# How long what the rig does may take to reach the board: one half of a mains cycle.
_STEP_S = 0.01


class WiredTarget(VirtualTarget):
    """See interface.Target."""

    def __init__(
        self,
        site: dict[str, Any],
        folder: Path,
        timing: dict[str, Any] | None = None,
        settings: Settings | None = None,
    ) -> None:
        super().__init__(site, folder, timing, settings)
        self._rig_board = make_rig()
        self._rig_board.power_on()
        circuits = len(self.world.site.boards[0].circuits)
        wiring = Wiring(loads=Wiring.loads[:circuits], contacts=Wiring.contacts[:circuits])
        self._wires = Wires(self._virtual, self._rig_board, wiring)
        self.client = RigClient(wiring, self._rig_board.exec, lambda: self._rig_board.now_us / 1e6)
        self.rig = WiredRig(self.client, self.rig)
        self.run(self._rig_board.now_us / 1e6)

    def run(self, seconds: float) -> None:
        """See Target."""
        end_us = self.world.now_us + seconds * 1e6
        while self.world.now_us < end_us:
            self.world.run(min(_STEP_S, (end_us - self.world.now_us) / 1e6))
            self._rig_board.run_until_us(self.world.now_us)
            self._wires.step()

    def run_until(self, condition: Callable[[], bool], within_s: float) -> float:
        """See Target."""
        start_s = self.now_s()
        while not condition():
            if self.now_s() - start_s > within_s:
                raise TimeoutError(f"the condition did not come to hold within {within_s} s")
            self.run(0.05)
        return self.now_s() - start_s

    def close(self) -> None:
        """See Target."""
        self._rig_board.close()
        super().close()


class WiredRig:
    """Currents and contacts by the rig's firmware; plug and network by hand."""

    def __init__(self, client: RigClient, by_hand: Rig) -> None:
        self.set_load = client.set_load
        self.relays = client.relays
        self.edges = client.edges
        self.unplug_sensor = by_hand.unplug_sensor
        self.cut_network = by_hand.cut_network
